"""The root variables of expressions (SEMANTICS.md section 3), made when they are asked for."""

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Final

from mainstem.engine.node import Node
from mainstem.engine.plan import Kind
from mainstem.sdk.flowable import FlowableTask

if TYPE_CHECKING:
    from mainstem.engine.live import LiveExecution


class Variables(Mapping[str, object]):
    """A lazy mapping; each variable is made at most once."""

    __slots__ = ("_known", "_live", "_makers", "_node")

    def __init__(self, live: "LiveExecution", node: Node | None, *, detached: bool = False) -> None:
        self._live = live
        self._node = node
        self._makers = _DETACHED_MAKERS if detached else _MAKERS
        self._known: dict[str, object] = {}

    def __getitem__(self, name: str) -> object:
        known = self._known
        if name in known:
            return known[name]
        maker = self._makers.get(name)
        if maker is not None:
            value = maker(self._live, self._node)
            if value is not ABSENT:
                known[name] = value
                return value
        return self._other(name)

    def _other(self, name: str) -> object:
        for source in (self._live.execution.variables, self._live.constants.extra):
            if name in source:
                return source[name]
        raise KeyError(name)

    def __contains__(self, name: object) -> bool:
        if not isinstance(name, str):
            return False
        try:
            self[name]
        except KeyError:
            return False
        return True

    def __iter__(self) -> Iterator[str]:
        own = (name for name in self._live.execution.variables if "." not in name)
        names = [*_MAKERS, *own, *self._live.constants.extra]
        return (name for name in dict.fromkeys(names) if name in self)

    def __len__(self) -> int:
        return sum(1 for _ in self)


ABSENT: Final = object()
_Maker = Callable[["LiveExecution", Node | None], object]


def _flow(live: "LiveExecution", _: Node | None) -> object:
    flow = live.flow
    return {"id": flow.id, "namespace": flow.namespace, "revision": live.execution.revision}


def _execution(live: "LiveExecution", _: Node | None) -> object:
    execution = live.execution
    return {
        "id": execution.id,
        "startDate": execution.history.started_at,
        "originalId": execution.original_id or execution.id,
        "state": execution.state.value,
    }


def _task(_: "LiveExecution", node: Node | None) -> object:
    if node is None:
        return ABSENT
    if node.plan is None:
        return {"id": node.run.task_id}
    return {"id": node.plan.task.id, "type": node.plan.task.type}


def _taskrun(live: "LiveExecution", node: Node | None) -> object:
    return ABSENT if node is None else describe(live, node)


def describe(live: "LiveExecution", node: Node) -> dict[str, object]:
    """The `taskrun` variable of a node."""
    run = node.run
    attempts = len(run.attempts)
    if attempts and not run.attempts[-1].history.current.is_terminal:
        attempts -= 1
    found: dict[str, object] = {
        "id": run.id,
        "startDate": run.history.started_at,
        "attemptsCount": attempts,
    }
    if run.parent_id is not None:
        found["parentId"] = run.parent_id
    value = run.value if run.value is not None else _lent_value(node)
    if value is not None:
        found["value"] = value
    if run.iteration is not None:
        found["iteration"] = run.iteration
    return found


def _lent_value(node: Node) -> str | None:
    above = node.parent
    if above is None or above.plan is None or not isinstance(above.plan.task, FlowableTask):
        return None
    return above.run.value if above.plan.task.LENDS_VALUE else None


def _workspace_of(node: Node) -> Node | None:
    above = node.parent
    while above is not None and not above.is_root:
        if above.plan is not None and above.plan.kind is Kind.WORKSPACE:
            return above
        above = above.parent
    return None


def _parents(_: "LiveExecution", node: Node | None) -> object:
    found: list[dict[str, object]] = []
    above = node.parent if node is not None else None
    while above is not None and not above.is_root:
        entry: dict[str, object] = {}
        if above.run.value is not None:
            entry["taskrun"] = {"value": above.run.value}
        if above.run.outputs:
            entry["outputs"] = above.run.outputs
        if entry:
            found.append(entry)
        above = above.parent
    return found or ABSENT


def _parent(live: "LiveExecution", node: Node | None) -> object:
    found = _parents(live, node)
    return found[0] if isinstance(found, list) else ABSENT


def _worker_taskrun(live: "LiveExecution", node: Node | None) -> object:
    workspace = _workspace_of(node) if node is not None else None
    return ABSENT if workspace is None else describe(live, workspace)


def _inputs(live: "LiveExecution", _: Node | None) -> object:
    if live.inputs is None:
        found: dict[str, object] = {}
        for declared in live.flow.inputs:
            if declared.defaults is not None and declared.id not in live.execution.inputs:
                _nest(found, declared.id, declared.defaults)
        for key, value in live.execution.inputs.items():
            _nest(found, key, value)
        live.inputs = found
    return live.inputs or ABSENT


def _trigger(live: "LiveExecution", _: Node | None) -> object:
    trigger = live.execution.trigger
    return ABSENT if trigger is None else trigger.variables


def _labels(live: "LiveExecution", _: Node | None) -> object:
    if live.labels is None:
        found: dict[str, object] = {}
        for key, value in live.execution.labels.items():
            _nest(found, key, value)
        live.labels = found
    return live.labels


def _nest(into: dict[str, object], key: str, value: object) -> None:
    """Set `a.b` below `a`; where `a` is no map the whole key is kept as it is."""
    *above, last = key.split(".")
    level = into
    for part in above:
        deeper = level.setdefault(part, {})
        if not isinstance(deeper, dict):
            into[key] = value
            return
        level = deeper
    level[last] = value


def _outputs(live: "LiveExecution", node: Node | None) -> object:
    return _from_inside(live.outputs, node)


def _tasks(live: "LiveExecution", node: Node | None) -> object:
    return _from_inside(live.tasks, node)


def _from_inside(shown: Mapping[str, object], node: Node | None) -> Mapping[str, object]:
    """Outputs or states as an isolated iteration sees them: its own ones need no index."""
    if node is None or node.around is None:
        return shown
    found = dict(shown)
    for turn in reversed(list(_turns(node))):
        assert turn.parent is not None
        assert turn.parent.plan is not None
        for task_id in turn.parent.plan.inside:
            level: object = shown.get(task_id)
            for value in turn.path:
                level = level.get(value) if isinstance(level, Mapping) else None
            if isinstance(level, Mapping):
                found[task_id] = level
            else:
                found.pop(task_id, None)
    return found


def _turns(node: Node) -> Iterator[Node]:
    """The iterations of isolating loops around a node, innermost first."""
    each = node.around
    while each is not None:
        yield each
        each = each.parent.around if each.parent is not None else None


def _item(_: "LiveExecution", node: Node | None) -> object:
    if node is None or node.around is None:
        return ABSENT
    own, *parents = [_item_of(turn) for turn in _turns(node)]
    return {**own, "parent": parents[0], "parents": parents} if parents else own


def _item_of(turn: Node) -> dict[str, object]:
    assert turn.parent is not None
    index = turn.run.iteration or 0
    found: dict[str, object] = {"index": index, "value": turn.run.value}
    keys = (turn.parent.run.outputs or {}).get("keys")
    if isinstance(keys, list) and index < len(keys):
        found["key"] = keys[index]
    return found


def _vars(live: "LiveExecution", _: Node | None) -> object:
    """The flow's variables with those that the execution has set or unset."""
    own = live.execution.variables
    if not any(name.startswith(("vars.", "unset.")) for name in own):
        return live.flow.variables
    set_here = {k.removeprefix("vars."): v for k, v in own.items() if k.startswith("vars.")}
    merged = {**live.flow.variables, **set_here}
    return {name: value for name, value in merged.items() if f"unset.{name}" not in own}


def _envs(live: "LiveExecution", _: Node | None) -> object:
    return live.constants.envs


def _globals(live: "LiveExecution", _: Node | None) -> object:
    return live.constants.globals


def _outputs_apart(live: "LiveExecution", node: Node | None) -> object:
    return _from_inside(live.outputs.copy(), node)


def _tasks_apart(live: "LiveExecution", node: Node | None) -> object:
    return _from_inside(live.states(), node)


_MAKERS: Final[Mapping[str, _Maker]] = {
    "flow": _flow,
    "execution": _execution,
    "task": _task,
    "taskrun": _taskrun,
    "parents": _parents,
    "parent": _parent,
    "outputs": _outputs,
    "tasks": _tasks,
    "item": _item,
    "inputs": _inputs,
    "trigger": _trigger,
    "labels": _labels,
    "vars": _vars,
    "envs": _envs,
    "globals": _globals,
    "workerTaskrun": _worker_taskrun,
}

_DETACHED_MAKERS: Final[Mapping[str, _Maker]] = {
    **_MAKERS,
    "outputs": _outputs_apart,
    "tasks": _tasks_apart,
}
