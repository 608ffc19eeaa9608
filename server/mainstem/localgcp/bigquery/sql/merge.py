"""MERGE: one join decides what happens to every row, then each clause is carried out."""

# writing SQL is what this package does; names are quoted by types.quote

from collections.abc import Sequence
from dataclasses import dataclass, field

from mainstem.localgcp.bigquery.sql import statements as st
from mainstem.localgcp.bigquery.sql import tree
from mainstem.localgcp.bigquery.sql.analyze_from import Sources
from mainstem.localgcp.bigquery.sql.analyze_query import Analyzer
from mainstem.localgcp.bigquery.sql.dml import (
    assignments,
    effect,
    insert_fields,
    refuse_repeats,
    touch,
)
from mainstem.localgcp.bigquery.sql.outcome import DmlStats
from mainstem.localgcp.bigquery.sql.problems import SqlProblem
from mainstem.localgcp.bigquery.sql.session import Effect, Session
from mainstem.localgcp.bigquery.sql.targets import Target, assigned, default_of, find_target
from mainstem.localgcp.bigquery.sql.types import quote
from mainstem.localgcp.bigquery.sql.values import Range, Scope


@dataclass(frozen=True, slots=True)
class Step:
    """One WHEN clause, translated: what it writes into which columns."""

    clause: st.MergeClause
    index: int
    condition: str
    columns: tuple[str, ...] = ()
    values: tuple[str, ...] = ()


@dataclass(slots=True)
class Plan:
    """A MERGE while it is being translated."""

    analyzer: Analyzer
    target: Target
    own: Range
    source: Sources
    both: Scope
    steps: list[Step] = field(default_factory=list)


def merge(session: Session, node: st.Merge) -> Effect:
    analyzer = session.analyzer()
    target = find_target(node.target, analyzer.context, "MERGE")
    if target.scan is not None:
        analyzer.context.scans.append(target.scan)
    own = target.range(node.alias, "_t")
    source = analyzer.sources(node.source, Scope())
    both = Scope(
        ranges=[own, *source.ranges],
        columns=[*own.columns, *source.columns],
        allows_aggregates="MERGE",
    )
    plan = Plan(analyzer, target, own, source, both)
    condition = analyzer.boolean(node.condition, both, "MERGE ON clause")
    analyzer.mark_filters(node.condition, both)
    plan.steps = [_step(plan, clause, index) for index, clause in enumerate(node.clauses)]
    price = session.price(analyzer)
    stats = DmlStats()
    if not session.is_dry_run:
        session.prepare(analyzer)
        stats = _run(session, plan, condition)
        touch(session, target)
    return effect("MERGE", session, analyzer, target, stats, price)


def _step(plan: Plan, clause: st.MergeClause, index: int) -> Step:
    scope = _scope(plan, clause.kind)
    condition = "TRUE"
    if clause.condition is not None:
        condition = plan.analyzer.boolean(clause.condition, scope, "MERGE WHEN clause")
        plan.analyzer.mark_filters(clause.condition, scope)
    if clause.action == "DELETE":
        return Step(clause, index, condition)
    if clause.action == "UPDATE":
        changes = assignments(plan.analyzer, plan.target, plan.own, clause.assignments, scope)
        return Step(clause, index, condition, tuple(changes), tuple(changes.values()))
    columns, values = _inserted(plan, clause, scope)
    return Step(clause, index, condition, columns, values)


def _scope(plan: Plan, kind: str) -> Scope:
    """The names a clause may use: both sides, or the one that has a row."""
    if kind == "MATCHED":
        return plan.both
    ranges = [plan.own] if kind == "SOURCE" else list(plan.source.ranges)
    columns = plan.own.columns if kind == "SOURCE" else plan.source.columns
    return Scope(ranges=ranges, columns=list(columns), allows_aggregates="MERGE")


def _inserted(
    plan: Plan, clause: st.MergeClause, scope: Scope
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    fields = insert_fields(plan.target, clause.columns, clause.at)
    written: Sequence[tree.Expr | st.Default]
    if clause.values is None:
        visible = [column for column in plan.source.columns if not column.is_hidden]
        for column in visible:
            if column.value.origin is not None:
                column.value.origin.scan.columns.add(column.value.origin.column)
        given = [column.value for column in visible]
        _check_count(len(given), len(fields), clause.at)
        values = [assigned(v, f, clause.at, "INSERT") for v, f in zip(given, fields, strict=True)]
        return tuple(f.name for f in fields), tuple(values)
    written = clause.values
    _check_count(len(written), len(fields), clause.at)
    values = [
        default_of(each)
        if isinstance(cell, st.Default)
        else assigned(plan.analyzer.expression(cell, scope), each, cell.at, "INSERT")
        for cell, each in zip(written, fields, strict=True)
    ]
    return tuple(f.name for f in fields), tuple(values)


def _check_count(has: int, expected: int, at: int) -> None:
    if has != expected:
        raise SqlProblem(f"Inserted row has wrong column count; Has {has}, expected {expected}", at)


# ---- carrying it out ----------------------------------------------------------------------


def _run(session: Session, plan: Plan, condition: str) -> DmlStats:
    staged = session.unique("_merge")
    session.execute(f"CREATE OR REPLACE TEMP TABLE {staged} AS {_decision_sql(plan, condition)}")
    refuse_repeats(session, staged, "_row IS NOT NULL AND _step IS NOT NULL")
    counts = {"DELETE": 0, "UPDATE": 0, "INSERT": 0}
    # Deletes come first and inserts last: an update may give a row a new row id.
    for action in counts:
        for step in plan.steps:
            if step.clause.action == action:
                counts[action] += session.changed(_statement(plan, step, staged))
    session.execute(f"DROP TABLE {staged}")
    return DmlStats(counts["INSERT"], counts["UPDATE"], counts["DELETE"])


def _decision_sql(plan: Plan, condition: str) -> str:
    """The rows of both sides, which step each of them takes, and what that step writes."""
    inner, key = plan.source.sql.rsplit(" AS ", 1)
    source = f"(SELECT *, TRUE AS _present FROM {inner} AS {key}) AS {key}"
    has_target, has_source = "_t.rowid IS NOT NULL", f"{key}._present IS NOT NULL"
    tests = {
        "MATCHED": f"{has_target} AND {has_source}",
        "TARGET": f"_t.rowid IS NULL AND {has_source}",
        "SOURCE": f"{has_target} AND {key}._present IS NULL",
    }
    whens = " ".join(
        f"WHEN {tests[step.clause.kind]} AND ({step.condition}) THEN {step.index}"
        for step in plan.steps
    )
    values = "".join(
        f", CASE WHEN {tests[step.clause.kind]} THEN {sql} END AS {_cell(step, at)}"
        for step in plan.steps
        for at, sql in enumerate(step.values)
    )
    return (
        f"SELECT * FROM (SELECT _t.rowid AS _row, CASE {whens} END AS _step{values} "
        f"FROM {plan.target.relation} AS _t FULL JOIN {source} ON {condition}) "
        "WHERE _step IS NOT NULL"
    )


def _cell(step: Step, at: int) -> str:
    return f"_s{step.index}_{at}"


def _statement(plan: Plan, step: Step, staged: str) -> str:
    relation = plan.target.relation
    if step.clause.action == "DELETE":
        return (
            f"DELETE FROM {relation} WHERE rowid IN "
            f"(SELECT _row FROM {staged} WHERE _step = {step.index})"
        )
    cells = [_cell(step, at) for at in range(len(step.values))]
    if step.clause.action == "UPDATE":
        sets = ", ".join(
            f"{quote(name)} = s.{cell}" for name, cell in zip(step.columns, cells, strict=True)
        )
        return (
            f"UPDATE {relation} AS _t SET {sets} FROM {staged} AS s "
            f"WHERE _t.rowid = s._row AND s._step = {step.index}"
        )
    names = ", ".join(quote(name) for name in step.columns)
    return (
        f"INSERT INTO {relation} ({names}) SELECT {', '.join(cells)} FROM {staged} "
        f"WHERE _step = {step.index}"
    )
