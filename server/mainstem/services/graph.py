"""A flow as nodes, edges and clusters, in the shape that clients of the reference draw. Pure.

It is read from the plain source, so that a flow with problems can be drawn as well.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

_MODEL: Final = "io.kestra.core.models.hierarchies."
_PARALLEL: Final = frozenset({"Parallel", "EachParallel", "Dag"})
_DYNAMIC: Final = frozenset(
    {"ForEach", "EachSequential", "EachParallel", "ForEachItem", "LoopUntil", "WaitFor", "Loop"}
)
_SUBFLOW: Final = ("core.flow.Subflow", "core.flow.Flow", "core.flow.ForEachItem")
_LAST: Final = (("errors", "ERROR"), ("finally", "FINALLY"), ("afterExecution", "AFTER_EXECUTION"))

Plain = Mapping[str, Any]


@dataclass(slots=True)
class Graph:
    """What has been found so far; `flowables` are ids of tasks that hold others."""

    nodes: list[dict[str, Any]] = field(default_factory=list)
    edges: list[dict[str, Any]] = field(default_factory=list)
    clusters: list[dict[str, Any]] = field(default_factory=list)
    flowables: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        return {
            "nodes": self.nodes,
            "edges": self.edges,
            "clusters": self.clusters,
            "flowables": self.flowables,
        }


@dataclass(frozen=True, slots=True)
class _Branch:
    relation: str
    value: str | None
    tasks: Sequence[Plain]
    parallel: bool = False
    needs: Mapping[str, Sequence[str]] = field(default_factory=dict)


def graph_of(flow: Plain, runs: Mapping[str, Sequence[Plain]] | None = None) -> dict[str, Any]:
    """The graph of a flow's plain data; `runs` are task runs by task id, to be shown with it."""
    graph = Graph()
    drawing = _Drawing(graph, runs or {})
    start, end = drawing.ends("root", ())
    last = drawing.branch(_Branch("SEQUENTIAL", None, _tasks(flow.get("tasks"))), start, ())
    drawing.join(last, end)
    for key, relation in _LAST:
        if tasks := _tasks(flow.get(key)):
            drawing.join(drawing.branch(_Branch(relation, None, tasks), start, ()), end)
    drawing.triggers(_tasks(flow.get("triggers")), start)
    return graph.as_json()


class _Drawing:
    def __init__(self, graph: Graph, runs: Mapping[str, Sequence[Plain]]) -> None:
        self._graph = graph
        self._runs = runs

    def ends(self, uid: str, parents: tuple[str, ...]) -> tuple[str, str]:
        """The two ends of a cluster."""
        start, end = f"{uid}.start", f"{uid}.end"
        self._add(start, "GraphClusterRoot", parents)
        self._add(end, "GraphClusterEnd", parents)
        return start, end

    def _add(self, uid: str, kind: str, parents: tuple[str, ...], **more: Any) -> None:
        self._graph.nodes.append({"uid": uid, "type": f"{_MODEL}{kind}", **more})
        for cluster in self._graph.clusters:
            if parents and cluster["cluster"]["uid"] == parents[-1]:
                cluster["nodes"].append(uid)

    def join(self, sources: Sequence[str], target: str) -> None:
        for source in sources:
            self._edge(source, target, "SEQUENTIAL", None)

    def _edge(self, source: str, target: str, relation: str, value: str | None) -> None:
        about = {"relationType": relation} | ({"value": value} if value is not None else {})
        self._graph.edges.append({"source": source, "target": target, "relation": about})

    def branch(self, branch: _Branch, start: str, parents: tuple[str, ...]) -> list[str]:
        """Draw tasks after `start`; returns what the end of the branch follows on."""
        if branch.parallel:
            return self._beside(branch, start, parents)
        previous = [start]
        for index, task in enumerate(branch.tasks):
            relation = branch.relation if index == 0 else "SEQUENTIAL"
            value = branch.value if index == 0 else None
            first, last = self._task(task, parents, relation)
            for source in previous:
                self._edge(source, first, relation, value)
            previous = [last]
        return previous

    def _beside(self, branch: _Branch, start: str, parents: tuple[str, ...]) -> list[str]:
        places = {_id(task): self._task(task, parents, branch.relation) for task in branch.tasks}
        needed: set[str] = set()
        for name, (first, _) in places.items():
            needs = [need for need in branch.needs.get(name, ()) if need in places]
            needed.update(needs)
            for source in [places[need][1] for need in needs] or [start]:
                self._edge(source, first, branch.relation, branch.value)
        return [last for name, (_, last) in places.items() if name not in needed] or [start]

    def _task(self, task: Plain, parents: tuple[str, ...], relation: str) -> tuple[str, str]:
        """Draw one task; returns where it is entered and where it is left."""
        uid = f"root.{_id(task)}"
        branches = list(_branches(task))
        kind = "SubflowGraphTask" if str(task.get("type", "")).endswith(_SUBFLOW) else "GraphTask"
        more: dict[str, Any] = {"task": _brief(task), "relationType": relation}
        if found := self._runs.get(_id(task)):
            more["taskRun"] = found[-1]
            more["taskRuns"] = list(found)
        if not branches:
            self._add(uid, kind, parents, **more)
            return uid, uid
        self._graph.flowables.append(_id(task))
        cluster = f"cluster_{uid}"
        start, end = f"{cluster}.start", f"{cluster}.end"
        self._graph.clusters.append(
            {
                "cluster": {"uid": cluster, "type": f"{_MODEL}GraphCluster", **more},
                "nodes": [],
                "parents": list(parents),
                "start": start,
                "end": end,
            }
        )
        inside = (*parents, cluster)
        self.ends(cluster, inside)
        self._add(uid, kind, inside, **more)
        self._edge(start, uid, "SEQUENTIAL", None)
        for branch in branches:
            self.join(self.branch(branch, uid, inside), end)
        return start, end

    def triggers(self, triggers: Sequence[Plain], start: str) -> None:
        if not triggers:
            return
        cluster = "Triggers"
        self._graph.clusters.append(
            {
                "cluster": {"uid": cluster, "type": f"{_MODEL}GraphCluster"},
                "nodes": [],
                "parents": [],
                "start": f"{cluster}.start",
                "end": f"{cluster}.end",
            }
        )
        first, last = self.ends(cluster, (cluster,))
        for trigger in triggers:
            uid = f"{cluster}.{_id(trigger)}"
            self._add(uid, "GraphTrigger", (cluster,), triggerDeclaration=dict(trigger))
            self._edge(first, uid, "SEQUENTIAL", None)
            self._edge(uid, last, "SEQUENTIAL", None)
        self._edge(last, start, "SEQUENTIAL", None)


def _branches(task: Plain) -> Iterator[_Branch]:
    yield from _main(task)
    for key in ("then", "else"):
        if found := _tasks(task.get(key)):
            yield _Branch("CHOICE", key, found)
    cases = task.get("cases")
    for case, tasks in cases.items() if isinstance(cases, Mapping) else ():
        if found := _tasks(tasks):
            yield _Branch("CHOICE", str(case), found)
    if found := _tasks(task.get("defaults")):
        yield _Branch("CHOICE", "defaults", found)
    for key, relation in _LAST[:2]:
        if found := _tasks(task.get(key)):
            yield _Branch(relation, None, found)


def _main(task: Plain) -> Iterator[_Branch]:
    short = str(task.get("type", "")).rpartition(".")[2]
    inner = _tasks(task.get("tasks"))
    if not inner:
        return
    if short == "Dag":
        listed = [item for item in inner if isinstance(item.get("task"), Mapping)]
        needs = {_id(i["task"]): [str(need) for need in i.get("dependsOn") or ()] for i in listed}
        yield _Branch("PARALLEL", None, _tasks([i["task"] for i in listed]), True, needs)
    elif short in _PARALLEL:
        yield _Branch("PARALLEL", None, inner, True)
    else:
        yield _Branch("DYNAMIC" if short in _DYNAMIC else "SEQUENTIAL", None, inner)


def _tasks(content: object) -> list[Plain]:
    if not isinstance(content, Sequence) or isinstance(content, str):
        return []
    return [item for item in content if isinstance(item, Mapping)]


def _id(task: Plain) -> str:
    return str(task.get("id", "?"))


def _brief(task: Plain) -> dict[str, Any]:
    """The task without those inside it, which are nodes of their own."""
    inner = {"tasks", "then", "else", "cases", "defaults", "errors", "finally"}
    return {key: value for key, value in task.items() if key not in inner}
