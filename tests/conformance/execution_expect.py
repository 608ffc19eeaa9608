"""Compares executions with what a corpus line expects of them."""

import re
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from mainstem.model.execution import Execution, TaskRun
from mainstem.model.log import Level
from tests.conformance.execution_world import LineWorld
from tests.conformance.matching import Matcher
from tests.engine.harness import moments


class Expectations:
    """Checks of one execution; every method answers None or what differs."""

    def __init__(self, line_world: LineWorld, execution_id: str) -> None:
        self.line_world = line_world
        self.world = line_world.world
        self.id = execution_id
        self.match = Matcher(
            line_world.placeholder,
            lambda uri: self.world.files[uri].decode(),
            lambda: self.world.now,
        )
        self.match.outputs = self._output_at

    def _output_at(self, path: str) -> Any:
        task, _, key = path.removeprefix("$").partition(".")
        run = self.run_named(task)
        found = _dotted(run.outputs or {}, key) if run is not None and key else None
        return found if found is not None else f"no output {path}"

    @property
    def execution(self) -> Execution:
        return self.world.execution(self.id)

    @property
    def runs(self) -> list[TaskRun]:
        return self.world.runs(self.id)

    def fault(self, expect: Mapping[str, Any]) -> str | None:
        """The first expectation that does not hold."""
        for key, wanted in expect.items():
            check = _CHECKS.get(key) or _of_last(key) or _of_log_file(key)
            if check is None:
                return f"skipped: nothing checks `{key}` yet"
            found = check(self, wanted)
            if found:
                return found if found.startswith("skipped") else f"{key}: {found}"
        return None

    def path(self, run: TaskRun) -> str:
        node = self.world.live(self.id).nodes[run.id]
        values = ",".join(node.path)
        return f"{run.task_id}[{values}]" if values else run.task_id

    def run_named(self, name: str) -> TaskRun | None:
        runs = self.runs
        exact = next((run for run in runs if self.path(run) == name), None)
        if exact is not None:
            return exact
        task, _, rest = name.partition("[")
        value = rest.rstrip("]").rpartition(",")[2]
        plain = (run for run in runs if run.task_id == task and (not value or run.value == value))
        return next(plain, None)

    def of_named(self, wanted: Mapping[str, Any], read: Callable[[TaskRun], Any]) -> str | None:
        """Compare one fact of task runs named by id and values."""
        for name, value in wanted.items():
            run = self.run_named(name)
            if run is None:
                return f"there is no task run {name}"
            found = self.match.fault(value, read(run), name)
            if found:
                return found
        return None

    def of_indexed(self, wanted: Mapping[str, Any], read: Callable[[TaskRun], Any]) -> str | None:
        """Compare one fact of task runs named by their place."""
        runs = self.runs
        for index, value in wanted.items():
            if int(index) >= len(runs):
                return f"there are only {len(runs)} task runs"
            found = self.match.fault(value, read(runs[int(index)]), f"#{index}")
            if found:
                return found
        return None

    def outputs(self, wanted: Mapping[str, Any], run: TaskRun, where: str) -> str | None:
        for path, value in wanted.items():
            actual: Any = run.outputs
            if not path.startswith("$"):
                found = self.match.fault(value, _dotted(actual or {}, path), f"{where}.{path}")
            else:
                found = self.match.fault({path: value}, actual, where)
            if found:
                return found
        return None


def _dotted(value: Any, path: str) -> Any:
    for part in path.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value


def _attempts_of(e: Expectations, name: str) -> int | None:
    run = e.run_named(name)
    return None if run is None else _attempts(run)


def _outputs_of(e: Expectations, name: str) -> Any:
    run = e.run_named(name)
    return None if run is None else run.outputs


def _attempts(run: TaskRun) -> int | None:
    return len(run.attempts) or None


def _equal(wanted: Any, actual: Any) -> str | None:
    return None if wanted == actual else f"should be {wanted}, not {actual}"


def _outputs(e: Expectations, wanted: Mapping[str, Any]) -> str | None:
    for name, values in wanted.items():
        run = e.run_named(name)
        if run is None:
            return f"there is no task run {name}"
        found = e.outputs(values, run, name)
        if found:
            return found
    return None


def _outputs_by_index(e: Expectations, wanted: Mapping[str, Any]) -> str | None:
    for index, values in wanted.items():
        found = e.outputs(values, e.runs[int(index)], f"#{index}")
        if found:
            return found
    return None


def _logs(e: Expectations, wanted: list[dict[str, Any]]) -> str | None:
    for each in wanted:
        lines = e.world.lines_of(e.id)
        if "task" in each:
            lines = [line for line in lines if line.task_id == each["task"]]
        if "taskrun_index" in each:
            run = e.runs[each["taskrun_index"]]
            lines = [line for line in lines if line.task_run_id == run.id]
        if "level" in each:
            lines = [line for line in lines if line.level is Level[each["level"]]]
        for key, test in _TEXT.items():
            if key in each:
                lines = [line for line in lines if test(line.message, each[key])]
        fewest, most = _range(each)
        if not fewest <= len(lines) <= most:
            return f"{each} is said {len(lines)} times"
    return None


def _range(each: Mapping[str, Any]) -> tuple[int, int]:
    if each.get("none"):
        return 0, 0
    if "count" in each:
        return each["count"], each["count"]
    return each.get("count_min", 1), 1 << 30


_TEXT: dict[str, Callable[[str, str], bool]] = {
    "equals": lambda text, wanted: text.strip() == wanted.strip(),
    "contains": lambda text, wanted: wanted in text,
    "endswith": lambda text, wanted: text.endswith(wanted),
}


def _triggered(e: Expectations, wanted: list[dict[str, Any]]) -> str | None:
    for each in wanted:
        found = [x for x in e.world.executions() if x.flow.id == each["flow_id"] and x.id != e.id]
        if not found:
            if e.line_world.is_flow_trigger(each["flow_id"]):
                return "skipped: flow triggers are the scheduler's"
            return f"no execution of {each['flow_id']} was started"
        if len(found) != each.get("count", len(found)):
            return f"{len(found)} executions of {each['flow_id']}"
        for execution in found:
            fault = _one_triggered(e, execution, each)
            if fault:
                return f"{each['flow_id']}: {fault}"
    return None


_OF_TRIGGERED = frozenset(
    {"flow_id", "namespace", "count", "trigger", "inputs_match", "within_seconds"}
)


def _one_triggered(e: Expectations, execution: Execution, each: Mapping[str, Any]) -> str | None:
    other = Expectations(e.line_world, execution.id)
    fault = other.fault({key: value for key, value in each.items() if key not in _OF_TRIGGERED})
    if fault:
        return fault
    for key, pattern in (each.get("inputs_match") or {}).items():
        if not re.search(pattern, str(execution.inputs.get(key))):
            return f"input {key} is {execution.inputs.get(key)}"
    trigger = each.get("trigger")
    if not trigger:
        return None
    made = execution.trigger
    actual = {"type": made.type, "variables": made.variables} if made else None
    return e.match.fault(trigger, actual, "trigger")


def _others(e: Expectations, wanted: Mapping[str, Any]) -> str | None:
    for name, facts in wanted.items():
        ended = e.line_world.execution(name).state.is_terminal
        if facts.get("terminated") not in (None, ended):
            return f"{name} terminated: {ended}"
    return None


def _final_states(e: Expectations, wanted: list[str]) -> str | None:
    found = [x.state.value for x in e.world.executions(e.execution.flow)]
    return _equal(Counter(wanted), Counter(found))


def _logs_contain(e: Expectations, wanted: str | list[str]) -> str | None:
    said = [line.message for line in e.world.lines_of(e.id)]
    parts = [str(e.match.resolved(part)) for part in _listed(wanted)]
    return _equal([], [part for part in parts if not any(part in text for text in said)])


def _listed(wanted: Any) -> list[Any]:
    return wanted if isinstance(wanted, list) else [wanted]


def _log_count(e: Expectations, wanted: Mapping[str, Any]) -> str | None:
    least = Level[wanted["min_level"]]
    lines = [line for line in e.world.lines_of(e.id) if line.level >= least and line.task_id]
    return _equal(wanted["count"], len(lines))


def _resolved(e: Expectations, wanted: Mapping[str, Any]) -> str | None:
    return e.match.fault(wanted, _text_values(e.execution.inputs), "inputs")


def _text_values(value: Any) -> Any:
    from mainstem.worker.outputs import to_plain

    return to_plain(value)


def _state_counts(e: Expectations, wanted: Mapping[str, int]) -> str | None:
    counts = Counter(run.state.value for run in e.runs)
    short = {key: counts[key] for key, least in wanted.items() if counts[key] < least}
    return f"only {short}" if short else None


def _history_counts(e: Expectations, wanted: Mapping[str, Any]) -> str | None:
    return e.of_named(wanted, lambda run: dict(Counter(moments(run))))


def _labels_exact(e: Expectations, wanted: Mapping[str, Any]) -> str | None:
    labels = dict(e.execution.labels)
    if set(wanted) != set(labels):
        return f"labels are {labels}"
    return e.match.fault(wanted, labels, "labels")


def _flow_outputs(e: Expectations, wanted: Any) -> str | None:
    outputs = e.execution.outputs
    if wanted is None:
        return _equal(None, outputs)
    return e.match.fault(wanted, outputs, "outputs")


def _of_last(key: str) -> Callable[[Expectations, Any], str | None] | None:
    """`attempt_states_last` asks of the last task run what `attempt_states` asks of named ones."""
    base = _CHECKS.get(f"{key.removesuffix('_last')}_by_index")
    if base is None or not key.endswith("_last"):
        return None
    return lambda e, wanted: base(e, {str(len(e.runs) - 1): wanted})


def _of_log_file(key: str) -> Callable[[Expectations, Any], str | None] | None:
    """Anything about log files: whether a task run has one, or what it holds."""
    if "log_file" not in key:
        return None
    return _log_files


def _log_files(e: Expectations, wanted: Any) -> str | None:
    if not isinstance(wanted, Mapping) or any(str(key).startswith("$") for key in wanted):
        wanted = {run.task_id: wanted for run in e.runs if run.attempts}
    for name, value in wanted.items():
        run = e.runs[int(name)] if name.isdigit() else e.run_named(name)
        uri = run.attempts[-1].log_file if run is not None and run.attempts else None
        if value in (None, False):
            found = f"{name} has a log file" if uri else None
        elif uri is None:
            found = f"{name} has no log file"
        elif isinstance(value, str):
            text = e.match.text_of(uri)
            found = None if value in text else f"the log of {name} is {text}"
        else:
            found = None if value is True else e.match.fault(value, uri, f"log of {name}")
        if found:
            return found
    return None


_CHECKS: dict[str, Callable[[Expectations, Any], str | None]] = {
    "state": lambda e, w: _equal(w, e.execution.state.value),
    "state_not": lambda e, w: None if e.execution.state.value != w else f"is {w}",
    "state_history_size": lambda e, w: _equal(w, len(moments(e.execution))),
    "state_history_prefix": lambda e, w: _equal(w, moments(e.execution)[: len(w)]),
    "task_run_count": lambda e, w: _equal(w, len(e.runs)),
    "task_run_count_min": lambda e, w: None if len(e.runs) >= w else f"only {len(e.runs)}",
    "failed_task_run_count_min": lambda e, w: _state_counts(e, {"FAILED": w}),
    "task_state_counts_min": _state_counts,
    "task_states": lambda e, w: e.of_named(w, lambda run: run.state.value),
    "task_states_by_index": lambda e, w: e.of_indexed(w, lambda run: run.state.value),
    "task_ids_by_index": lambda e, w: e.of_indexed(w, lambda run: run.task_id),
    "task_history_sizes": lambda e, w: e.of_named(w, lambda run: len(moments(run))),
    "task_history_sizes_by_index": lambda e, w: e.of_indexed(w, lambda run: len(moments(run))),
    "task_state_history_counts": _history_counts,
    "absent_tasks": lambda e, w: _equal([], [n for n in w if e.run_named(n)]),
    "all_task_states": lambda e, w: _equal({w}, {run.state.value for run in e.runs}),
    "task_run_count_by_id": lambda e, w: e.match.fault(
        w, Counter(run.task_id for run in e.runs), "task runs"
    ),
    "attempts": lambda e, w: e.of_named(w, _attempts),
    "attempts_by_index": lambda e, w: e.of_indexed(w, _attempts),
    "attempts_last": lambda e, w: _equal(w, _attempts(e.runs[-1])),
    "attempts_by_index_min": lambda e, w: _equal(
        {}, {i: n for i, n in w.items() if (_attempts(e.runs[int(i)]) or 0) < n}
    ),
    "attempt_states": lambda e, w: e.of_named(w, lambda r: [a.history.current for a in r.attempts]),
    "attempt_states_by_index": lambda e, w: e.of_indexed(
        w, lambda r: [a.history.current for a in r.attempts]
    ),
    "outputs": _outputs,
    "outputs_by_index": _outputs_by_index,
    "outputs_last": lambda e, w: e.outputs(w, e.runs[-1], "last"),
    "flow_outputs": _flow_outputs,
    "flow_outputs_size": lambda e, w: _equal(w, len(e.execution.outputs or {})),
    "labels": lambda e, w: e.match.fault(w, e.execution.labels, "labels"),
    "labels_exact": _labels_exact,
    "label_count": lambda e, w: _equal(w, len(e.execution.labels)),
    "parent_id": lambda e, w: e.match.fault(w, e.execution.parent_id, "parent"),
    "flow_id": lambda e, w: _equal(w, e.execution.flow.id),
    "inputs": _resolved,
    "resolved_inputs": _resolved,
    "input_keys_present": lambda e, w: _equal([], [k for k in w if k not in e.execution.inputs]),
    "logs": _logs,
    "logs_contain": _logs_contain,
    "error_contains": lambda e, w: _logs_contain(e, w),
    "state_in": lambda e, w: None if e.execution.state.value in w else f"is {e.execution.state}",
    "state_history": lambda e, w: _equal(w, moments(e.execution)),
    "task_values": lambda e, w: e.of_named(w, lambda run: run.value),
    "task_values_by_index": lambda e, w: e.of_indexed(w, lambda run: run.value),
    "attempts_min": lambda e, w: _equal(
        {}, {n: w[n] for n in w if (_attempts_of(e, n) or 0) < w[n]}
    ),
    "absent_labels": lambda e, w: _equal([], [key for key in w if key in e.execution.labels]),
    "absent_outputs": lambda e, w: _equal([], [n for n in w if _outputs_of(e, n)]),
    "revision": lambda e, w: _equal(w, e.execution.revision),
    "flow_revision": lambda e, w: _equal(w, e.execution.revision),
    "original_id": lambda e, w: e.match.fault(w, e.execution.original_id, "original"),
    "log_count": _log_count,
    "triggered_executions": _triggered,
    "others": _others,
    "execution_final_states_any_order": _final_states,
}
