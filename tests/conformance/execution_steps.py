"""What the steps of a corpus line do, as far as the engine alone can do it."""

import json
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from mainstem.engine.decision import (
    ChangeExecutionState,
    ChangeTaskRunState,
    Event,
    ForceRun,
    KillRequested,
    PauseRequested,
    ReplayRequested,
    RestartRequested,
    ResumeRequested,
    SetLabels,
    Unqueued,
)
from mainstem.errors import Conflict, InvalidInput, MainstemError, NotFound
from mainstem.expr import Scope, render, render_typed
from mainstem.flowspec.inputs import resolve_inputs
from mainstem.model.execution import SYSTEM_LABEL, TaskRun
from mainstem.model.flow_id import FlowId
from mainstem.model.state import State
from mainstem.plugins.core.flow.pause import Pause
from tests.conformance.execution_expect import Expectations
from tests.conformance.execution_world import LineWorld, Skipped
from tests.engine.harness import moments

_STATUS: tuple[tuple[type[MainstemError], int], ...] = (
    (NotFound, 404),
    (Conflict, 409),
    (InvalidInput, 422),
)
Step = Mapping[str, Any]


class Steps:
    """Performs steps in order; `ids` are the executions that the last step made or touched."""

    def __init__(self, line_world: LineWorld) -> None:
        self.line_world = line_world
        self.world = line_world.world
        self.line = line_world.line
        self.ids: list[str] = []
        self.made: list[str] = []
        self.result: Any = None
        self.kept: list[str] = []

    def perform(self, step: Step) -> str | None:
        """None, a fault, or a reason to skip."""
        action = _ACTIONS.get(step["op"]) or _of_many(step["op"])
        if action is None:
            raise Skipped(f"`{step['op']}` needs the API")
        self.result = None
        try:
            action(self, step)
        except MainstemError as error:
            return self._refused(step, error)
        if step.get("expect_error") or step.get("expect_error_contains"):
            return f"{step['op']} should be refused"
        if step.get("expect_http_status", 200) >= 300:
            return f"{step['op']} should answer {step['expect_http_status']}"
        return self._check(step)

    def _refused(self, step: Step, error: MainstemError) -> str | None:
        wanted = step.get("expect_http_status")
        status = next((code for kind, code in _STATUS if isinstance(error, kind)), 500)
        if wanted == 400 and "by_" in step["op"]:
            return None
        if wanted is not None and wanted >= 300 and status != wanted:
            return f"{step['op']} answers {status}, not {wanted}: {error}"
        text = step.get("expect_error_contains")
        if text and text not in str(error):
            return f"{step['op']} says `{error}`, not `{text}`"
        if wanted is None and not text and not step.get("expect_error"):
            return f"{step['op']} is refused: {error}"
        return None

    def _check(self, step: Step) -> str | None:
        if step.get("expect_count") not in (None, len(self.ids)):
            return f"{step['op']} counts {len(self.ids)}"
        for check in (self._immediate, self._settled, self._evaluated):
            found = check(step)
            if found:
                return f"{step['op']}: {found}"
        return None

    def _immediate(self, step: Step) -> str | None:
        expect = dict(step.get("expect_immediate") or {})
        if not expect:
            return None
        for unseen in ("url", "labels_in_order", "schedule_date"):
            expect.pop(unseen, None)
        same = expect.pop("same_execution_id", None)
        if same is not None and same != (self.ids[0] == self.line_world.named(step.get("on"))):
            return f"is the same execution: {not same}"
        runs = self.world.runs(self.ids[0])
        kept = [runs[int(i)].id in self.kept for i in expect.pop("task_run_ids_kept", ())]
        changed = [runs[int(i)].id in self.kept for i in expect.pop("task_run_ids_changed", ())]
        if not all(kept) or any(changed):
            return "ids of task runs are not as they should be"
        return Expectations(self.line_world, self.ids[0]).fault(expect)

    def _settled(self, step: Step) -> str | None:
        awaited = step.get("await")
        if awaited is not None:
            for execution_id in self.ids:
                self.world.run(until=lambda each=execution_id: self._reached(each, awaited))
                if not self._reached(execution_id, awaited):
                    state = self.world.execution(execution_id).state
                    return f"never {awaited}, stays {state}"
            if awaited == "terminated":
                self.world.settle()
        seen = step.get("expect_states_seen")
        if seen and not set(seen) <= set(moments(self.world.execution(self.ids[0]))):
            return f"states seen: {moments(self.world.execution(self.ids[0]))}"
        return self._expected(step)

    def _expected(self, step: Step) -> str | None:
        expect = dict(step.get("expect") or {})
        if "all_state" in expect or "all_state_not" in expect:
            wanted, refused = expect.pop("all_state", None), expect.pop("all_state_not", None)
            self.world.settle()
            for execution_id in self.ids:
                state = self.world.execution(execution_id).state.value
                if (wanted and state != wanted) or state == refused:
                    return f"{execution_id} is {state}"
        total = expect.pop("execution_total", None)
        if total is not None and total != len(self.world.executions()):
            return f"{len(self.world.executions())} executions"
        expect.pop("triggered_count_after_1s", None)
        if expect.pop("not_found", None):
            lines = expect.pop("log_count", None)
            return self._gone(lines)
        return Expectations(self.line_world, self.ids[0]).fault(expect) if expect else None

    def _gone(self, lines: Mapping[str, Any] | None) -> str | None:
        execution_id = self.ids[0]
        if execution_id in self.world.lives:
            return "is still there"
        left = [x for x in self.world.lines_of(execution_id) if x.level >= 20 and x.task_id]
        if lines is not None and len(left) != lines["count"]:
            return f"{len(left)} log lines are left"
        return None

    def _evaluated(self, step: Step) -> str | None:
        if step["op"] != "eval":
            return None
        wanted = self.line_world.placeholder(str(step.get("expect_result", "")))
        wanted = wanted or step.get("expect_result")
        if wanted is not None and self.result != wanted:
            return f"gives {self.result}, not {wanted}"
        part = step.get("expect_result_contains")
        if part and part not in str(self.result):
            return f"gives {self.result}"
        if "expect_result_json" in step:
            matcher = Expectations(self.line_world, self.ids[0]).match
            return matcher.fault(step["expect_result_json"], json.loads(self.result), "result")
        return None

    def _reached(self, execution_id: str, awaited: str) -> bool:
        state = self.world.execution(execution_id).state
        if awaited == "terminated":
            return state.is_terminal and execution_id in self.world.closed
        if awaited == "running":
            seen = moments(self.world.execution(execution_id))
            return "RUNNING" in seen and not state.is_terminal
        return state.value == awaited.upper()

    # steps

    def create(self, step: Step) -> None:
        inputs = step.get("inputs", self.line.get("inputs"))
        labels = step.get("labels") or self.line.get("labels") or {}
        if "labels_query" in step:
            key, _, value = step["labels_query"].removeprefix("labels=").partition(":")
            labels = {key: value}
        for key, value in labels.items():
            if key.startswith(SYSTEM_LABEL) or not key or not value:
                raise InvalidInput(f"The label `{key}` is refused")
        if "flow_id" in step:
            self.world.flow(FlowId(step["namespace"], step["flow_id"]))
        at = self.world.now + timedelta(seconds=1) if "schedule_date" in step else None
        given = self.line_world.given_inputs(inputs)
        made = self.world.create(self.line_world.flow, given, labels=labels, schedule_at=at)
        self._name(step, made)

    def _name(self, step: Step, made: str) -> None:
        self.ids = [made]
        self.made.append(made)
        if "as" in step:
            self.line_world.names[step["as"]] = made
        if self.line_world.root is None and step["op"] == "create":
            self.line_world.root = made

    def create_other(self, step: Step) -> None:
        skip = bool(step.get("skip_execution"))
        made = self.world.create(self.line_world.load(step["flow"]), {}, begin=not skip)
        self._name(step, made)

    def create_many(self, step: Step) -> None:
        made = []
        for _ in range(step["count"]):
            self.create({**step, "op": "create"})
            made.append(self.ids[0])
        self.ids = made

    def target(self, step: Step) -> str:
        if "execution_id" in step:
            self.world.live(step["execution_id"])
        return self.line_world.named(step.get("on"))

    def tell(self, step: Step, event: Event) -> None:
        """What a user does to one execution."""
        execution_id = self.target(step)
        self.kept = [run.id for run in self.world.runs(execution_id)]
        decision = self.world.do(execution_id, event)
        new = [made.execution.id for made in decision.new_executions]
        self.ids = new or [execution_id]

    def many(self, act: Callable[[str], Event]) -> None:
        """What a user does to all executions of the line; refused when one refuses."""
        ids = list(self.made)[-len(self.ids) :] if self.ids else list(self.made)
        for execution_id in ids:
            self.world.do(execution_id, act(execution_id))
        self.ids = ids

    def run_of(self, step: Step) -> TaskRun:
        execution_id = self.target(step)
        if "from_taskrun_id" in step:
            return self.world.live(execution_id).node(step["from_taskrun_id"]).run
        index = step.get("from_taskrun_index", step.get("taskrun_index"))
        if index is not None:
            return self.world.runs(execution_id)[index]
        task = step.get("from_task") or step.get("task")
        values = step.get("from_values") or step.get("values") or []
        name = f"{task}[{','.join(values)}]" if values else task
        found = Expectations(self.line_world, execution_id).run_named(str(name))
        if found is None:
            raise NotFound(f"No task found for {name}")
        return found

    def replay(self, step: Step) -> None:
        named = ("from_taskrun_index", "taskrun_index", "from_task", "task")
        found = step.get("from_taskrun_id")
        if found is None and any(step.get(name) is not None for name in named):
            found = self.run_of(step).id
        self._stored(step)
        self.tell(step, ReplayRequested(found, step.get("revision")))

    def restart(self, step: Step) -> None:
        self._stored(step)
        self.tell(step, RestartRequested(step.get("revision")))

    def _stored(self, step: Step) -> None:
        """Store the flow again until the revision that a step names exists."""
        flow = self.line_world.execution(step.get("on")).flow
        while len(self.world.flows[flow]) < (step.get("revision") or 1):
            self.line_world.load(self.line["flow"])

    def update_flow(self, step: Step) -> None:
        """Another revision of the line's flow: from a file, or as written in the step."""
        source = step.get("source") or step.get("inline") or step.get("yaml")
        path = step.get("flow") or self.line["flow"]
        flow = self.line_world.parsed(source) if source else self.line_world.load(path)
        self.line_world.flow = flow
        self.ids = self.ids or []

    def resume(self, step: Step) -> None:
        execution_id = self.target(step)
        live = self.world.live(execution_id)
        paused = next((n for n in live.nodes.values() if n.state is State.PAUSED), None)
        inputs: Mapping[str, object] = {}
        if paused is not None and isinstance(paused.task, Pause):
            resolved = resolve_inputs(
                paused.task.on_resume,
                step.get("inputs") or {},
                render=lambda text, more: render_typed(text, Scope(dict(more))),
            )
            inputs = resolved.checked()
        self.tell(step, ResumeRequested(inputs, to=State(step.get("to", "RUNNING"))))

    def eval(self, step: Step) -> None:
        execution_id = self.target(step)
        run = self.run_of(step)
        variables = self.world.live(execution_id).variables_for(run.id)
        self.ids = [execution_id]
        self.result = render(step["expression"], Scope(variables))

    def delete(self, step: Step) -> None:
        execution_id = self.target(step)
        del self.world.lives[execution_id]
        if step.get("logs"):
            gone = self.world.lines_of(execution_id)
            self.world.logs = [line for line in self.world.logs if line not in gone]
        self.ids = [execution_id]

    def wait(self, step: Step) -> None:
        self.ids = [self.target(step)]

    def set_labels(self, step: Step) -> None:
        self.tell(step, SetLabels(labels_of(step)))


def labels_of(step: Step) -> Mapping[str, str]:
    pairs = step.get("labels_list")
    return {pair["key"]: pair["value"] for pair in pairs} if pairs else step["labels"]


_ACTIONS: dict[str, Callable[[Steps, Step], None]] = {
    "create": Steps.create,
    "create_again": Steps.create,
    "create_other": Steps.create_other,
    "create_many": Steps.create_many,
    "wait": Steps.wait,
    "check": Steps.wait,
    "get": Steps.wait,
    "restart": Steps.restart,
    "update_flow": Steps.update_flow,
    "replay": Steps.replay,
    "resume": Steps.resume,
    "pause": lambda s, step: s.tell(step, PauseRequested()),
    "kill": lambda s, step: s.tell(step, KillRequested()),
    "change_task_state": lambda s, step: s.tell(
        step, ChangeTaskRunState(s.run_of(step).id, State(step["to"]))
    ),
    "change_status": lambda s, step: s.tell(step, ChangeExecutionState(State(step["to"]))),
    "force_run": lambda s, step: s.tell(step, ForceRun()),
    "unqueue": lambda s, step: s.tell(step, Unqueued()),
    "set_labels": Steps.set_labels,
    "delete": Steps.delete,
    "eval": Steps.eval,
}


_EVENTS: dict[str, Callable[[Step], Event]] = {
    "restart": lambda step: RestartRequested(step.get("revision")),
    "replay": lambda step: ReplayRequested(None, step.get("revision")),
    "resume": lambda _: ResumeRequested(),
    "pause": lambda _: PauseRequested(),
    "kill": lambda _: KillRequested(),
    "change_status": lambda step: ChangeExecutionState(State(step["to"])),
    "force_run": lambda _: ForceRun(),
    "unqueue": lambda step: Unqueued(State(step.get("to", "RUNNING"))),
    "set_labels": lambda step: SetLabels(labels_of(step)),
}


def _of_many(name: str) -> Callable[[Steps, Step], None] | None:
    """What `…_by_ids` and `…_by_query` do: the event of one, to all executions of the line."""
    event = _EVENTS.get(name.removesuffix("_by_ids").removesuffix("_by_query"))
    if event is None or "_by_" not in name:
        return None
    return lambda s, step: s.many(lambda _: event(step))
