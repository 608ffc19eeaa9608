"""A whole server in memory on top of the engine: flows, executions, workers and virtual time.

`World` is what the executor, the services and the workers are to the engine, without rows,
threads or waiting. It commits every Decision to maps, and with `reload_always` throws the index
away after each event, as a crashed executor does.
"""

import heapq
import itertools
import json
import shutil
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from mainstem.engine.advance import advance
from mainstem.engine.concurrency import admit
from mainstem.engine.decision import (
    NOTHING,
    Begin,
    ChildCreated,
    ChildEnded,
    ChildRefused,
    Decision,
    Event,
    Finished,
    KillRequested,
    Started,
    SubflowRequest,
    Submit,
    Timer,
    TimerRang,
    Unqueued,
    WorkspaceRuns,
)
from mainstem.engine.environment import Constants, Environment
from mainstem.engine.live import LiveExecution
from mainstem.engine.workspace import open_workspace
from mainstem.errors import InvalidInput, MainstemError, NotFound
from mainstem.expr import RenderOptions
from mainstem.ids import seeded_ids
from mainstem.model.execution import CORRELATION_ID, Execution, ExecutionTrigger, TaskRun
from mainstem.model.flow_id import FlowId
from mainstem.model.log import Level, LogLine
from mainstem.model.state import History, State
from mainstem.plugins.core.flow.working_directory import WorkingDirectory
from mainstem.sdk.context import KvEntry, TaskFailed
from mainstem.sdk.flow import Flow
from mainstem.sdk.registry import Registry
from mainstem.sdk.task import RunnableTask
from tests.engine.fakes import MemoryContext, MemoryHost

START = datetime(2024, 5, 1, 12, 0, tzinfo=UTC)
Inputs = Mapping[str, object]
Coerce = Callable[[Flow, Inputs, str], Inputs]
HOLDING = (State.RUNNING, State.PAUSED)


class World:
    """Everything around the engine; `run` works until nothing is left to do."""

    def __init__(self, registry: Registry, *, seed: str = "world", now: datetime = START) -> None:
        self.registry = registry
        self.now = now
        self.ids = seeded_ids(seed)
        self.flows: dict[FlowId, list[Flow]] = {}
        self.lives: dict[str, LiveExecution] = {}
        self.order: list[str] = []
        self.closed: set[str] = set()
        self.logs: list[LogLine] = []
        self.files: dict[str, bytes] = {}
        self.kv: dict[tuple[str, str], KvEntry] = {}
        self.secrets: dict[str, str] = {}
        self.namespace_files: dict[tuple[str, str], bytes] = {}
        self.metrics: list[tuple[str, str, float]] = []
        self.folders: list[Path] = []
        self.constants = Constants()
        self.options = RenderOptions()
        self.encryption_key: bytes | None = None
        self.coerce: Coerce = lambda flow, inputs, _: inputs
        self.coerce_outputs: Any = None
        self.executions_api: Any = None
        self.reload_always = False
        self.task_time = timedelta(0)
        self.steps = 0
        self.decisions: list[tuple[str, Event, Decision]] = []
        self.keep_decisions = False
        self.on_ended: Callable[[Execution], None] = lambda _: None
        self._queue: deque[tuple[str, Event]] = deque()
        self._later: list[tuple[datetime, int, str, Event]] = []
        self._sequence = itertools.count()
        self._timers: dict[tuple[str, str], Timer] = {}
        self._links: dict[str, tuple[str, SubflowRequest]] = {}
        self._attempts: dict[str, int] = {}

    # flows and executions

    def add_flow(self, given: Flow | Mapping[str, Any]) -> Flow:
        flow = given
        if not isinstance(flow, Flow):
            flow = Flow.model_validate(dict(flow), context={"registry": self.registry})
        self.flows.setdefault(flow.flow_id, []).append(flow)
        return flow

    def flow(self, flow_id: FlowId, revision: int | None = None) -> Flow:
        found = self.flows.get(flow_id)
        if not found:
            raise NotFound(f"Flow not found: {flow_id}")
        return found[revision - 1] if revision else found[-1]

    def create(
        self,
        flow: Flow | FlowId,
        inputs: Inputs | None = None,
        *,
        labels: Mapping[str, str] | None = None,
        trigger: ExecutionTrigger | None = None,
        schedule_at: datetime | None = None,
        revision: int | None = None,
        execution_id: str | None = None,
        variables: Mapping[str, object] | None = None,
        begin: bool = True,
    ) -> str:
        """A new execution, not yet looked at; raises what coercion raises."""
        flow_id = flow if isinstance(flow, FlowId) else flow.flow_id
        found = self.flow(flow_id, revision)
        if found.disabled:
            raise InvalidInput(f"Cannot execute the disabled flow {flow_id}")
        new_id = execution_id or self.ids()
        given = {CORRELATION_ID: new_id} | {**found.labels} | {**(labels or {})}
        execution = Execution(
            id=new_id,
            flow=flow_id,
            revision=revision or len(self.flows[flow_id]),
            history=History.begin(self.now),
            inputs=self.coerce(found, inputs or {}, new_id),
            labels=given,
            trigger=trigger,
            schedule_at=schedule_at,
            variables=variables or {},
        )
        self._adopt(execution, ())
        if begin:
            self._begin(execution)
        return new_id

    def _adopt(self, execution: Execution, runs: tuple[TaskRun, ...]) -> None:
        flow = self.flow(execution.flow, execution.revision)
        self.lives[execution.id] = LiveExecution.load(
            flow, execution, runs, constants=self.constants
        )
        self.order.append(execution.id)

    def _begin(self, execution: Execution) -> None:
        if execution.schedule_at is not None and execution.schedule_at > self.now:
            self._at(execution.schedule_at, execution.id, Begin())
        else:
            self._queue.append((execution.id, Begin()))

    def live(self, execution_id: str) -> LiveExecution:
        if execution_id not in self.lives:
            raise NotFound(f"Execution not found: {execution_id}")
        return self.lives[execution_id]

    def execution(self, execution_id: str) -> Execution:
        return self.live(execution_id).execution

    def executions(self, flow: FlowId | None = None) -> list[Execution]:
        listed = [self.lives[each].execution for each in self.order if each in self.lives]
        return [each for each in listed if flow is None or each.flow == flow]

    def runs(self, execution_id: str) -> list[TaskRun]:
        return sorted(self.live(execution_id).task_runs, key=lambda run: run.position)

    def lines_of(self, execution_id: str) -> list[LogLine]:
        return [line for line in self.logs if line.execution_id == execution_id]

    # events

    def tell(self, execution_id: str, event: Event) -> None:
        """Queue an event behind those that wait."""
        self._queue.append((execution_id, event))

    def do(self, execution_id: str, event: Event) -> Decision:
        """What a user does: goes before everything that waits; raises what the engine raises."""
        return self._advance(execution_id, event, is_user=True)

    def _at(self, at: datetime, execution_id: str, event: Event) -> None:
        heapq.heappush(self._later, (at, next(self._sequence), execution_id, event))

    def run(self, until: Callable[[], bool] | None = None, most: int = 200_000) -> None:
        """Work events off, moving the clock when nothing is due, until quiet or `until`."""
        for _ in range(most):
            if until is not None and until():
                return
            if self._queue:
                execution_id, event = self._queue.popleft()
                self._advance(execution_id, event)
            elif not self._wake():
                return
        raise AssertionError("the world does not come to rest")

    def settle(self, most: int = 200_000) -> None:
        """Work off what is due now, without moving the clock."""
        for _ in range(most):
            if not self._queue:
                return
            execution_id, event = self._queue.popleft()
            self._advance(execution_id, event)
        raise AssertionError("the world does not come to rest")

    def _wake(self) -> bool:
        while self._later:
            at, _, execution_id, event = heapq.heappop(self._later)
            if isinstance(event, TimerRang) and not self._is_set(execution_id, event, at):
                continue
            if isinstance(event, Finished) and self._attempts.get(event.task_run_id) is None:
                continue
            self.now = max(self.now, at)
            self._queue.append((execution_id, event))
            return True
        return False

    def _is_set(self, execution_id: str, event: TimerRang, at: datetime) -> bool:
        for (owner, key), timer in self._timers.items():
            if owner == execution_id and timer.at == at and timer.rang() == event:
                del self._timers[(owner, key)]
                return True
        return False

    def environment(self) -> Environment:
        env = Environment(
            now=self.now,
            ids=self.ids,
            host_of=lambda execution, _: MemoryHost(self, execution),
            options=self.options,
            created_at=lambda i: (
                self.lives[i].execution.history.started_at if i in self.lives else None
            ),
        )
        if self.coerce_outputs is not None:
            env = replace(env, coerce_outputs=self.coerce_outputs)
        return env

    def _advance(self, execution_id: str, event: Event, is_user: bool = False) -> Decision:
        live = self.live(execution_id)
        if isinstance(event, Begin) and live.execution.state is State.CREATED:
            event = admit(live.flow.concurrency, self._holding(live.execution))
        if isinstance(event, Finished):
            self._attempts.pop(event.task_run_id, None)
        if isinstance(event, Unqueued) and not is_user and live.execution.state is not State.QUEUED:
            return NOTHING
        self.steps += 1
        decision = advance(live, event, self.environment())
        self._perform(live, event, decision)
        if self.reload_always and execution_id in self.lives:
            self.lives[execution_id] = LiveExecution.load(
                live.flow, live.execution, self.runs(execution_id), constants=self.constants
            )
        return decision

    def _holding(self, execution: Execution) -> int:
        others = [e for e in self.executions(execution.flow) if e.id != execution.id]
        return sum(1 for other in others if other.state in HOLDING)

    # what a Decision asks for

    def _perform(self, live: LiveExecution, event: Event, decision: Decision) -> None:
        execution_id = live.execution.id
        if self.keep_decisions:
            self.decisions.append((execution_id, event, decision))
        self._keep(execution_id, decision)
        for new in decision.new_executions:
            self._adopt(new.execution, new.task_runs)
            self._queue.append((new.execution.id, Begin()))
        for request in decision.children:
            self._make_child(execution_id, request)
        for task_run_id in decision.kill_children_of:
            self._kill_children(execution_id, task_run_id)
        for submit in decision.submit:
            self._work(live, submit)
        if decision.begin:
            self._queue.append((execution_id, Begin()))
        if decision.closed:
            self.closed.add(execution_id)
        if decision.ended:
            self._ended(live)

    def _keep(self, execution_id: str, decision: Decision) -> None:
        self.logs.extend(decision.logs)
        for key in decision.dropped_timers:
            self._timers.pop((execution_id, key), None)
        for timer in decision.timers:
            self._timers[(execution_id, timer.key)] = timer
            self._at(timer.at, execution_id, timer.rang())
        for file in decision.files:
            rows = file.outputs if isinstance(file.outputs, list) else [file.outputs]
            lines = [json.dumps(row, default=str) + "\n" for row in rows]
            self.files[file.uri] = "".join(lines).encode()
        for task_run_id in decision.cancel:
            self._cancel(execution_id, task_run_id)

    def _ended(self, live: LiveExecution) -> None:
        execution = live.execution
        link = self._links.pop(execution.id, None)
        if link is not None and link[1].wait:
            parent, request = link
            variables = dict(live.variables_for(None)) if request.wants_variables else None
            ended = ChildEnded(
                request.task_run_id,
                execution.id,
                execution.state,
                execution.outputs,
                request.iteration,
                variables,
            )
            self._queue.append((parent, ended))
        for other in self.executions(execution.flow):
            if other.state is State.QUEUED:
                self._queue.append((other.id, Unqueued()))
                break
        self.on_ended(execution)

    def _make_child(self, parent: str, request: SubflowRequest) -> None:
        try:
            self.create(
                request.flow,
                request.inputs,
                labels=request.labels,
                trigger=request.trigger,
                schedule_at=request.schedule_at,
                revision=request.revision,
                execution_id=request.execution_id,
            )
        except MainstemError as error:
            refused = ChildRefused(
                request.task_run_id, request.execution_id, error.message, request.iteration
            )
            self._queue.append((parent, refused))
            return
        self._links[request.execution_id] = (parent, request)
        made = ChildCreated(request.task_run_id, request.execution_id, request.iteration)
        self._queue.append((parent, made))

    def _kill_children(self, parent: str, task_run_id: str) -> None:
        for child, (owner, request) in list(self._links.items()):
            if owner == parent and request.task_run_id == task_run_id:
                self._queue.append((child, KillRequested()))

    def _cancel(self, execution_id: str, task_run_id: str) -> None:
        attempt = self._attempts.pop(task_run_id, None)
        if attempt is not None:
            killed = Finished(task_run_id, attempt, State.KILLED, self.now)
            self._queue.append((execution_id, killed))

    # workers

    def _work(self, live: LiveExecution, submit: Submit) -> None:
        run_id = submit.task_run.id
        self._attempts[run_id] = submit.attempt
        self._queue.append((live.execution.id, Started(run_id, submit.attempt, self.now)))
        if isinstance(submit.task, WorkingDirectory):
            self._work_in_folder(live, submit, submit.task)
            return
        finished = self.attempt(live, submit, None, timedelta(0))
        self._finish(live.execution.id, finished)

    def _finish(self, execution_id: str, finished: Finished) -> None:
        if finished.at <= self.now:
            self._queue.append((execution_id, finished))
        else:
            self._at(finished.at, execution_id, finished)

    def attempt(
        self, live: LiveExecution, submit: Submit, folder: Path | None, elapsed: timedelta
    ) -> Finished:
        """Make an attempt at once; the time it takes is in the result."""
        task = submit.task
        assert isinstance(task, RunnableTask)
        context = MemoryContext(self, live, submit, folder, elapsed)
        began = context.now()
        context.wait(self.task_time.total_seconds())
        state, outputs = self._outcome(context, task)
        if task.timeout is not None:
            limit = context.render(task.timeout)
            if context.now() - began > limit:
                context.elapsed = elapsed + limit
                context.log.error("Timeout: the task ran too long")
                context.log.debug("Timeout after the limit of the task")
                state, outputs = State.FAILED, None
        return Finished(
            submit.task_run.id,
            submit.attempt,
            state,
            context.now(),
            outputs,
            started_at=began,
            labels=context.labels,
            variables=context.set_vars,
            removed_variables=tuple(context.removed_vars),
            end_execution=context.ends_as,
            log_file=self._log_file(submit),
        )

    def _log_file(self, submit: Submit) -> str | None:
        """What the attempt said, as a file, where the task asks for one."""
        if not submit.task.log_to_file:
            return None
        run = submit.task_run
        said = [
            line.message
            for line in self.logs
            if (line.task_run_id, line.attempt) == (run.id, submit.attempt)
        ]
        uri = f"kestra:///logs/{run.id}/{submit.attempt}.log"
        self.files[uri] = "".join(f"{text}\n" for text in said).encode()
        return uri

    def _outcome(
        self, context: MemoryContext, task: RunnableTask
    ) -> tuple[State, dict[str, object] | None]:
        try:
            given = task.run(context)  # type: ignore[arg-type]
        except TaskFailed as failure:
            level = Level.WARN if failure.state is State.WARNING else Level.ERROR
            context.log.log(level, failure.message)
            return failure.state, _plain(failure.outputs, keep_nulls=False)
        except MainstemError as error:
            context.log.error(error.message)
            return State.FAILED, None
        except Exception as error:
            context.log.error(f"{type(error).__name__}: {error}")
            return State.FAILED, None
        return State.SUCCESS, _plain(given, keep_nulls=task.KEEPS_NULLS)

    def _work_in_folder(self, live: LiveExecution, submit: Submit, task: WorkingDirectory) -> None:
        """Drive the children of a WorkingDirectory to the end at once, in their own time."""
        import tempfile

        folder = Path(tempfile.mkdtemp(prefix="shared-"))
        self.folders.append(folder)
        local = open_workspace(live, submit.task_run.id)
        context = MemoryContext(self, local, submit, folder)
        self._fill(folder, context, task)
        pending: deque[Event] = deque([Begin()])
        waiting: list[Timer] = []
        elapsed = timedelta(0)
        wishes = Finished("", 0, State.SUCCESS, self.now)
        execution_id = live.execution.id
        while pending or waiting:
            if not pending:
                timer = waiting.pop(0)
                elapsed = max(elapsed, timer.at - self.now)
                pending.append(timer.rang())
            env = replace(self.environment(), now=self.now + elapsed)
            decision = advance(local, pending.popleft(), env)
            self.logs.extend(decision.logs)
            waiting.extend(decision.timers)
            runs = WorkspaceRuns(submit.task_run.id, decision.task_runs)
            self._queue.append((execution_id, runs))
            for inner in decision.submit:
                finished = self.attempt(local, inner, folder, elapsed)
                elapsed = finished.at - self.now
                pending.append(finished)
                wishes = _joined(wishes, finished)
        outputs = self._collect(folder, context, task)
        state = local.verdict or State.FAILED
        at = self.now + elapsed
        run_id = submit.task_run.id
        ended = replace(wishes, task_run_id=run_id, attempt=submit.attempt, state=state, at=at)
        self._finish(execution_id, replace(ended, outputs=outputs))

    def _fill(self, folder: Path, context: MemoryContext, task: WorkingDirectory) -> None:
        option = task.namespace_files
        if option is not None and option.enabled:
            context.namespace_files.materialize(
                folder, include=option.include, exclude=option.exclude
            )
        inputs = task.input_files
        rendered = context.render_value(inputs) if inputs else {}
        for name, content in (rendered if isinstance(rendered, dict) else {}).items():
            data = self.files.get(str(content), str(content).encode())
            (folder / name).write_bytes(data)
        if task.cache is not None:
            cached = self.files.get(self._cache_key(context))
            if cached is not None:
                for name, text in json.loads(cached).items():
                    (folder / name).write_text(text)

    def _collect(
        self, folder: Path, context: MemoryContext, task: WorkingDirectory
    ) -> dict[str, object] | None:
        if task.cache is not None:
            found = {p.name: p.read_text() for g in task.cache.patterns for p in folder.glob(g)}
            self.files[self._cache_key(context)] = json.dumps(found).encode()
        if not task.output_files:
            return None
        uris = {
            str(path.relative_to(folder)): context.files.put(path)
            for pattern in task.output_files
            for path in folder.glob(pattern)
        }
        return {"outputFiles": uris}

    @staticmethod
    def _cache_key(context: MemoryContext) -> str:
        return f"cache://{context.execution.flow}/{context.task_id}"

    def close(self) -> None:
        """Remove the folders that attempts made."""
        for folder in self.folders:
            shutil.rmtree(folder, ignore_errors=True)


def _joined(wishes: Finished, more: Finished) -> Finished:
    """What a folder's children asked of their execution so far."""
    return replace(
        wishes,
        labels={**wishes.labels, **more.labels},
        variables={**wishes.variables, **more.variables},
        removed_variables=wishes.removed_variables + more.removed_variables,
        end_execution=more.end_execution or wishes.end_execution,
    )


def _plain(outputs: object, *, keep_nulls: bool) -> dict[str, object] | None:
    from mainstem.worker.outputs import storable

    return storable(outputs, keep_nulls=keep_nulls)


def states(world: World, execution_id: str) -> dict[str, str]:
    """States by task id, loop values in brackets."""
    live = world.live(execution_id)
    return {_name(node): node.state.value for node in live.nodes.values()}


def _name(node: Any) -> str:
    path = ",".join(node.path)
    return f"{node.run.task_id}[{path}]" if path else node.run.task_id


def moments(run: TaskRun | Execution) -> list[str]:
    return [moment.state.value for moment in run.history.moments]


def children_of(world: World, execution_id: str) -> Iterator[Execution]:
    for execution in world.executions():
        trigger = execution.trigger
        if trigger is not None and trigger.variables.get("executionId") == execution_id:
            yield execution
