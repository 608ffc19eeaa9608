"""Executions: creating them, and what users and other executions may ask of them.

Creation inserts the row; everything later is asked of the executor through the inbox, so that
one place moves the state of an execution.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

from sqlalchemy import Connection

from mainstem.bus.inprocess import EXECUTIONS, Bus, execution_topic
from mainstem.clock import Clock
from mainstem.errors import Conflict, InvalidInput
from mainstem.flowspec.inputs import ResolvedInputs
from mainstem.ids import IdSource
from mainstem.model.execution import (
    CORRELATION_ID,
    SYSTEM_LABEL,
    Execution,
    ExecutionTrigger,
    TaskRun,
)
from mainstem.model.flow_id import FlowId
from mainstem.model.log import Level, LogLine
from mainstem.model.principal import Permission
from mainstem.model.state import History, State
from mainstem.model.trigger import Evaluation
from mainstem.sdk.flow import Flow
from mainstem.sdk.inputs import Input
from mainstem.services import access, audit
from mainstem.services.checks import reasons_to_fail
from mainstem.services.files import PINNED, FileService
from mainstem.services.flows import FlowService
from mainstem.services.inputs import InputService, Uploads, on_resume
from mainstem.services.tickets import Ticket
from mainstem.storage.base import Storage
from mainstem.storage.uri import execution_prefix
from mainstem.store import executions as rows
from mainstem.store import inbox, triggers
from mainstem.store.database import Database
from mainstem.store.executions import Versioned
from mainstem.store.inbox import Asked
from mainstem.store.logs import add_lines
from mainstem.store.tables import logs, metrics


@dataclass(frozen=True, slots=True)
class NewRun:
    """What is wanted of a new execution; `files` are uploaded contents by input id."""

    flow: FlowId
    inputs: Mapping[str, object] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    revision: int | None = None
    trigger: ExecutionTrigger | None = None
    schedule_at: datetime | None = None
    files: Mapping[str, tuple[str, bytes]] = field(default_factory=dict)
    id: str | None = None
    trusted_labels: bool = False
    may_lack_inputs: bool = False


Created = Callable[[Sequence[Execution]], None]
Woken = Callable[[], None]
Settled = Callable[[int, float], bool]
Done = Callable[[Exception | None], None]
# Has the executor of this process store an execution together with its first steps.
TakenIn = Callable[[Execution, Evaluation | None, Done], bool]
# How long an action waits for the executor, so that its answer shows what came of it.
_SETTLE_SECONDS = 2.0


class ExecutionService:
    """Creates executions and passes on what is asked of them."""

    def __init__(  # noqa: PLR0913 - the composition root names them all
        self,
        database: Database,
        flows: FlowService,
        inputs: InputService,
        files: FileService,
        storage: Storage,
        clock: Clock,
        ids: IdSource,
        bus: Bus,
    ) -> None:
        self._database = database
        self._flows = flows
        self._inputs = inputs
        self._files = files
        self._storage = storage
        self._clock = clock
        self._ids = ids
        self._bus = bus
        self._created: Created = lambda _created: None
        self._woken: Woken = lambda: None
        self._settled: Settled = lambda _number, _seconds: False
        self._elsewhere: Callable[[], bool] = lambda: False
        self._taken_in: TakenIn = lambda _execution, _evaluation, _done: False

    def connect(
        self,
        created: Created,
        woken: Woken,
        settled: Settled,
        elsewhere: Callable[[], bool] = lambda: False,
        taken_in: TakenIn | None = None,
    ) -> None:
        """Tell the executor at once, rather than at its next look.

        While it is `elsewhere`, what this process creates is noted in the inbox.
        """
        self._elsewhere = elsewhere
        self._created = created
        self._woken = woken
        self._settled = settled
        if taken_in is not None:
            self._taken_in = taken_in

    # creation

    def create(self, run: NewRun) -> Execution:
        """Make one execution; raises InvalidInput, NotFound, or Conflict for a disabled flow.

        The checks of the flow are asked first; triggers and subflows are not held to them.
        """
        access.require(Permission.EXECUTION_OPERATE, run.flow.namespace)
        execution, flow = self._prepared(run)
        if flow.checks:
            try:
                failed = reasons_to_fail(self._inputs, flow, execution)
            except InvalidInput:
                self._storage.delete_below(execution_prefix(execution.flow, execution.id))
                raise
            if failed:
                return self._store_failed(execution, failed)
        self.store(execution)
        return execution

    def _store_failed(self, execution: Execution, reasons: Sequence[str]) -> Execution:
        """Store it as FAILED, with the reasons in its log."""
        now = self._clock.now()
        failed = replace(execution.to(State.FAILED, now), error=reasons[0])
        lines = [LogLine(now, Level.ERROR, reason, execution.id) for reason in reasons]
        with self._database.write() as tx:
            rows.add(tx, [Versioned(failed, 1, closed=True)])
            add_lines(tx, [(line, execution.flow) for line in lines])
        self._bus.publish(EXECUTIONS, execution_topic(execution.id))
        return failed

    def store(self, execution: Execution, evaluation: Evaluation | None = None) -> None:
        """Store a prepared execution, with what fired it, and have it run.

        Executions that come at the same time share a transaction.
        """
        ticket = Ticket()
        if self._taken_in(execution, evaluation, ticket.done) and ticket.wait():
            return
        with self._database.write() as tx:
            self.insert(tx, [execution])
            if evaluation is not None:
                triggers.note(tx, evaluation.key, evaluation)
                triggers.add_evaluations(tx, [evaluation])
        self.announce([execution])

    def store_soon(self, execution: Execution, evaluation: Evaluation | None, done: Done) -> bool:
        """As `store`, but `done` tells when it is through; False when nobody here would do it."""
        return self._taken_in(execution, evaluation, done)

    def prepare(self, run: NewRun) -> Execution:
        """The execution as it would be stored; inputs are coerced, uploads are stored."""
        return self._prepared(run)[0]

    def _prepared(self, run: NewRun) -> tuple[Execution, Flow]:
        flow, commit = self._flows.pinned(run.flow, run.revision)
        if flow.disabled:
            raise Conflict(f"flow {run.flow} is disabled: enable it before running it")
        if not run.trusted_labels:
            check_labels(run.labels)
        execution_id = run.id or self._ids()
        now = self._clock.now()
        execution = Execution(
            id=execution_id,
            flow=run.flow,
            revision=flow.revision or 1,
            history=History.begin(now),
            inputs=self._inputs.resolve(
                flow,
                execution_id,
                run.inputs,
                run.files,
                may_lack=run.may_lack_inputs,
                trigger=run.trigger,
            ),
            labels=_labels(flow, run, execution_id),
            trigger=run.trigger,
            schedule_at=run.schedule_at,
            commit=commit,
            variables=self.pin({}),
        )
        return execution, flow

    def pin(self, variables: Mapping[str, object]) -> dict[str, object]:
        """The variables of an execution that starts now: it sees the files of this moment."""
        return {**variables, PINNED: self._files.latest_change()}

    def insert(self, tx: Connection, executions: Sequence[Execution]) -> None:
        """Store prepared executions in the caller's transaction; call `announce` after it."""
        rows.add(tx, [Versioned(execution, 1) for execution in executions])
        if self._elsewhere():
            inbox.note_created(tx, [e.id for e in executions], self._clock.now())

    def announce(self, executions: Sequence[Execution]) -> None:
        """Tell the executor and whoever watches, once the transaction is through."""
        self._created(executions)
        self._bus.publish(EXECUTIONS, *(execution_topic(e.id) for e in executions))

    # reading

    def get(self, execution_id: str) -> Execution:
        """Raises NotFound."""
        with self._database.read() as tx:
            return rows.get(tx, execution_id).execution

    def task_runs(self, execution_id: str) -> list[TaskRun]:
        """In the order of creation."""
        with self._database.read() as tx:
            return rows.task_runs_of(tx, execution_id)

    def children(self, execution_id: str) -> list[str]:
        """Ids of executions made by this one."""
        with self._database.read() as tx:
            return [link.execution_id for link in inbox.children_of(tx, execution_id)]

    # asking

    def kill(self, execution_id: str, *, cascade: bool = True) -> Execution:
        """Ask to end it, with its subflows if it is to `cascade`; an ended one is left as it is."""
        payload = {} if cascade else {"cascade": False}
        return self._ask(execution_id, "KillRequested", payload, _any)

    def pause(self, execution_id: str) -> Execution:
        """Raises InvalidInput unless it runs."""
        return self._ask(execution_id, "PauseRequested", {}, _must_be("pause", State.RUNNING))

    def resume(
        self,
        execution_id: str,
        inputs: Mapping[str, object] | None = None,
        files: Uploads | None = None,
    ) -> Execution:
        """Raises Conflict unless it is paused; InvalidInput for bad `onResume` values."""
        execution, flow = self._paused(execution_id)
        values = self._inputs.resolve_resume(
            flow, execution, self.task_runs(execution_id), inputs or {}, files or {}
        )
        return self._ask(execution_id, "ResumeRequested", {"inputs": values}, _any)

    def check_resume(
        self, execution_id: str, inputs: Mapping[str, object], files: Uploads
    ) -> ResolvedInputs:
        """How each `onResume` value would be resolved; nothing goes on."""
        execution, flow = self._paused(execution_id)
        runs = self.task_runs(execution_id)
        return self._inputs.check_resume(flow, execution, runs, inputs, files)

    def resume_inputs(self, execution_id: str) -> tuple[Input, ...]:
        """What the paused task declares under `onResume`; nothing when it is not paused."""
        execution = self.get(execution_id)
        if not execution.state.is_paused:
            return ()
        flow = self._flows.load(execution.flow, execution.revision)
        return on_resume(flow, self.task_runs(execution_id))

    def _paused(self, execution_id: str) -> tuple[Execution, Flow]:
        execution = self.get(execution_id)
        if not execution.state.is_paused:
            raise Conflict("Execution is not paused")
        return execution, self._flows.load(execution.flow, execution.revision)

    def latest_revision(self, execution_id: str) -> int:
        """The current revision of the execution's flow; raises NotFound."""
        return self._flows.head(self.get(execution_id).flow).revision

    def restart(self, execution_id: str, revision: int | None = None) -> Execution:
        """Run again what failed; with a revision, in a new execution which is returned."""
        execution = self.get(execution_id)
        if not execution.state.is_terminal and not execution.state.is_paused:
            raise Conflict(
                f"execution {execution_id} is {execution.state}: only an ended or paused one can "
                "be restarted"
            )
        runs = self.task_runs(execution_id)
        if not any(run.state in (State.FAILED, State.PAUSED, State.KILLED) for run in runs):
            raise InvalidInput("No task found to restart execution from!")
        if revision is None:
            return self._ask(execution_id, "RestartRequested", {}, _any)
        self._flows.load(execution.flow, revision)
        new_id = self._ids()
        payload = {"revision": revision, "execution_id": new_id}
        self._ask(execution_id, "RestartRequested", payload, _any)
        return self._successor(execution, new_id, revision)

    def replay(
        self,
        execution_id: str,
        task_run_id: str | None = None,
        revision: int | None = None,
        inputs: Mapping[str, object] | None = None,
        files: Uploads | None = None,
    ) -> Execution:
        """A new execution from a task run on, or from the start; returns it as it will begin.

        Given `inputs` take the place of all of the old ones.
        """
        execution = self.get(execution_id)
        if task_run_id is not None and not any(
            run.id == task_run_id for run in self.task_runs(execution_id)
        ):
            raise InvalidInput(
                f"No task found to restart execution from: {execution_id} has no task run "
                f"{task_run_id}"
            )
        flow = self._flows.load(execution.flow, revision or execution.revision)
        new_id = self._ids()
        payload: dict[str, object] = {
            "task_run_id": task_run_id,
            "revision": revision,
            "execution_id": new_id,
        }
        if inputs is not None:
            resolved = self._inputs.resolve(flow, new_id, inputs, files or {})
            payload["inputs"] = resolved
            execution = replace(execution, inputs=resolved)
        self._ask(execution_id, "ReplayRequested", payload, _any)
        return self._successor(execution, new_id, revision or execution.revision)

    def _successor(self, source: Execution, new_id: str, revision: int) -> Execution:
        """The new execution; as it will begin when the executor has not made it yet."""
        with self._database.read() as tx:
            made = rows.find(tx, new_id)
        if made is not None:
            return made.execution
        return Execution(
            id=new_id,
            flow=source.flow,
            revision=revision,
            history=History.begin(self._clock.now()),
            inputs=source.inputs,
            labels=source.labels,
            parent_id=source.id,
            original_id=source.original_id or source.id,
        )

    def change_task_run_state(self, execution_id: str, task_run_id: str, state: State) -> Execution:
        """Override how a task run ended; raises InvalidInput for an unknown task run."""
        if not any(run.id == task_run_id for run in self.task_runs(execution_id)):
            raise InvalidInput(
                f"No task found to restart execution from: {execution_id} has no task run "
                f"{task_run_id}"
            )
        payload = {"task_run_id": task_run_id, "state": state.value}
        return self._ask(execution_id, "ChangeTaskRunState", payload, _any)

    def change_state(self, execution_id: str, state: State) -> Execution:
        """Override how an ended execution ended; raises InvalidInput for one that goes on."""
        if not state.is_terminal:
            raise InvalidInput(
                "You can only change the status of an execution to a terminal state."
            )
        payload = {"state": state.value}
        return self._ask(execution_id, "ChangeExecutionState", payload, _must_be_changeable)

    def force_run(self, execution_id: str) -> Execution:
        """Run it now, whatever it waits for; raises InvalidInput when it has ended."""
        return self._ask(execution_id, "ForceRun", {}, _must_not_be_ended)

    def unqueue(self, execution_id: str, state: State = State.RUNNING) -> Execution:
        """Let it leave the queue; raises InvalidInput when it is not in one."""
        payload = {"state": state.value}
        return self._ask(execution_id, "Unqueued", payload, _must_be("unqueue", State.QUEUED))

    def set_labels(self, execution_id: str, labels: Mapping[str, str]) -> Execution:
        """Add or overwrite labels of an ended execution; what it has already may be said again."""
        has = self.get(execution_id).labels
        changed = {key: value for key, value in labels.items() if has.get(key) != value}
        check_labels(changed)
        payload = {"labels": changed}
        return self._ask(execution_id, "SetLabels", payload, _must_be_ended)

    def delete(
        self,
        execution_id: str,
        *,
        keep_files: bool = False,
        keep_logs: bool = False,
        keep_metrics: bool = False,
    ) -> None:
        """Delete an ended execution with its task runs and what hangs on it."""
        execution = self.get(execution_id)
        access.require(Permission.EXECUTION_DELETE, execution.flow.namespace)
        _must_be_ended(execution.state)
        with self._database.write() as tx:
            audit.of_request(tx, "execution.delete", execution_id, execution.flow.namespace)
            kept = [table for table, wish in ((logs, keep_logs), (metrics, keep_metrics)) if wish]
            rows.remove(tx, [execution_id], keep=kept)
        if not keep_files:
            self._storage.delete_below(execution_prefix(execution.flow, execution_id))
        self._bus.publish(EXECUTIONS, execution_topic(execution_id))

    def _ask(
        self,
        execution_id: str,
        kind: str,
        payload: Mapping[str, object],
        check: Callable[[State], None],
    ) -> Execution:
        with self._database.write() as tx:
            execution = rows.get(tx, execution_id).execution
            access.require(Permission.EXECUTION_OPERATE, execution.flow.namespace)
            check(execution.state)
            action = f"execution.{_ACTIONS.get(kind, kind)}"
            audit.of_request(tx, action, execution_id, execution.flow.namespace)
            number = inbox.ask(tx, Asked(execution_id, kind, payload), self._clock.now())
        self._woken()
        if self._settled(number, _SETTLE_SECONDS):
            return self.get(execution_id)
        return execution


_ACTIONS: Final = {
    "KillRequested": "kill",
    "PauseRequested": "pause",
    "ResumeRequested": "resume",
    "RestartRequested": "restart",
    "ReplayRequested": "replay",
    "ChangeTaskRunState": "change-task-run",
    "ChangeExecutionState": "change-status",
    "ForceRun": "force-run",
    "Unqueued": "unqueue",
    "SetLabels": "labels",
}


def check_labels(labels: Mapping[str, str]) -> None:
    """Raises InvalidInput for an empty or reserved key, or an empty value."""
    for key, value in labels.items():
        if key.startswith(SYSTEM_LABEL):
            raise InvalidInput(
                f"System labels can only be set by Mainstem itself, offending label: {key}={value}"
            )
        if not key.strip() or not str(value).strip():
            raise InvalidInput(f"label `{key}={value}`: neither key nor value may be empty")


def _labels(flow: Flow, run: NewRun, execution_id: str) -> dict[str, str]:
    own = {k: v for k, v in flow.labels.items() if not k.startswith(SYSTEM_LABEL)}
    merged = {**own, **run.labels}
    merged.setdefault(CORRELATION_ID, execution_id)
    return merged


def _any(_state: State) -> None:
    return None


def _must_be(action: str, wanted: State) -> Callable[[State], None]:
    def check(state: State) -> None:
        if state is not wanted:
            raise InvalidInput(f"cannot {action} an execution that is {state}: it must be {wanted}")

    return check


def _must_be_ended(state: State) -> None:
    if not state.is_terminal:
        raise Conflict(f"the execution is {state}: it must have ended")


def _must_be_changeable(state: State) -> None:
    if not state.is_terminal:
        raise InvalidInput("You can only change the status of a terminated execution.")


def _must_not_be_ended(state: State) -> None:
    if state.is_terminal:
        raise InvalidInput(f"the execution is {state}: it has ended")
