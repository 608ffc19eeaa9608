"""INSERT, UPDATE, DELETE and TRUNCATE."""

# writing SQL is what this package does; names are quoted by types.quote

from collections.abc import Sequence

from mainstem.localgcp.bigquery.sql import statements as st
from mainstem.localgcp.bigquery.sql import tree
from mainstem.localgcp.bigquery.sql.analyze_query import Analyzer
from mainstem.localgcp.bigquery.sql.outcome import DmlStats
from mainstem.localgcp.bigquery.sql.problems import SqlProblem
from mainstem.localgcp.bigquery.sql.session import Effect, Session, spread
from mainstem.localgcp.bigquery.sql.targets import Target, assigned, default_of, find_target
from mainstem.localgcp.bigquery.sql.tree import Name, Path
from mainstem.localgcp.bigquery.sql.types import Field, member_name, quote
from mainstem.localgcp.bigquery.sql.values import (
    Column,
    Range,
    Relation,
    Scope,
    Value,
    member_at,
    member_of,
)

TOO_MANY_SOURCES = "UPDATE/MERGE must match at most one source row for each target row"


def insert(session: Session, node: st.Insert) -> Effect:
    analyzer = session.analyzer()
    target = find_target(node.target, analyzer.context, "INSERT")
    fields = insert_fields(target, node.columns, node.target.at)
    rows = _insert_query(analyzer, node, fields) if node.query else _rows(analyzer, node, fields)
    columns = ", ".join(quote(field.name) for field in fields)
    price = session.price(analyzer)
    count = 0
    if not session.is_dry_run:
        session.prepare(analyzer)
        count = session.changed(f"INSERT INTO {target.relation} ({columns}) {rows}")
        touch(session, target)
    return effect("INSERT", session, analyzer, target, DmlStats(inserted=count), price)


def insert_fields(target: Target, names: Sequence[Name] | None, at: int) -> list[Field]:
    """The columns an INSERT fills, all or the named ones; required ones must be among them."""
    if names is None:
        return list(target.fields)
    fields = [target.field(name) for name in names]
    seen: set[str] = set()
    for name, field in zip(names, fields, strict=True):
        if field.name in seen:
            raise SqlProblem(f"Duplicate column name {name.text} in INSERT column list", name.at)
        seen.add(field.name)
    for field in target.fields:
        if field.is_required and field.default_sql is None and field.name not in seen:
            raise SqlProblem(f"Required column {field.name} is missing in the INSERT list", at)
    return fields


def _insert_query(analyzer: Analyzer, node: st.Insert, fields: Sequence[Field]) -> str:
    assert node.query is not None
    relation = analyzer.query(node.query, None)
    return query_into(relation, fields, node.query.at)


def query_into(relation: Relation, fields: Sequence[Field], at: int) -> str:
    """A query whose columns are coerced to the fields they go into, by position."""
    if relation.is_value and relation.outputs[0].type.is_struct:
        relation = spread(relation)
    if len(relation.outputs) != len(fields):
        raise SqlProblem(
            f"Inserted row has wrong column count; Has {len(relation.outputs)}, expected "
            f"{len(fields)}",
            at,
        )
    columns: list[str] = []
    for index, (column, field) in enumerate(zip(relation.columns("q"), fields, strict=True), 1):
        try:
            columns.append(assigned(column.value, field, at, "INSERT"))
        except SqlProblem as problem:
            text = problem.message.replace("Query column", f"Query column {index}", 1)
            raise SqlProblem(text, at) from None
    return f"SELECT {', '.join(columns)} FROM ({relation.sql}) AS q"


def _rows(analyzer: Analyzer, node: st.Insert, fields: Sequence[Field]) -> str:
    rows: list[str] = []
    for row in node.rows:
        if len(row) != len(fields):
            at = row[0].at
            raise SqlProblem(
                f"Inserted row has wrong column count; Has {len(row)}, expected {len(fields)}", at
            )
        cells = [
            "DEFAULT" if isinstance(cell, st.Default) else _cell(analyzer, cell, field)
            for cell, field in zip(row, fields, strict=True)
        ]
        rows.append(f"({', '.join(cells)})")
    return f"VALUES {', '.join(rows)}"


def _cell(analyzer: Analyzer, node: tree.Expr, field: Field) -> str:
    value = analyzer.expression(node, Scope(allows_aggregates="VALUES clause"))
    if not value.is_null and value.type != field.value_type():
        value = _untyped(value, field)
    try:
        return assigned(value, field, node.at, "INSERT")
    except SqlProblem:
        raise SqlProblem(
            f"Value has type {value.type} which cannot be inserted into column {field.name}, "
            f"which has type {field.value_type()}",
            node.at,
        ) from None


def _untyped(value: Value, field: Field) -> Value:
    """`[]` has no type of its own."""
    empty = value.type.is_array and value.sql.startswith("CAST([] AS ") and field.is_repeated
    return (
        Value(f"CAST([] AS {field.value_type().duckdb()})", field.value_type()) if empty else value
    )


def update(session: Session, node: st.Update) -> Effect:
    analyzer = session.analyzer()
    target = find_target(node.target, analyzer.context, "UPDATE")
    if target.scan is not None:
        analyzer.context.scans.append(target.scan)
    own = target.range(node.alias, "_t")
    scope = Scope(ranges=[own], columns=list(own.columns))
    source = ""
    if node.source is not None:
        found = analyzer.sources(node.source, Scope())
        scope.ranges += found.ranges
        scope.columns += found.columns
        source = found.sql
    scope.allows_aggregates = "UPDATE"
    where = analyzer.boolean(node.where, scope, "WHERE clause")
    analyzer.mark_filters(node.where, scope)
    changes = assignments(analyzer, target, own, node.assignments, scope)
    price = session.price(analyzer)
    count = 0
    if not session.is_dry_run:
        session.prepare(analyzer)
        count = _run_update(session, target, changes, source, where)
        touch(session, target)
    return effect("UPDATE", session, analyzer, target, DmlStats(updated=count), price)


def _run_update(
    session: Session, target: Target, changes: dict[str, str], source: str, where: str
) -> int:
    if not source:
        sets = ", ".join(f"{quote(name)} = {sql}" for name, sql in changes.items())
        return session.changed(f"UPDATE {target.relation} AS _t SET {sets} WHERE {where}")
    staged = session.unique("_update")
    values = ", ".join(f"{sql} AS _v{i}" for i, sql in enumerate(changes.values()))
    session.execute(
        f"CREATE OR REPLACE TEMP TABLE {staged} AS SELECT _t.rowid AS _row, {values} "
        f"FROM {target.relation} AS _t CROSS JOIN {source} WHERE {where}"
    )
    refuse_repeats(session, staged, "TRUE")
    sets = ", ".join(f"{quote(name)} = s._v{i}" for i, name in enumerate(changes))
    count = session.changed(
        f"UPDATE {target.relation} AS _t SET {sets} FROM {staged} AS s WHERE _t.rowid = s._row"
    )
    session.execute(f"DROP TABLE {staged}")
    return count


def refuse_repeats(session: Session, staged: str, condition: str) -> None:
    """Fail when one target row would be changed by two source rows."""
    row = session.execute(
        f"SELECT count(*) <> count(DISTINCT _row) FROM {staged} WHERE {condition}"
    ).fetchone()
    if row[0]:
        raise SqlProblem(TOO_MANY_SOURCES, None)


def assignments(
    analyzer: Analyzer, target: Target, own: Range, given: Sequence[st.Assignment], scope: Scope
) -> dict[str, str]:
    """The new value of each assigned column; members of one struct are changed together."""
    out: dict[str, str] = {}
    for path, value in given:
        names = _without_alias(path, own)
        field = target.field(names[0])
        if len(names) == 1:
            if field.name in out:
                raise SqlProblem(f"Update item {field.name} assigned more than once", path.at)
            out[field.name] = _new_value(analyzer, value, field, scope)
            continue
        current = Value(
            out.get(field.name) or _column(own, field.name).value.sql, field.value_type()
        )
        out[field.name] = _with_member(analyzer, current, names[1:], value, scope)
    return out


def _without_alias(path: Path, own: Range) -> tuple[Name, ...]:
    first = path.names[0].text.casefold()
    known = {(column.name or "").casefold() for column in own.columns}
    is_alias = own.name is not None and first == own.name.casefold()
    return path.names[1:] if is_alias and len(path.names) > 1 and first not in known else path.names


def _column(own: Range, name: str) -> Column:
    return next(column for column in own.columns if column.name == name)


def _new_value(analyzer: Analyzer, node: tree.Expr | st.Default, field: Field, scope: Scope) -> str:
    if isinstance(node, st.Default):
        return default_of(field)
    value = _untyped(analyzer.expression(node, scope), field)
    return assigned(value, field, node.at, "UPDATE")


def _with_member(
    analyzer: Analyzer,
    struct: Value,
    names: Sequence[Name],
    node: tree.Expr | st.Default,
    scope: Scope,
) -> str:
    """A struct with one member replaced, however deep."""
    wanted = member_of(struct, names[0].text)
    if wanted is None:
        raise SqlProblem(f"Field name {names[0].text} does not exist in {struct.type}", names[0].at)
    members: list[str] = []
    for index, (name, _) in enumerate(struct.type.fields):
        sql = member_at(struct, index).sql
        if name.casefold() == names[0].text.casefold():
            sql = _member_value(analyzer, wanted, names, node, scope)
        members.append(f"{quote(member_name(struct.type, index))} := {sql}")
    return f"struct_pack({', '.join(members)})"


def _member_value(
    analyzer: Analyzer,
    member: Value,
    names: Sequence[Name],
    node: tree.Expr | st.Default,
    scope: Scope,
) -> str:
    if len(names) > 1:
        return _with_member(analyzer, member, names[1:], node, scope)
    if isinstance(node, st.Default):
        return f"CAST(NULL AS {member.type.duckdb()})"
    value = analyzer.expression(node, scope)
    return assigned(value, _as_field(names[0].text, member), node.at, "UPDATE")


def _as_field(name: str, member: Value) -> Field:
    kind = member.type
    mode = "REPEATED" if kind.is_array else "NULLABLE"
    element = kind.of() if kind.is_array else kind
    fields = tuple(_as_field(key, Value("", inner)) for key, inner in element.fields)
    return Field(name, element.kind, mode, fields)


def delete(session: Session, node: st.Delete) -> Effect:
    analyzer = session.analyzer()
    target = find_target(node.target, analyzer.context, "DELETE")
    if target.scan is not None:
        analyzer.context.scans.append(target.scan)
    own = target.range(node.alias, "_t")
    scope = Scope(ranges=[own], columns=list(own.columns), allows_aggregates="WHERE clause")
    where = analyzer.boolean(node.where, scope, "WHERE clause")
    analyzer.mark_filters(node.where, scope)
    price = session.price(analyzer)
    count = 0
    if not session.is_dry_run:
        session.prepare(analyzer)
        count = session.changed(f"DELETE FROM {target.relation} AS _t WHERE {where}")
        touch(session, target)
    return effect("DELETE", session, analyzer, target, DmlStats(deleted=count), price)


def truncate(session: Session, node: st.Truncate) -> Effect:
    analyzer = session.analyzer()
    target = find_target(node.target, analyzer.context, "TRUNCATE TABLE")
    count = 0
    if not session.is_dry_run:
        count = session.changed(f"DELETE FROM {target.relation}")
        touch(session, target)
    return effect("TRUNCATE_TABLE", session, analyzer, target, DmlStats(deleted=count), 0)


def touch(session: Session, target: Target) -> None:
    if target.ref is not None:
        session.host.touch(target.ref)


def effect(
    kind: str, session: Session, analyzer: Analyzer, target: Target, stats: DmlStats, price: int
) -> Effect:
    return Effect(
        kind,
        target_table=target.ref,
        dml=stats,
        referenced=session.referenced(analyzer),
        bytes_processed=price,
    )
