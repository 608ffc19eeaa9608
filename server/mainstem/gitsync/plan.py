"""Desired against stored: what a commit would change (pure)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from mainstem.model.flow_id import FlowId


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the commit says: flow sources by id, file digests by (namespace, path)."""

    flows: Mapping[FlowId, str]
    files: Mapping[tuple[str, str], str]


@dataclass(frozen=True, slots=True)
class Stored:
    """What is live: every flow's source, and which flows and files this source owns."""

    flows: Mapping[FlowId, str]
    files: Mapping[tuple[str, str], str]
    owned_flows: frozenset[FlowId] = frozenset()
    owned_files: frozenset[tuple[str, str]] = frozenset()


@dataclass(frozen=True, slots=True)
class SyncPlan:
    """Names by what happens to them; a dry run, the page and the apply step share it."""

    create_flows: Sequence[FlowId] = ()
    update_flows: Sequence[FlowId] = ()
    delete_flows: Sequence[FlowId] = ()
    keep_flows: Sequence[FlowId] = ()
    put_files: Sequence[tuple[str, str]] = ()
    delete_files: Sequence[tuple[str, str]] = ()
    keep_files: Sequence[tuple[str, str]] = ()
    warnings: Sequence[str] = field(default=())

    @property
    def is_empty(self) -> bool:
        """Whether nothing would change."""
        return not (
            self.create_flows
            or self.update_flows
            or self.delete_flows
            or self.put_files
            or self.delete_files
        )

    def changes(self) -> dict[str, list[str]]:
        """Names for reports, by verb."""
        return {
            "create": [str(flow) for flow in self.create_flows],
            "update": [str(flow) for flow in self.update_flows],
            "delete": [str(flow) for flow in self.delete_flows],
            "put_files": [f"{ns}:{path}" for ns, path in self.put_files],
            "delete_files": [f"{ns}:{path}" for ns, path in self.delete_files],
        }


def make_plan(wanted: Wanted, stored: Stored, *, delete: bool) -> SyncPlan:
    """With `delete` False, or when the commit holds nothing at all, nothing is removed."""
    emptied = not wanted.flows and not wanted.files
    remove = delete and not emptied
    warnings = []
    if emptied and (stored.owned_flows or stored.owned_files):
        warnings.append("the commit holds no flows and no files: nothing was removed")
    return SyncPlan(
        create_flows=_sorted(f for f in wanted.flows if f not in stored.flows),
        update_flows=_sorted(
            f for f, text in wanted.flows.items() if f in stored.flows and stored.flows[f] != text
        ),
        delete_flows=_sorted(stored.owned_flows - wanted.flows.keys()) if remove else (),
        keep_flows=_sorted(f for f, text in wanted.flows.items() if stored.flows.get(f) == text),
        put_files=sorted(k for k, digest in wanted.files.items() if stored.files.get(k) != digest),
        delete_files=sorted(stored.owned_files - wanted.files.keys()) if remove else (),
        keep_files=sorted(k for k, digest in wanted.files.items() if stored.files.get(k) == digest),
        warnings=tuple(warnings),
    )


def _sorted(flows: Iterable[FlowId]) -> list[FlowId]:
    return sorted(flows)
