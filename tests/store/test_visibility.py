"""Whatever is asked, a caller with roles on some namespaces sees rows of those only."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from mainstem.errors import NotFound
from mainstem.model.caller import acting_as
from mainstem.model.flow_id import FlowId
from mainstem.model.principal import SYSTEM, Grant, Principal, PrincipalKind, Role
from mainstem.store import executions, flows, logs, views
from mainstem.store.database import Database
from mainstem.store.filters import ExecutionFilter
from mainstem.store.logs import LogFilter
from mainstem.store.schema import metadata
from mainstem.store.tables import execution_labels, task_runs
from mainstem.store.tables import executions as execution_table
from mainstem.store.visibility import BY_EXECUTION, BY_NAMESPACE
from tests.store import builders

MINE, THEIRS = "team.mine", "team_mine"
#: Tables about the server, about users, and of loops, which no list of a user shows.
SERVER_WIDE = {
    "grants", "tokens", "audit", "seeds", "sync_entries", "events", "jobs", "file_changes",
}  # fmt: skip


def somebody(*places: str) -> Principal:
    grants = tuple(Grant(Role.VIEWER, place) for place in places)
    return Principal("u", "ada", PrincipalKind.USER, grants)


def test_every_table_with_a_namespace_or_an_execution_is_limited_or_named_here() -> None:
    known = {*BY_NAMESPACE, *BY_EXECUTION, *SERVER_WIDE}
    for table in metadata.sorted_tables:
        if {"namespace", "execution_id"} & set(table.c.keys()):
            assert table.name in known, f"{table.name}: who may see its rows?"
    for name, column in BY_NAMESPACE.items():
        assert column in metadata.tables[name].c


@pytest.fixture
def filled(database: Database) -> Database:
    with database.write() as tx:
        for place in (MINE, THEIRS):
            flow = FlowId(place, "f")
            flows.add_revisions(tx, [builders.revision(flow=flow)])
            found = builders.execution(f"e-{place}", flow=flow)
            executions.add(tx, [executions.Versioned(found, 1)])
    return database


def test_a_namespace_in_other_letters_is_another_one(database: Database) -> None:
    flow = FlowId("TEAM.theirs", "f")
    with database.write() as tx:
        executions.add(tx, [executions.Versioned(builders.execution("e", flow=flow), 1)])
    with acting_as(somebody("team")), database.read() as tx:
        assert views.page(tx, ExecutionFilter(), limit=10).executions == []
        assert views.count(tx, ExecutionFilter()) == 0


def test_lists_counts_and_items_hold_what_is_mine(filled: Database) -> None:
    everything = ExecutionFilter()
    for who, seen in (
        (SYSTEM, {MINE, THEIRS}),
        (somebody("team.mine"), {MINE}),
        (somebody("team"), {MINE}),
        (somebody(""), {MINE, THEIRS}),
        (somebody("team.mine", "team_mine"), {MINE, THEIRS}),
        (somebody("mine"), set()),
        (somebody(), set()),
    ):
        with acting_as(who), filled.read() as tx:
            page = views.page(tx, everything, limit=10)
            assert {e.flow.namespace for e in page.executions} == seen
            assert views.count(tx, everything) == len(seen)
            assert sum(views.count_by_state(tx, everything).values()) == len(seen)
            assert {f.namespace for f in views.count_by_flow(tx, everything)} == seen
            assert set(flows.namespaces(tx)) == seen
            assert {f.flow.namespace for f in flows.all_latest(tx)} == seen
            both = [FlowId(MINE, "f"), FlowId(THEIRS, "f")]
            assert {f.namespace for f in views.latest_of_flows(tx, both, each=2)} == seen
            slots = views.slots(
                tx, everything, start=builders.NOON, length=timedelta(days=1), number=1
            )
            assert sum(slots[0].counts.values()) == len(seen)
            assert logs.lines(tx, LogFilter(), limit=10) == []
            for place in (MINE, THEIRS):
                if place in seen:
                    assert executions.get(tx, f"e-{place}").execution.id == f"e-{place}"
                    assert flows.latest(tx, FlowId(place, "f"))
                    continue
                for look in (
                    lambda: executions.get(tx, f"e-{place}"),  # noqa: B023
                    lambda: flows.latest(tx, FlowId(place, "f")),  # noqa: B023
                    lambda: flows.revision(tx, FlowId(place, "f"), 1),  # noqa: B023
                ):
                    with pytest.raises(NotFound):
                        look()


def test_joins_subqueries_and_labels_are_limited_too(filled: Database) -> None:
    with filled.write() as tx:
        rows = [{"execution_id": f"e-{p}", "key": "k", "value": p} for p in (MINE, THEIRS)]
        tx.execute(execution_labels.insert(), rows)
    e, k = execution_table, execution_labels
    joined = select(e.c.id, k.c.value).select_from(e.outerjoin(k, k.c.execution_id == e.c.id))
    nested = select(func.count()).select_from(select(e.c.namespace).distinct().subquery())
    inside = select(k.c.value).where(k.c.execution_id.in_(select(e.c.id)))
    with acting_as(somebody(MINE)), filled.read() as tx:
        assert tx.execute(joined).all() == [(f"e-{MINE}", MINE)]
        assert tx.execute(nested).scalar_one() == 1
        assert tx.execute(inside).scalars().all() == [MINE]
        assert tx.execute(select(k.c.value)).scalars().all() == [MINE]
        assert tx.execute(select(task_runs)).all() == []
        wanted = ExecutionFilter(labels={"k": MINE})
        assert len(views.page(tx, wanted, limit=5).executions) == 1
        wanted = ExecutionFilter(labels={"k": THEIRS})
        assert views.page(tx, wanted, limit=5).executions == []


def test_a_namespace_with_signs_of_patterns_takes_in_no_other(filled: Database) -> None:
    with acting_as(somebody("team_")), filled.read() as tx:
        assert flows.all_latest(tx) == []
