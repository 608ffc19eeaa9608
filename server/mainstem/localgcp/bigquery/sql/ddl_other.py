"""CREATE and DROP of views, external tables, datasets and functions."""

from dataclasses import replace

from mainstem.localgcp.bigquery.errors import duplicate, not_found
from mainstem.localgcp.bigquery.model import Dataset, DatasetRef, ExternalConfig, Kind, TableRef
from mainstem.localgcp.bigquery.sql import statements as st
from mainstem.localgcp.bigquery.sql.columns import column_fields
from mainstem.localgcp.bigquery.sql.context import Context, Function
from mainstem.localgcp.bigquery.sql.ddl_table import CREATE, REPLACE, SKIP, blank_table, operation
from mainstem.localgcp.bigquery.sql.host import Routine
from mainstem.localgcp.bigquery.sql.options import (
    EXTERNAL_OPTIONS,
    MATERIALIZED_OPTIONS,
    VIEW_OPTIONS,
    external_config,
    read_options,
    with_dataset_options,
    with_options,
)
from mainstem.localgcp.bigquery.sql.problems import SqlProblem
from mainstem.localgcp.bigquery.sql.session import Effect, Session, answer_of
from mainstem.localgcp.bigquery.sql.tables import missing, table_ref
from mainstem.localgcp.bigquery.sql.tree import Path, Query
from mainstem.localgcp.bigquery.sql.type_names import resolve_type
from mainstem.localgcp.bigquery.sql.types import STRING, Field
from mainstem.localgcp.bigquery.sql.values import Scope, Value

_EXTERNAL_ONLY = {
    name: kind
    for name, kind in EXTERNAL_OPTIONS.items()
    if name in ("description", "expiration_timestamp", "friendly_name", "labels")
}


def create_view(session: Session, node: st.CreateView) -> Effect:
    analyzer = session.analyzer()
    ref = table_ref(node.head.path, analyzer.context)
    kind = Kind.MATERIALIZED_VIEW if node.is_materialized else Kind.VIEW
    word = "MATERIALIZED VIEW" if node.is_materialized else "VIEW"
    done = operation(session, ref, node.head, kind, word)
    relation = analyzer.query(node.query, None)
    effect = Effect(
        "CREATE_MATERIALIZED_VIEW" if node.is_materialized else "CREATE_VIEW",
        ddl_operation=done,
        target_table=ref,
        referenced=session.referenced(analyzer),
    )
    if done == SKIP or session.is_dry_run:
        return effect
    if any(output.name is None for output in relation.outputs) and not node.columns:
        raise SqlProblem("CREATE VIEW columns must be named", node.query.at)
    schema = _view_schema(session, node, answer_of(relation).fields)
    known = MATERIALIZED_OPTIONS if node.is_materialized else VIEW_OPTIONS
    table = replace(blank_table(session, ref, kind, schema), view_sql=node.text)
    table = with_options(session, table, node.options, known)
    if done == REPLACE:
        session.host.drop_table(ref)
    session.host.create_table(table)
    return effect


def _view_schema(
    session: Session, node: st.CreateView, found: tuple[Field, ...]
) -> tuple[Field, ...]:
    if not node.columns:
        return found
    if len(node.columns) != len(found):
        raise SqlProblem(
            f"CREATE VIEW column list has {len(node.columns)} names but the query has "
            f"{len(found)} columns",
            node.head.path.at,
        )
    named = column_fields(session, node.columns, found)
    described: list[Field] = []
    for field, column in zip(named, node.columns, strict=True):
        given = read_options(session, column.options, {"description": STRING}, "view columns")
        text = given["description"].value if "description" in given else None
        described.append(replace(field, description=text))
    return tuple(described)


def create_external_table(session: Session, node: st.CreateExternalTable) -> Effect:
    context = session.analyzer().context
    ref = table_ref(node.head.path, context)
    done = operation(session, ref, node.head, Kind.EXTERNAL, "EXTERNAL TABLE")
    given = read_options(session, node.options, EXTERNAL_OPTIONS, "external tables")
    config = external_config(given, is_detected=node.columns is None, at=node.head.path.at)
    effect = Effect("CREATE_EXTERNAL_TABLE", ddl_operation=done, target_table=ref)
    if done == SKIP or session.is_dry_run:
        return effect
    schema = _external_schema(session, node, config)
    table = replace(blank_table(session, ref, Kind.EXTERNAL, schema), external=config)
    described = tuple(pair for pair in node.options if pair[0].text.lower() in _EXTERNAL_ONLY)
    table = with_options(session, table, described, _EXTERNAL_ONLY)
    if done == REPLACE:
        session.host.drop_table(ref)
    session.host.create_table(table)
    return effect


def _external_schema(
    session: Session, node: st.CreateExternalTable, config: ExternalConfig
) -> tuple[Field, ...]:
    if node.columns is None:
        return session.host.detect_schema(config)
    return column_fields(session, node.columns)


# ---- datasets -----------------------------------------------------------------------------


def dataset_ref(path: Path, session: Session) -> DatasetRef:
    names = [name.text for name in path.names]
    if len(names) == 1:
        return DatasetRef(session.host.project, names[0])
    if len(names) == 2:
        return DatasetRef(names[0], names[1])
    raise SqlProblem(f"Invalid dataset name: {path}", path.at)


def create_schema(session: Session, node: st.CreateSchema) -> Effect:
    ref = dataset_ref(node.head.path, session)
    existing = session.host.dataset(ref)
    if existing is not None and not node.head.if_not_exists:
        raise duplicate(f"Already Exists: Dataset {ref}")
    done = CREATE if existing is None else SKIP
    if existing is None:
        now = session.host.now()
        blank = Dataset(ref, session.host.location, now, now, "")
        dataset = with_dataset_options(session, blank, node.options)
        if not session.is_dry_run:
            session.host.create_dataset(dataset)
    return Effect("CREATE_SCHEMA", ddl_operation=done, target_dataset=ref)


# ---- functions ----------------------------------------------------------------------------


def create_function(session: Session, node: st.CreateFunction) -> Effect:
    kind = "CREATE_TABLE_FUNCTION" if node.is_table_function else "CREATE_FUNCTION"
    read_options(session, node.options, {"description": STRING}, "functions")
    function = Function(
        str(node.head.path),
        tuple((name, written) for name, written, _ in node.arguments),
        node.body,
        node.returns,
        session.text,
    )
    _check_body(session, function)
    if node.is_temporary:
        session.around.functions[str(node.head.path).casefold()] = function
        return Effect(kind, ddl_operation=CREATE)
    ref = table_ref(node.head.path, session.analyzer().context)
    existing = session.host.routine(ref)
    done = CREATE
    if existing is not None:
        if not (node.head.replaces or node.head.if_not_exists):
            raise duplicate(f"Already Exists: Routine {ref}")
        done = REPLACE if node.head.replaces else SKIP
    if session.host.dataset(DatasetRef(ref.project, ref.dataset)) is None:
        raise missing(ref, session.analyzer().context, node.head.path.at)
    if done != SKIP and not session.is_dry_run:
        session.host.put_routine(_routine(session, node, ref))
    return Effect(kind, ddl_operation=done, target_routine=ref)


def _routine(session: Session, node: st.CreateFunction, ref: TableRef) -> Routine:
    arguments = tuple((name, text) for name, _, text in node.arguments)
    return Routine(
        ref, arguments, node.body_text, node.returns_text, node.is_table_function,
        session.host.now(),
    )  # fmt: skip


def _check_body(session: Session, function: Function) -> None:
    """Analyse a body whose argument types are all known, so that mistakes show at once."""
    if any(written is None for _, written in function.arguments):
        return
    analyzer = session.analyzer()
    bound = {}
    for name, written in function.arguments:
        assert written is not None
        kind = resolve_type(written)
        bound[name.casefold()] = Value(f"CAST(NULL AS {kind.duckdb()})", kind)
    scope = Scope(arguments=bound)
    body = function.body
    if isinstance(body, Query):
        analyzer.query(body, scope)
    else:
        analyzer.expression(body, scope)


# ---- DROP ---------------------------------------------------------------------------------

_KINDS = {
    "TABLE": (Kind.TABLE,),
    "VIEW": (Kind.VIEW,),
    "MATERIALIZED VIEW": (Kind.MATERIALIZED_VIEW,),
    "EXTERNAL TABLE": (Kind.EXTERNAL,),
    "SNAPSHOT TABLE": (Kind.SNAPSHOT,),
}


def drop(session: Session, node: st.Drop) -> Effect:
    if node.kind == "SCHEMA":
        return _drop_schema(session, node)
    if node.kind in ("FUNCTION", "TABLE FUNCTION"):
        return _drop_function(session, node)
    kind = f"DROP_{node.kind.replace(' ', '_')}"
    if len(node.path.names) == 1:
        temporary = session.around.temporary.get(node.path.names[0].text.casefold())
        if temporary is not None and node.kind == "TABLE":
            if not session.is_dry_run:
                session.execute(f"DROP TABLE {temporary.relation}")
                del session.around.temporary[node.path.names[0].text.casefold()]
            return Effect(kind, ddl_operation="DROP")
    return _drop_table(session, node, kind, session.analyzer().context)


def _drop_table(session: Session, node: st.Drop, kind: str, context: Context) -> Effect:
    ref = table_ref(node.path, context)
    table = session.host.table(ref)
    if table is None:
        if node.if_exists:
            return Effect(kind, ddl_operation=SKIP, target_table=ref)
        raise missing(ref, context, node.path.at)
    if table.kind not in _KINDS[node.kind]:
        raise SqlProblem(
            f"{ref} is not allowed for this operation because it is currently a {table.kind}; "
            f"use DROP {str(table.kind).replace('_', ' ')}{_drop_hint(table.kind)}",
            node.path.at,
        )
    if not session.is_dry_run:
        session.host.drop_table(ref)
    return Effect(kind, ddl_operation="DROP", target_table=ref)


def _drop_hint(kind: Kind) -> str:
    return " TABLE" if kind in (Kind.EXTERNAL, Kind.SNAPSHOT) else ""


def _drop_schema(session: Session, node: st.Drop) -> Effect:
    ref = dataset_ref(node.path, session)
    if session.host.dataset(ref) is None:
        if node.if_exists:
            return Effect("DROP_SCHEMA", ddl_operation=SKIP, target_dataset=ref)
        raise not_found(
            f"Not found: Dataset {ref} was not found in location {session.host.location}"
        )
    if not session.is_dry_run:
        if node.cascades:
            for table in list(session.host.tables(ref)):
                session.host.drop_table(table.ref)
            for routine in list(session.host.routines(ref)):
                session.host.drop_routine(routine.ref)
        session.host.drop_dataset(ref)
    return Effect("DROP_SCHEMA", ddl_operation="DROP", target_dataset=ref)


def _drop_function(session: Session, node: st.Drop) -> Effect:
    kind = f"DROP_{node.kind.replace(' ', '_')}"
    ref = table_ref(node.path, session.analyzer().context)
    if session.host.routine(ref) is None:
        if node.if_exists:
            return Effect(kind, ddl_operation=SKIP, target_routine=ref)
        raise not_found(f"Not found: Routine {ref}")
    if not session.is_dry_run:
        session.host.drop_routine(ref)
    return Effect(kind, ddl_operation="DROP", target_routine=ref)
