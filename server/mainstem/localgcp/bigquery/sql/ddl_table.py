"""CREATE TABLE in all its forms: columns, CTAS, LIKE, COPY, CLONE, SNAPSHOT, TEMP."""

# writing SQL is what this package does; names are quoted by types.quote

import hashlib
import json
from collections.abc import Sequence
from dataclasses import replace

from mainstem.localgcp.bigquery.errors import duplicate
from mainstem.localgcp.bigquery.model import DatasetRef, Kind, Table, TableRef
from mainstem.localgcp.bigquery.sql import statements as st
from mainstem.localgcp.bigquery.sql.columns import column_fields
from mainstem.localgcp.bigquery.sql.context import TemporaryTable
from mainstem.localgcp.bigquery.sql.defaults import duckdb_defaults
from mainstem.localgcp.bigquery.sql.dml import query_into
from mainstem.localgcp.bigquery.sql.options import TABLE_OPTIONS, with_options
from mainstem.localgcp.bigquery.sql.partitioning import read_partitioning
from mainstem.localgcp.bigquery.sql.physical import relation_sql
from mainstem.localgcp.bigquery.sql.problems import SqlProblem, refused
from mainstem.localgcp.bigquery.sql.session import Effect, Session, spread
from mainstem.localgcp.bigquery.sql.tables import find_table, missing, table_ref
from mainstem.localgcp.bigquery.sql.tree import Expr, Name, Path
from mainstem.localgcp.bigquery.sql.types import TIMESTAMP, Field, field_of, quote
from mainstem.localgcp.bigquery.sql.values import Relation

CREATE, SKIP, REPLACE = "CREATE", "SKIP", "REPLACE"


def blank_table(session: Session, ref: TableRef, kind: Kind, schema: tuple[Field, ...]) -> Table:
    """A table about to be created, in its dataset's location; the dataset must exist."""
    dataset = session.host.dataset(DatasetRef(ref.project, ref.dataset))
    if dataset is None:
        context = session.analyzer().context
        raise missing(ref, context, None)
    now = session.host.now()
    return Table(ref, kind, dataset.location, schema, now, now, "")


def operation(session: Session, ref: TableRef, head: st.Creation, kind: Kind, word: str) -> str:
    """CREATE, SKIP or REPLACE; what is in the way is an error."""
    existing = session.host.table(ref)
    if existing is None:
        return CREATE
    if head.if_not_exists:
        return SKIP
    if not head.replaces:
        raise duplicate(f"Already Exists: Table {ref}")
    if existing.kind is not kind:
        raise SqlProblem(
            f"{ref} is not allowed for this operation because it is currently a "
            f"{existing.kind}; it cannot be replaced by a {word}",
            head.path.at,
        )
    return REPLACE


def create_table(session: Session, node: st.CreateTable) -> Effect:
    if node.is_temporary:
        return _temporary(session, node)
    analyzer = session.analyzer()
    ref = table_ref(node.head.path, analyzer.context)
    kind = Kind.SNAPSHOT if node.is_snapshot else Kind.TABLE
    done = operation(session, ref, node.head, kind, node.word)
    relation = None if node.query is None else analyzer.query(node.query, None)
    if relation is not None and relation.is_value and relation.outputs[0].type.is_struct:
        relation = spread(relation)
    price = session.price(analyzer)
    effect = Effect(
        statement_type(node),
        ddl_operation=done,
        target_table=ref,
        referenced=session.referenced(analyzer),
        bytes_processed=price,
    )
    if done == SKIP or session.is_dry_run:
        return effect
    session.prepare(analyzer)
    table = _definition(session, node, blank_table(session, ref, kind, ()), relation)
    _carry_out(session, node, table, relation, is_replaced=done == REPLACE)
    return effect


def statement_type(node: st.CreateTable) -> str:
    if node.is_snapshot:
        return "CREATE_SNAPSHOT_TABLE"
    return "CREATE_TABLE_AS_SELECT" if node.query is not None else "CREATE_TABLE"


def _definition(
    session: Session, node: st.CreateTable, table: Table, relation: Relation | None
) -> Table:
    """What the statement says of the new table."""
    base = _base(session, node)
    if base is not None:
        table = _like(session, node, table, base)
    else:
        table = replace(table, schema=_schema(session, node, relation))
    layout = read_partitioning(node.partition, table.schema)
    if node.partition is not None:
        table = replace(table, time_partitioning=layout.time, range_partitioning=layout.range)
    if node.cluster:
        table = replace(table, clustering=_clustering(node.cluster, table.schema))
    if node.primary_key:
        table = replace(table, primary_key=node.primary_key)
    if node.foreign_keys:
        text = foreign_keys_json(session, node.foreign_keys)
        table = replace(table, foreign_keys=text)
    return with_options(session, table, node.options, TABLE_OPTIONS)


def foreign_keys_json(session: Session, keys: Sequence[st.ForeignKey]) -> str:
    """Foreign keys as the REST API's `tableConstraints.foreignKeys`."""
    context = session.analyzer().context
    out: list[dict[str, object]] = []
    for key in keys:
        ref = table_ref(key.table, context)
        find_table(ref, context, key.table.at)
        if len(key.columns) != len(key.referenced):
            raise SqlProblem("FOREIGN KEY must reference as many columns as it has", key.table.at)
        pairs = zip(key.columns, key.referenced, strict=True)
        out.append(
            {
                "name": key.name or f"fk${len(out) + 1}",
                "referencedTable": {
                    "projectId": ref.project,
                    "datasetId": ref.dataset,
                    "tableId": ref.table,
                },
                "columnReferences": [
                    {"referencingColumn": own, "referencedColumn": other} for own, other in pairs
                ],
            }
        )
    return json.dumps(out)


def _base(session: Session, node: st.CreateTable) -> Table | None:
    path = node.like or node.copied
    if path is None:
        return None
    context = session.analyzer().context
    base = find_table(table_ref(path, context), context, path.at)
    if not base.is_native:
        raise SqlProblem(f"{base.ref} is a {base.kind}, not a table that can be copied", path.at)
    return base


def _like(session: Session, node: st.CreateTable, table: Table, base: Table) -> Table:
    if node.copied_at is not None:
        _check_moment(session, node.copied_at, base)
    return replace(
        base,
        ref=table.ref,
        kind=table.kind,
        location=table.location,
        created=table.created,
        modified=table.modified,
        etag="",
        expires=None,
        snapshot_of=base.ref if node.is_snapshot else None,
        snapshot_time=table.created if node.is_snapshot else None,
    )


def _check_moment(session: Session, node: Expr, base: Table) -> None:
    """Old versions are not kept: only a time since the last change can be copied."""
    value = session.value(node, TIMESTAMP)
    row = session.execute(
        f"SELECT {value.sql} >= CAST('{base.modified.isoformat()}' AS TIMESTAMPTZ)"
    ).fetchone()
    if not row[0]:
        raise refused("FOR SYSTEM_TIME AS OF a time before the last change", node.at)


def _schema(session: Session, node: st.CreateTable, relation: Relation | None) -> tuple[Field, ...]:
    found = () if relation is None else _query_fields(relation, node.head.path)
    if node.columns is None:
        if relation is None:
            raise SqlProblem("CREATE TABLE needs a column list or a query", node.head.path.at)
        return found
    columns = node.columns
    if relation is not None and len(columns) != len(found):
        raise SqlProblem(
            f"Number of columns in the column definition list ({len(columns)}) does not match "
            f"the query ({len(found)})",
            node.head.path.at,
        )
    return column_fields(session, columns, found)


def _query_fields(relation: Relation, path: Path) -> tuple[Field, ...]:
    fields: list[Field] = []
    seen: set[str] = set()
    for index, output in enumerate(relation.outputs, 1):
        if output.name is None:
            raise SqlProblem(
                f"CREATE TABLE columns must be named, but column {index} has no name", path.at
            )
        if output.name.casefold() in seen:
            raise SqlProblem(f"CREATE TABLE has columns with duplicate name {output.name}", path.at)
        seen.add(output.name.casefold())
        fields.append(field_of(output.name, output.type))
    return tuple(fields)


def _clustering(names: Sequence[Name], fields: Sequence[Field]) -> tuple[str, ...]:
    known = {each.name.casefold(): each.name for each in fields}
    for name in names:
        if name.text.casefold() not in known:
            raise SqlProblem(f"Unrecognized name: {name.text}", name.at)
    return tuple(known[name.text.casefold()] for name in names)


def _carry_out(
    session: Session, node: st.CreateTable, table: Table, relation: Relation | None, *,
    is_replaced: bool,
) -> None:  # fmt: skip
    rows = None
    if relation is not None:
        rows = query_into(relation, table.schema, node.head.path.at)
    elif node.copied is not None:
        base = _base(session, node)
        assert base is not None
        rows = f"SELECT * FROM {session.host.relation(base.ref)}"
    if is_replaced:
        rows = _stage(session, rows)
        session.host.drop_table(table.ref)
    session.host.create_table(table)
    if rows is not None:
        _fill(session, table, rows, is_copy=node.copied is not None)
    if is_replaced and rows is not None:
        session.execute(f"DROP TABLE {_staged_name(session)}")


def _staged_name(session: Session) -> str:
    return f"_staged_{id(session)}"


def _stage(session: Session, rows: str | None) -> str | None:
    """Compute the rows before the table they may come from is dropped."""
    if rows is None:
        return None
    name = _staged_name(session)
    session.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS {_with_names(rows)}")
    return f"SELECT * FROM {name}"


def _with_names(rows: str) -> str:
    return f"FROM ({rows})"


def _fill(session: Session, table: Table, rows: str, *, is_copy: bool) -> None:
    relation = session.host.relation(table.ref)
    if is_copy:
        session.execute(f"INSERT INTO {relation} {rows}")
        return
    columns = ", ".join(quote(each.name) for each in table.schema)
    session.execute(f"INSERT INTO {relation} ({columns}) {rows}")


# ---- temporary tables ---------------------------------------------------------------------


def _temporary(session: Session, node: st.CreateTable) -> Effect:
    """A table that lives as long as the script, in DuckDB's temporary schema."""
    if len(node.head.path.names) != 1:
        raise SqlProblem("Temporary table names must not be qualified", node.head.path.at)
    name = node.head.path.names[0].text
    analyzer = session.analyzer()
    done = _temporary_operation(session, node, name)
    relation = None if node.query is None else analyzer.query(node.query, None)
    price = session.price(analyzer)
    if done != SKIP and not session.is_dry_run:
        session.prepare(analyzer)
        _create_temporary(session, node, name, relation)
    return Effect(
        statement_type(node),
        ddl_operation=done,
        target_table=_temporary_ref(session, name),
        referenced=session.referenced(analyzer),
        bytes_processed=price,
    )


def _temporary_operation(session: Session, node: st.CreateTable, name: str) -> str:
    if name.casefold() not in session.around.temporary:
        return CREATE
    if node.head.if_not_exists:
        return SKIP
    if not node.head.replaces:
        raise duplicate(f"Already Exists: Table {_temporary_ref(session, name)}")
    return REPLACE


def _temporary_ref(session: Session, name: str) -> TableRef:
    """A hidden dataset of the script's own: equal names of two scripts are two tables."""
    digest = hashlib.sha256(session.request.job_id.encode()).hexdigest()
    return TableRef(session.host.project, f"_script{digest[:40]}", name)


def _create_temporary(
    session: Session, node: st.CreateTable, name: str, relation: Relation | None
) -> None:
    blank = Table(
        _temporary_ref(session, name), Kind.TABLE, session.host.location, (),
        session.host.now(), session.host.now(), "",
    )  # fmt: skip
    if relation is not None and relation.is_value and relation.outputs[0].type.is_struct:
        relation = spread(relation)
    table = _definition(session, node, blank, relation)
    physical = f"temp.main.{quote(session.unique('_temporary'))}"
    creation = relation_sql(physical, table.schema, duckdb_defaults(table.schema))
    session.execute(creation.replace("CREATE TABLE", "CREATE TEMP TABLE", 1))
    if relation is not None:
        rows = query_into(relation, table.schema, node.head.path.at)
        session.execute(f"INSERT INTO {physical} {rows}")
    session.around.temporary[name.casefold()] = TemporaryTable(physical, table.schema)
