"""Which flows start which: subflows and Flow triggers."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final

from mainstem.errors import MainstemError
from mainstem.model.execution import Execution
from mainstem.model.flow_id import FlowId
from mainstem.model.state import History
from mainstem.sdk.condition import Condition, ConditionContext
from mainstem.sdk.flow import Flow
from mainstem.sdk.flowable import ExecutableTask
from mainstem.sdk.preconditions import ExecutionFilter
from mainstem.sdk.trigger import FlowTrigger
from mainstem.services.flows import FlowRevision, FlowService

_STARTED: Final = datetime(2000, 1, 1, tzinfo=UTC)
_LISTENS: Final = ("core.trigger.Flow", "types.Flow", "FlowListening")
_MOST: Final = 2_000


class Relation(StrEnum):
    """How one flow starts another."""

    FLOW_TASK = "FLOW_TASK"
    FLOW_TRIGGER = "FLOW_TRIGGER"


@dataclass(frozen=True, slots=True, order=True)
class Edge:
    """`source` starts `target`, by the task or trigger named."""

    source: FlowId
    target: FlowId
    relation: Relation
    by: str


@dataclass(frozen=True, slots=True)
class FlowGraph:
    """Flows that start each other; those in `missing` are named but do not exist."""

    nodes: tuple[FlowId, ...]
    edges: tuple[Edge, ...]
    missing: frozenset[FlowId]


class DependencyService:
    """Reads the sources of current flows; an unparseable one has no dependencies."""

    def __init__(self, flows: FlowService) -> None:
        self._flows = flows

    def of_flow(
        self, flow: FlowId, *, downstream_only: bool = False, depth: int | None = 1
    ) -> FlowGraph:
        """The flows around one, up to `depth` steps away (None: all of them)."""
        self._flows.head(flow)
        everything = _Everything(self._flows)
        edges: set[Edge] = set()
        seen = {flow}
        edge = [flow]
        steps = 0
        while edge and (depth is None or steps < depth) and len(seen) < _MOST:
            reached: list[FlowId] = []
            for item in edge:
                found = everything.around(item, downstream_only=downstream_only)
                edges.update(found)
                reached += [end for e in found for end in (e.source, e.target)]
            edge = [item for item in dict.fromkeys(reached) if item not in seen]
            seen.update(edge)
            steps += 1
        return self._graph(seen, edges, everything)

    def of_namespace(self, namespace: str) -> FlowGraph:
        """The flows of a namespace and below, with what they start and what starts them."""
        everything = _Everything(self._flows)
        own = {item.flow for item in self._flows.all(namespace)}
        edges = {e for item in own for e in everything.around(item, downstream_only=False)}
        nodes = own | {end for e in edges for end in (e.source, e.target)}
        return self._graph(nodes, edges, everything)

    def _graph(self, nodes: set[FlowId], edges: set[Edge], known: "_Everything") -> FlowGraph:
        missing = frozenset(node for node in nodes if node not in known.revisions)
        return FlowGraph(tuple(sorted(nodes)), tuple(sorted(edges)), missing)


class _Everything:
    """Current flows at one moment, parsed only where their text may matter."""

    def __init__(self, flows: FlowService) -> None:
        self._flows = flows
        self.revisions: Mapping[FlowId, FlowRevision] = {item.flow: item for item in flows.all()}
        self._parsed: dict[FlowId, Flow | None] = {}

    def around(self, flow: FlowId, *, downstream_only: bool) -> list[Edge]:
        found = list(self._subflows(flow))
        found += self._listeners(flow)
        if not downstream_only:
            found += self._upstream(flow)
        return found

    def _flow(self, flow: FlowId) -> Flow | None:
        if flow not in self._parsed:
            revision = self.revisions.get(flow)
            try:
                loaded = self._flows.load(flow, revision.revision) if revision else None
            except MainstemError:
                loaded = None
            self._parsed[flow] = loaded
        return self._parsed[flow]

    def _subflows(self, flow: FlowId) -> Iterator[Edge]:
        loaded = self._flow(flow)
        for task in loaded.all_tasks() if loaded else ():
            if not isinstance(task, ExecutableTask) and not task.type.endswith("ForEachItem"):
                continue
            namespace, name = getattr(task, "namespace", ""), getattr(task, "flow_id", "")
            if name and "{{" not in f"{namespace}{name}":
                target = FlowId(str(namespace), str(name))
                yield Edge(flow, target, Relation.FLOW_TASK, task.id)

    def _listeners(self, flow: FlowId) -> Iterator[Edge]:
        for other, revision in self.revisions.items():
            if any(word in revision.source for word in _LISTENS):
                yield from self._triggered(flow, other)

    def _triggered(self, source: FlowId, listener: FlowId) -> Iterator[Edge]:
        loaded = self._flow(listener)
        for trigger in loaded.triggers if loaded else ():
            if isinstance(trigger, FlowTrigger) and source != listener and hears(trigger, source):
                yield Edge(source, listener, Relation.FLOW_TRIGGER, trigger.id)

    def _upstream(self, flow: FlowId) -> Iterator[Edge]:
        for other, revision in self.revisions.items():
            if flow.id in revision.source and other != flow:
                yield from (edge for edge in self._subflows(other) if edge.target == flow)
        loaded = self._flow(flow)
        if loaded and any(isinstance(trigger, FlowTrigger) for trigger in loaded.triggers):
            for other in self.revisions:
                yield from self._triggered(other, flow)


def hears(trigger: FlowTrigger, source: FlowId) -> bool:
    """Whether the trigger names this flow or its namespace; one that names nothing names none."""
    ctx = _context(source)
    wanted = trigger.preconditions
    if wanted is not None:
        for item in wanted.flows:
            if item.namespace == source.namespace and item.flow_id in (None, source.id):
                return True
        if any(_names(item, ctx) for item in wanted.where):
            return True
    return any(_condition_names(item, ctx) for item in trigger.all_conditions())


def _context(source: FlowId) -> ConditionContext:
    execution = Execution("dependency", source, 1, History.begin(_STARTED))
    return ConditionContext(
        flow=source, now=_STARTED, render=lambda text: text, execution=execution, variables={}
    )


def _names(item: ExecutionFilter, ctx: ConditionContext) -> bool:
    about = [f for f in item.filters if f.field in ("FLOW_ID", "NAMESPACE")]
    return bool(about) and all(f.holds(ctx) for f in about)


def _condition_names(condition: Condition, ctx: ConditionContext) -> bool:
    inner = getattr(condition, "conditions", None)
    if inner:
        members = inner.values() if isinstance(inner, Mapping) else inner
        return any(_condition_names(item, ctx) for item in members)
    if getattr(condition, "namespace", None) is None:
        return False
    try:
        return condition.test(ctx)
    except MainstemError:
        return False
