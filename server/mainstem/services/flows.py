"""Flows: saving, reading, deleting; parsed revisions are cached."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Connection

from mainstem.bus.inprocess import FLOWS, Bus
from mainstem.clock import Clock
from mainstem.engine.templates import FindTemplate, inline_templates
from mainstem.errors import Conflict, InvalidInput, MainstemError, NotFound
from mainstem.flowspec.parse import DefaultsOf, ParsedFlow, parse_flow
from mainstem.flowspec.problems import Problem, errors
from mainstem.model.flow_id import FlowId
from mainstem.model.principal import Permission
from mainstem.sdk.flow import Flow, PluginDefault
from mainstem.sdk.registry import Registry
from mainstem.services import access, audit
from mainstem.services.keeping import Keeper, nobody
from mainstem.store import flows as rows
from mainstem.store.database import Database
from mainstem.store.flows import FlowRevision, Origin, Pointer

__all__ = ["FlowChange", "FlowRevision", "FlowService", "FlowWatcher", "InvalidFlow", "Origin"]

_CACHED = 2_000
# Another process may have changed a flow, and its signal may be lost.
_TRUSTED_SECONDS = 0.1


class InvalidFlow(InvalidInput):
    """A flow's source has problems; each says where."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = tuple(problems)


@dataclass(frozen=True, slots=True)
class FlowChange:
    """A flow source to store, with where it came from."""

    parsed: ParsedFlow
    origin: Origin | None = None


@dataclass(frozen=True, slots=True)
class _Cached:
    """A parsed flow, and the defaults of its namespace that went into it."""

    flow: Flow
    defaults: Sequence[PluginDefault]
    has_templates: bool = False


# Told inside the transaction that changes flows: (tx, saved flows, deleted flow ids).
FlowWatcher = Callable[[Connection, Sequence[Flow], Sequence[FlowId]], None]


def _no_defaults(_namespace: str) -> Sequence[PluginDefault]:
    return ()


class FlowService:
    """Flow sources by revision."""

    def __init__(
        self,
        database: Database,
        registry: Registry,
        clock: Clock,
        bus: Bus,
        global_defaults: Sequence[PluginDefault] = (),
        namespace_defaults: DefaultsOf = _no_defaults,
    ) -> None:
        self.registry = registry
        self._database = database
        self._clock = clock
        self._bus = bus
        self._defaults = tuple(global_defaults)
        self._namespace_defaults = namespace_defaults
        self._template: FindTemplate = lambda _own, _namespace, _id: None
        self._watchers: list[FlowWatcher] = []
        self._keeper: Keeper = nobody
        self._cache: OrderedDict[tuple[FlowId, int], _Cached] = OrderedDict()
        self._lock = threading.Lock()
        self._pointers: dict[tuple[FlowId, int | None], tuple[Pointer | None, float]] = {}
        self._signals = 0
        bus.subscribe([FLOWS], lambda _topic: self._changed())

    def use_templates(self, find: FindTemplate) -> None:
        """Where Template tasks of loaded flows take their tasks from."""
        self._template = find

    def watch(self, watcher: FlowWatcher) -> None:
        """Have `watcher` called within every transaction that changes flows."""
        self._watchers.append(watcher)

    def protect(self, keeper: Keeper) -> None:
        """Have `keeper` asked before users change or delete flows."""
        self._keeper = keeper

    def parse(self, source: str, path: str | None = None) -> ParsedFlow:
        """Parse and validate with this server's plug-ins and defaults; never raises."""
        return parse_flow(
            source,
            self.registry,
            path=path,
            global_defaults=self._defaults,
            namespace_defaults=self._namespace_defaults,
        )

    def broken_by(self, namespace: str, defaults: Sequence[PluginDefault]) -> list[Problem]:
        """Errors of flows in or below the namespace if it had these plug-in defaults."""

        def imagined(place: str) -> Sequence[PluginDefault]:
            inner = self._namespace_defaults(place)
            own = self._namespace_defaults(namespace)
            above = self._namespace_defaults(namespace.rpartition(".")[0])
            below = inner[: len(inner) - len(own)]
            return (*below, *defaults, *above)

        found: list[Problem] = []
        for item in self.all(namespace):
            parsed = parse_flow(
                item.source,
                self.registry,
                path=str(item.flow),
                global_defaults=self._defaults,
                namespace_defaults=imagined,
            )
            found.extend(problem for problem in parsed.problems if problem.is_error)
        return found

    def save(
        self, source: str, *, expected: FlowId | None = None, seen: int | None = None
    ) -> FlowRevision:
        """Create or update the flow in `source`; an unchanged source keeps its revision.

        Raises InvalidFlow, InvalidInput when the source is not the `expected` flow, or Conflict
        when the flow is not at the revision `seen` any more (0: there was none).
        """
        parsed = self.parse(source)
        flow = _checked(parsed)
        if expected is not None and flow.flow_id != expected:
            field = "id" if flow.id != expected.id else "namespace"
            raise InvalidInput(
                f"Illegal {field} update: the source is of `{flow.flow_id}`, not `{expected}`"
            )
        with self._database.write() as tx:
            self._ask(tx, [flow.flow_id])
            if seen is not None:
                head = rows.heads(tx, [flow.flow_id]).get(flow.flow_id)
                current = head.revision if head and not head.deleted else 0
                if current != seen:
                    raise Conflict(f"flow `{flow.flow_id}` is at revision {current}, not {seen}")
            (saved,) = self.apply(tx, [FlowChange(parsed)], [])
            detail = {"revision": saved.revision}
            audit.of_request(tx, "flow.save", str(saved.flow), saved.flow.namespace, detail)
        self.announce()
        return saved

    def save_all(
        self, sources: Sequence[str], deletes: Sequence[FlowId] = ()
    ) -> list[FlowRevision]:
        """Create or update several flows, and delete others: all of it, or nothing.

        Raises InvalidFlow, or InvalidInput when two sources are of one flow.
        """
        changes = [FlowChange(self.parse(source)) for source in sources]
        ids = [_checked(change.parsed).flow_id for change in changes]
        twice = next((flow_id for flow_id in ids if ids.count(flow_id) > 1), None)
        if twice is not None:
            raise InvalidInput(f"flow `{twice}` is there more than once: leave one of them out")
        with self._database.write() as tx:
            self._ask(tx, [*ids, *deletes])
            saved = self.apply(tx, changes, deletes)
            _record(tx, saved, deletes)
        self.announce()
        return saved

    def _ask(self, tx: Connection, flows: Sequence[FlowId]) -> None:
        for namespace in sorted({flow.namespace for flow in flows}):
            access.require(Permission.FLOW_WRITE, namespace)
        self._keeper(tx, [("flow", flow.namespace, flow.id) for flow in flows])

    def apply(
        self, tx: Connection, changes: Sequence[FlowChange], deletes: Sequence[FlowId]
    ) -> list[FlowRevision]:
        """Store changes and deletions in the caller's transaction; call `announce` after it.

        Raises InvalidFlow for the first source with problems; nothing is stored then.
        """
        flows = [_checked(change.parsed) for change in changes]
        heads = rows.heads(tx, [*(flow.flow_id for flow in flows), *deletes])
        now = self._clock.now()
        saved: list[FlowRevision] = []
        added: list[FlowRevision] = []
        for flow, change in zip(flows, changes, strict=True):
            head = heads.get(flow.flow_id)
            if head and not head.deleted and head.source == change.parsed.source:
                if change.origin is not None and head.origin != change.origin:
                    rows.set_origin(tx, head, change.origin)
                saved.append(head)
                continue
            saved.append(
                FlowRevision(
                    flow.flow_id,
                    head.revision + 1 if head else 1,
                    change.parsed.source,
                    now,
                    disabled=flow.disabled,
                    description=flow.description,
                    labels=dict(flow.labels),
                    origin=change.origin,
                )
            )
            added.append(saved[-1])
        for flow_id in deletes:
            head = heads.get(flow_id)
            if head and not head.deleted:
                added.append(
                    replace(head, revision=head.revision + 1, deleted=True, created_at=now)
                )
        rows.add_revisions(tx, added)
        for watcher in self._watchers:
            watcher(tx, flows, deletes)
        return saved

    def announce(self) -> None:
        """Signal that flows changed, once the transaction is through."""
        self._bus.publish(FLOWS)

    def delete(self, flow_id: FlowId) -> None:
        """Raises NotFound."""
        self.delete_all([flow_id])

    def delete_all(self, flow_ids: Sequence[FlowId]) -> None:
        """Delete these flows; raises NotFound, and deletes none, when one is not there."""
        for flow_id in flow_ids:
            self.head(flow_id)
        with self._database.write() as tx:
            self._ask(tx, flow_ids)
            self.apply(tx, [], list(dict.fromkeys(flow_ids)))
            _record(tx, [], flow_ids)
        self.announce()

    def head(self, flow_id: FlowId) -> FlowRevision:
        """The current revision; raises NotFound for a missing or deleted flow."""
        with self._database.read() as tx:
            found = rows.latest(tx, flow_id)
        if found.deleted:
            raise NotFound(f"flow {flow_id} was deleted")
        return found

    def revision(self, flow_id: FlowId, number: int | None = None) -> FlowRevision:
        """A revision, the current one for None; raises NotFound."""
        if number is None:
            return self.head(flow_id)
        with self._database.read() as tx:
            return rows.revision(tx, flow_id, number)

    def revisions(self, flow_id: FlowId) -> list[FlowRevision]:
        """Newest first; raises NotFound when there are none."""
        with self._database.read() as tx:
            found = rows.revisions(tx, flow_id)
        if not found:
            raise NotFound(f"there is no flow {flow_id}")
        return found

    def all(self, namespace: str | None = None) -> list[FlowRevision]:
        """Current flows, of a namespace with its descendants if given."""
        with self._database.read() as tx:
            return rows.all_latest(tx, namespace=namespace)

    def live_sources(self, tx: Connection) -> dict[FlowId, FlowRevision]:
        """Current flows, within the caller's transaction."""
        return {item.flow: item for item in rows.all_latest(tx)}

    def search(self, text: str, limit: int = 100) -> list[FlowRevision]:
        """Current flows whose source holds `text`."""
        with self._database.read() as tx:
            return rows.search_source(tx, text, limit)

    def namespaces(self) -> dict[str, int]:
        """Number of current flows by namespace."""
        with self._database.read() as tx:
            return rows.namespaces(tx)

    def load(self, flow_id: FlowId, number: int | None = None) -> Flow:
        """The parsed flow of a revision, the current one for None.

        Raises NotFound, or InvalidFlow when the stored source no longer parses.
        """
        missing = f"there is no flow {flow_id}"
        access.check_visible(Permission.FLOW_READ, flow_id.namespace, missing)
        if number is not None and (cached := self._known((flow_id, number))) is not None:
            return cached
        return self._parsed(self.revision(flow_id, number))

    def fault(self, revision: FlowRevision) -> Problem | None:
        """The first problem of a stored source, such as of a flow whose plug-in is gone."""
        try:
            self._parsed(revision)
        except InvalidFlow as error:
            return errors(error.problems)[0]
        except MainstemError as error:
            return Problem(None, 1, 1, "template", error.message)
        return None

    def loaded(self, flow_id: FlowId, number: int) -> Flow | None:
        """The parsed flow of a revision if it is in memory."""
        return self._known((flow_id, number))

    def pinned(self, flow_id: FlowId, number: int | None = None) -> tuple[Flow, str | None]:
        """As `load`, with the commit that the revision is of."""
        found = self._pointer(flow_id, number)
        if found is None or (found.deleted and number is None):
            return self.load(flow_id, number), None  # which says what is wrong
        return self.load(flow_id, found.revision), found.commit

    def _pointer(self, flow_id: FlowId, number: int | None) -> Pointer | None:
        """Where the revision is; asked again after a signal that flows changed, and soon anyway."""
        key, now, signals = (flow_id, number), time.monotonic(), self._signals
        known = self._pointers.get(key)
        if known is not None and now - known[1] < _TRUSTED_SECONDS:
            return known[0]
        found = self._database.once(
            ("pointer", flow_id, number), lambda tx: rows.pointer(tx, flow_id, number)
        )
        if signals == self._signals:
            if len(self._pointers) >= _CACHED:
                self._pointers.clear()
            self._pointers[key] = found, now
        return found

    def _changed(self) -> None:
        self._signals += 1
        self._pointers = {}

    def _known(self, key: tuple[FlowId, int]) -> Flow | None:
        """The cached flow, unless the defaults of its namespace are others by now."""
        defaults = self._namespace_defaults(key[0].namespace)
        with self._lock:
            cached = self._cache.get(key)
            if cached is None or cached.defaults is not defaults:
                return None
            self._cache.move_to_end(key)
        if cached.has_templates:
            return inline_templates(cached.flow, self._template)
        return cached.flow

    def _parsed(self, found: FlowRevision) -> Flow:
        key = (found.flow, found.revision)
        if (cached := self._known(key)) is not None:
            return cached
        defaults = self._namespace_defaults(found.flow.namespace)
        flow = _checked(self.parse(found.source)).model_copy(update={"revision": found.revision})
        filled = inline_templates(flow, self._template)
        with self._lock:
            self._cache[key] = _Cached(flow, defaults, filled is not flow)
            while len(self._cache) > _CACHED:
                self._cache.popitem(last=False)
        return filled


def _record(tx: Connection, saved: Sequence[FlowRevision], deleted: Sequence[FlowId]) -> None:
    for item in saved:
        detail = {"revision": item.revision}
        audit.of_request(tx, "flow.save", str(item.flow), item.flow.namespace, detail)
    for flow in deleted:
        audit.of_request(tx, "flow.delete", str(flow), flow.namespace)


def _checked(parsed: ParsedFlow) -> Flow:
    found = errors(parsed.problems)
    if found or parsed.flow is None:
        raise InvalidFlow(found or parsed.problems)
    return parsed.flow
