"""Storing a flow twice, as a line about imports wants it."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection

from mainstem.bus.inprocess import Bus
from mainstem.clock import FrozenClock
from mainstem.sdk.registry import Registry
from mainstem.services.flows import FlowChange, FlowService
from mainstem.store.database import open_database
from mainstem.store.migrate import upgrade


class _DryRun(Exception):
    """Rolls the transaction back."""


def run_import(line: dict[str, Any], source: str, registry: Registry) -> str | None:
    """Import, import a changed source, try another change without keeping it."""
    database = open_database("sqlite://")
    with database.write() as tx:
        upgrade(tx)
    flows = FlowService(database, registry, FrozenClock(datetime(2024, 1, 1, tzinfo=UTC)), Bus())
    first = flows.save(source)
    second = flows.save(f"{source}\n# changed")
    wanted = line["revisions"]
    if [first.revision, second.revision] != list(wanted.values())[:2]:
        return f"revisions should be {wanted}, not {first.revision} and {second.revision}"
    return _dry_run(flows, database, f"{source}\n# changed again", second.revision)


def _dry_run(flows: FlowService, database: Any, source: str, stored: int) -> str | None:
    parsed = flows.parse(source)
    planned = 0
    try:
        with database.write() as tx:
            planned = _apply(flows, tx, parsed)
            raise _DryRun
    except _DryRun:
        pass
    if parsed.flow is None or planned != stored + 1:
        return f"a dry run should plan revision {stored + 1}, not {planned}"
    kept = flows.head(parsed.flow.flow_id).revision
    return None if kept == stored else f"a dry run stored revision {kept}"


def _apply(flows: FlowService, tx: Connection, parsed: Any) -> int:
    (saved,) = flows.apply(tx, [FlowChange(parsed)], [])
    return saved.revision
