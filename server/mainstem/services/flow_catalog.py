"""Many flows at once: lists, searches, archives, switching on and off, bulk updates."""

import re
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from tempfile import SpooledTemporaryFile
from typing import IO, Any, Final

from mainstem.errors import Conflict, InvalidInput, NotFound
from mainstem.flowspec.dump import dump_data, flow_data
from mainstem.flowspec.parse import CheckedProperties, check_properties
from mainstem.model.flow_id import FlowId
from mainstem.model.principal import Permission
from mainstem.sdk.task import Task
from mainstem.sdk.trigger import Trigger
from mainstem.services import access
from mainstem.services.archives import NamedSource
from mainstem.services.flows import FlowRevision, FlowService, InvalidFlow
from mainstem.services.source_search import (
    Hit,
    Replacement,
    Wanted,
    fragments,
    hits,
    pattern_of,
    replace,
    replacements,
)
from mainstem.store import flow_search
from mainstem.store import flows as rows
from mainstem.store.database import Database
from mainstem.store.filter_fields import Order
from mainstem.store.flow_search import FlowFilter

__all__ = ["FlowCatalog", "FlowFilter", "Order"]

_PART: Final = 200
_IN_MEMORY: Final = 5_000_000
_DISABLED: Final = re.compile(r"^disabled[ \t]*:.*$", re.MULTILINE)
_NAMESPACE: Final = re.compile(r"^namespace[ \t]*:[^\n]*$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class SourceHits:
    """A flow whose source holds what was looked for."""

    flow: FlowRevision
    hits: list[Hit]
    fragments: list[str]


@dataclass(frozen=True, slots=True)
class SourceChanges:
    """What replacing would change in one flow."""

    flow: FlowRevision
    changes: list[Replacement]


@dataclass(frozen=True, slots=True)
class Skipped:
    """A flow in which nothing was replaced, and why."""

    flow: FlowId
    reason: str
    message: str


class FlowCatalog:
    """Reads and changes of several flows."""

    def __init__(self, database: Database, flows: FlowService) -> None:
        self._database = database
        self._flows = flows

    # reading

    def search(
        self, wanted: FlowFilter, *, limit: int, offset: int = 0, orders: Sequence[Order] = ()
    ) -> tuple[list[FlowRevision], int]:
        """A part of the list, and the number of all."""
        with self._database.read() as tx:
            return flow_search.search(tx, wanted, limit=limit, offset=offset, orders=orders)

    def matching(self, wanted: FlowFilter) -> list[FlowId]:
        with self._database.read() as tx:
            return flow_search.ids(tx, wanted)

    def each(self, wanted: FlowFilter) -> Iterator[FlowRevision]:
        """All that match, read in parts."""
        offset = 0
        while True:
            part, _ = self.search(wanted, limit=_PART, offset=offset)
            yield from part
            offset += _PART
            if len(part) < _PART:
                return

    def search_source(
        self, wanted: Wanted, namespace: str | None, *, limit: int, offset: int
    ) -> tuple[list[SourceHits], int]:
        """Flows in whose source it is found."""
        pattern = pattern_of(wanted)
        found = [
            SourceHits(item, places, fragments(item.source, pattern, wanted.scope))
            for item in self._candidates(wanted, namespace)
            if (places := hits(item.source, pattern, wanted.scope))
        ]
        return found[offset : offset + limit], len(found)

    def _candidates(self, wanted: Wanted, namespace: str | None) -> Iterator[FlowRevision]:
        """The database drops what cannot match where the query is plain text."""
        for item in self.each(FlowFilter(namespace=namespace)):
            if wanted.regex or wanted.query.lower() in item.source.lower():
                yield item

    def preview_replace(
        self, wanted: Wanted, replacement: str, namespace: str | None
    ) -> list[SourceChanges]:
        """What replacing would change, by flow."""
        pattern = pattern_of(wanted)
        return [
            SourceChanges(item, changes)
            for item in self._candidates(wanted, namespace)
            if (changes := replacements(item.source, pattern, replacement, wanted.scope))
        ]

    def replace(
        self,
        wanted: Wanted,
        replacement: str,
        flow_ids: Sequence[FlowId],
        only_line: int | None = None,
    ) -> tuple[list[FlowRevision], list[Skipped]]:
        """Replace in each of the flows; those where it fails are named and left as they are."""
        pattern = pattern_of(wanted)
        updated: list[FlowRevision] = []
        skipped: list[Skipped] = []
        for flow_id in dict.fromkeys(flow_ids):
            try:
                head = self._flows.head(flow_id)
                text = replace(head.source, pattern, replacement, wanted.scope, only_line)
                if text == head.source:
                    reason = "NO_MATCH" if not hits(head.source, pattern) else "NO_CHANGE"
                    skipped.append(Skipped(flow_id, reason, "nothing to replace"))
                    continue
                updated.append(self._flows.save(text, expected=flow_id))
            except NotFound as error:
                skipped.append(Skipped(flow_id, "NOT_FOUND", error.message))
            except InvalidInput as error:
                skipped.append(Skipped(flow_id, "INVALID_FLOW", error.message))
            except Conflict as error:
                skipped.append(Skipped(flow_id, "READ_ONLY", error.message))
        return updated, skipped

    def revision_number(self, flow: FlowId) -> int | None:
        """The number of the current revision, if there is such a flow."""
        with self._database.read() as tx:
            head = rows.heads(tx, [flow]).get(flow)
        return head.revision if head and not head.deleted else None

    def task(self, flow: FlowId, task_id: str, revision: int | None = None) -> dict[str, Any]:
        """A task as plain data; raises NotFound."""
        found = self._flows.load(flow, self._flows.revision(flow, revision).revision).task(task_id)
        if found is None:
            raise NotFound(f"flow {flow} has no task {task_id}")
        return found.model_dump(mode="json", by_alias=True, exclude_unset=True)

    def moved(self, source: str, namespace: str) -> str:
        """The source with another namespace."""
        line = f"namespace: {namespace}"
        if not _NAMESPACE.search(source):
            return f"{line}\n{source}"
        return _NAMESPACE.sub(line, source, count=1)

    def check_task(self, source: str) -> CheckedProperties:
        """A task read by itself."""
        return check_properties(Task, source, self._flows.registry)

    def check_trigger(self, source: str) -> CheckedProperties:
        """A trigger read by itself."""
        return check_properties(Trigger, source, self._flows.registry)

    # archives

    def archive_of(self, flow_ids: Sequence[FlowId]) -> IO[bytes]:
        """A zip archive of these flows' sources; raises NotFound for one that is not there."""
        return _zipped(self._flows.head(flow_id) for flow_id in dict.fromkeys(flow_ids))

    def archive(self, wanted: FlowFilter) -> IO[bytes]:
        """A zip archive of the sources that match."""
        return _zipped(self.each(wanted))

    def import_each(self, sources: Sequence[NamedSource]) -> list[str]:
        """Save those that are valid; returns the names of the others."""
        wrong = []
        for item in sources:
            try:
                self._flows.save(item.source)
            except (InvalidInput, Conflict):
                wrong.append(item.name)
        return wrong

    # changing

    def set_disabled(self, flow_ids: Sequence[FlowId], disabled: bool) -> int:
        """Switch flows in their sources, all or none; returns how many were not so already."""
        heads = [self._flows.head(flow_id) for flow_id in dict.fromkeys(flow_ids)]
        changed = [head for head in heads if head.disabled != disabled]
        self._flows.save_all([self._switched(head, disabled) for head in changed])
        return len(changed)

    def _switched(self, head: FlowRevision, disabled: bool) -> str:
        """The source with `disabled` set, its comments kept wherever it can be."""
        source = switched(head.source, disabled)
        flow = self._flows.parse(source).flow
        if flow is not None and flow.disabled == disabled and flow.flow_id == head.flow:
            return source
        flow = self._flows.parse(head.source).flow
        if flow is None:
            raise InvalidFlow(self._flows.parse(head.source).problems)
        data = {**flow_data(flow), "disabled": disabled}
        for name in ("disabled", "deleted"):
            if not data.get(name):
                data.pop(name, None)
        return dump_data(data)

    def replace_namespace(
        self,
        namespace: str | None,
        sources: Sequence[str],
        *,
        delete: bool = False,
        below: bool = False,
    ) -> list[FlowRevision]:
        """Create and update flows, and delete the others of the namespace: all or nothing.

        Raises InvalidInput for a flow of another namespace; with `below` those beneath pass.
        """
        wanted: set[FlowId] = set()
        for source in sources:
            flow = self._flows.parse(source).flow
            if flow is None:
                raise InvalidFlow(self._flows.parse(source).problems)
            inside = flow.namespace == namespace or (
                below and flow.namespace.startswith(f"{namespace}.")
            )
            if namespace is not None and not inside:
                raise InvalidInput(f"flow `{flow.flow_id}` is not of namespace `{namespace}`")
            wanted.add(flow.flow_id)
        gone: list[FlowId] = []
        if delete and namespace is not None:
            held = [item.flow for item in self._flows.all(namespace)]
            gone = [f for f in held if f not in wanted and (below or f.namespace == namespace)]
        return self._flows.save_all(sources, deletes=gone)

    def delete_revisions(self, flow: FlowId, numbers: Sequence[int]) -> None:
        """Forget old revisions; raises Conflict for the current one or one that executions use."""
        access.require(Permission.FLOW_WRITE, flow.namespace)
        head = self._flows.head(flow)
        if head.revision in numbers:
            raise Conflict(f"revision {head.revision} of flow {flow} is the current one")
        with self._database.write() as tx:
            known = {item.revision for item in rows.revisions(tx, flow)}
            for number in numbers:
                if number not in known:
                    raise NotFound(f"flow {flow} has no revision {number}")
            if used := rows.used_revisions(tx, flow, numbers):
                raise Conflict(
                    f"revision {used[0]} of flow {flow} has executions: delete these first"
                )
            rows.remove_revisions(tx, flow, numbers)


def switched(source: str, disabled: bool) -> str:
    """A flow's source with its top-level `disabled` set."""
    line = f"disabled: {'true' if disabled else 'false'}"
    if _DISABLED.search(source):
        return _DISABLED.sub(line, source, count=1)
    return _NAMESPACE.sub(lambda match: f"{match.group()}\n{line}", source, count=1)


def _zipped(flows: Iterator[FlowRevision]) -> IO[bytes]:
    file: IO[bytes] = SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115 - the caller reads it
    try:
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            for item in flows:
                archive.writestr(f"{item.flow.namespace}.{item.flow.id}.yaml", item.source)
    except BaseException:
        file.close()
        raise
    file.seek(0)
    return file
