"""A flow as nested steps: what runs after, beside, instead of or inside what.

Steps come from the flow's plain task mappings, so that any type is understood by the lists of
tasks it carries. `topology_layout` gives every step a place and `topology_svg` draws it.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, Literal

from mainstem.model.state import State

Arrangement = Literal["sequence", "parallel", "dag"]

_PARALLEL: Final = frozenset({"Parallel", "EachParallel"})
_ICONS: Final = (
    ("scripts.python", "file-code"),
    ("scripts", "terminal"),
    ("gcp.gcs", "cloud-upload"),
    ("gcp.bigquery", "table-2"),
    ("jdbc", "database"),
    ("dbt", "layers"),
    ("git", "git-branch"),
    ("core.http", "globe"),
    ("fs.http", "globe"),
    ("core.kv", "key-round"),
    ("core.storage", "folder"),
    ("core.log", "scroll-text"),
    ("core.debug", "bug"),
    ("core.flow.If", "split"),
    ("core.flow.Switch", "split"),
    ("core.flow.ForEach", "repeat"),
    ("core.flow.Each", "repeat"),
    ("core.flow.WaitFor", "repeat"),
    ("core.flow.Subflow", "workflow"),
    ("core.flow.Flow", "workflow"),
    ("core.flow.Pause", "pause"),
    ("core.flow.Sleep", "hourglass"),
    ("core.flow.Dag", "git-fork"),
    ("core.flow.Parallel", "git-fork"),
    ("core.execution", "tag"),
    ("core.trigger.Schedule", "calendar-clock"),
    ("core.trigger.Webhook", "webhook"),
    ("core.trigger", "zap"),
)


@dataclass(frozen=True, slots=True)
class Group:
    """A list of steps inside a step, with the label of its branch."""

    label: str
    steps: tuple["Step", ...]
    arrangement: Arrangement = "sequence"
    edges: tuple[tuple[str, str], ...] = ()
    is_errors: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    """One task of the drawing; `state`, `note` and `href` are painted on by the page."""

    id: str
    type: str
    groups: tuple[Group, ...] = ()
    disabled: bool = False
    state: State | None = None
    note: str = ""
    href: str | None = None

    @property
    def short_type(self) -> str:
        return self.type.rpartition(".")[2]

    @property
    def icon(self) -> str:
        return icon_for(self.type)


@dataclass(frozen=True, slots=True)
class Topology:
    """A whole flow: what starts it, its main sequence, and what runs when it fails."""

    triggers: tuple[Step, ...]
    main: Group
    after: tuple[Group, ...] = field(default=())


def icon_for(type_name: str) -> str:
    """The sprite that stands for a task or trigger type."""
    return next((icon for part, icon in _ICONS if part in type_name), "box")


def from_tasks(
    tasks: Sequence[Mapping[str, object]],
    *,
    triggers: Sequence[Mapping[str, object]] = (),
    errors: Sequence[Mapping[str, object]] = (),
    finally_: Sequence[Mapping[str, object]] = (),
) -> Topology:
    """Read the task mappings of a flow."""
    after = []
    if errors:
        after.append(Group("on error", _steps(errors), is_errors=True))
    if finally_:
        after.append(Group("finally", _steps(finally_)))
    return Topology(_steps(triggers), Group("", _steps(tasks)), tuple(after))


def paint(topology: Topology, painter: Callable[[Step], Step]) -> Topology:
    """Every step replaced by what `painter` makes of it, innermost first."""
    return replace(
        topology,
        triggers=tuple(painter(step) for step in topology.triggers),
        main=_paint_group(topology.main, painter),
        after=tuple(_paint_group(group, painter) for group in topology.after),
    )


def painted(topology: Topology, states: Mapping[str, State]) -> Topology:
    """The same flow with the state of each task that has one."""
    return paint(topology, lambda step: replace(step, state=states.get(step.id, step.state)))


def walk(groups: Iterable[Group]) -> Iterable[Step]:
    """All steps of some groups, outer before inner."""
    for group in groups:
        for step in group.steps:
            yield step
            yield from walk(step.groups)


def _paint_group(group: Group, painter: Callable[[Step], Step]) -> Group:
    return replace(
        group,
        steps=tuple(
            painter(replace(step, groups=tuple(_paint_group(g, painter) for g in step.groups)))
            for step in group.steps
        ),
    )


def _steps(tasks: Sequence[Mapping[str, object]]) -> tuple[Step, ...]:
    return tuple(_step(task) for task in tasks)


def _step(task: Mapping[str, object]) -> Step:
    type_name = str(task.get("type", ""))
    return Step(
        id=str(task.get("id", "?")),
        type=type_name,
        groups=tuple(_groups(task, type_name.rpartition(".")[2])),
        disabled=task.get("disabled") is True,
    )


def _groups(task: Mapping[str, object], short_type: str) -> Iterable[Group]:
    inner = _tasks(task.get("tasks"))
    if inner and short_type == "Dag":
        yield _dag(inner)
    elif inner:
        parallel = short_type in _PARALLEL
        yield Group(_loop_label(task), _steps(inner), "parallel" if parallel else "sequence")
    branches = {
        "on pause": [task.get("onPause")],
        "then": task.get("then"),
        "else": task.get("else"),
    }
    for label, listed in branches.items():
        if branch := _tasks(listed):
            yield Group(label, _steps(branch))
    cases = task.get("cases")
    if isinstance(cases, Mapping):
        for case, tasks in cases.items():
            yield Group(str(case), _steps(_tasks(tasks)))
    if branch := _tasks(task.get("defaults")):
        yield Group("default", _steps(branch))
    if branch := _tasks(task.get("errors")):
        yield Group("on error", _steps(branch), is_errors=True)
    if branch := _tasks(task.get("finally")):
        yield Group("finally", _steps(branch))


def _loop_label(task: Mapping[str, object]) -> str:
    values = task.get("values")
    if values is None:
        return ""
    if isinstance(values, list):
        return f"for each of {len(values)} values"
    return "for each value"


def _dag(inner: Sequence[Mapping[str, object]]) -> Group:
    tasks = [(item.get("task"), item.get("dependsOn")) for item in inner]
    known = [(task, needs) for task, needs in tasks if isinstance(task, Mapping)]
    edges = [
        (str(need), str(task.get("id")))
        for task, needs in known
        for need in (needs if isinstance(needs, list) else [])
    ]
    return Group("", _steps([task for task, _ in known]), "dag", tuple(edges))


def _tasks(content: object) -> list[Mapping[str, object]]:
    if not isinstance(content, Sequence) or isinstance(content, str):
        return []
    return [item for item in content if isinstance(item, Mapping)]


def layers(steps: Sequence[Step], edges: Sequence[tuple[str, str]]) -> list[list[Step]]:
    """Steps by their distance from a root, each layer ordered to cross few lines."""
    needs: dict[str, list[str]] = {step.id: [] for step in steps}
    for source, target in edges:
        if source in needs and target in needs:
            needs[target].append(source)
    depth: dict[str, int] = {}
    for step in steps:
        _depth(step.id, needs, depth, frozenset())
    out: list[list[Step]] = [[] for _ in range(max(depth.values(), default=-1) + 1)]
    for step in steps:
        out[depth[step.id]].append(step)
    for index in range(1, len(out)):
        place = {step.id: i for i, step in enumerate(out[index - 1])}
        out[index].sort(key=lambda step: _middle(needs[step.id], place))
    return out


def _depth(
    step: str, needs: Mapping[str, list[str]], depth: dict[str, int], above: frozenset[str]
) -> int:
    if step not in depth:
        open_needs = [need for need in needs[step] if need not in above and need != step]
        found = [_depth(need, needs, depth, above | {step}) for need in open_needs]
        depth[step] = max(found, default=-1) + 1
    return depth[step]


def _middle(needs: Sequence[str], place: Mapping[str, int]) -> float:
    places = [place[need] for need in needs if need in place]
    return sum(places) / len(places) if places else float("inf")
