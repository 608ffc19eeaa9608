"""One statement of the kinds that make jobs: which code runs it, in which transaction."""

from collections.abc import Callable
from typing import Any, Final

from mainstem.localgcp.bigquery.sql import ddl_alter, ddl_other, ddl_table, dml, files, merge
from mainstem.localgcp.bigquery.sql import statements as st
from mainstem.localgcp.bigquery.sql.nulls import without_null_elements
from mainstem.localgcp.bigquery.sql.session import Effect, Session, answer_of

_WRITERS: Final[dict[type, Callable[[Session, Any], Effect]]] = {
    st.Insert: dml.insert,
    st.Update: dml.update,
    st.Delete: dml.delete,
    st.Merge: merge.merge,
    st.Truncate: dml.truncate,
    st.CreateTable: ddl_table.create_table,
    st.CreateView: ddl_other.create_view,
    st.CreateExternalTable: ddl_other.create_external_table,
    st.LoadData: files.load_data,
    st.CreateSchema: ddl_other.create_schema,
    st.CreateFunction: ddl_other.create_function,
    st.Drop: ddl_other.drop,
    st.Alter: ddl_alter.alter,
}

_TYPES: Final[dict[type, str]] = {
    st.QueryStatement: "SELECT",
    st.Insert: "INSERT",
    st.Update: "UPDATE",
    st.Delete: "DELETE",
    st.Merge: "MERGE",
    st.Truncate: "TRUNCATE_TABLE",
    st.CreateExternalTable: "CREATE_EXTERNAL_TABLE",
    st.CreateSchema: "CREATE_SCHEMA",
    st.LoadData: "LOAD_DATA",
    st.ExportData: "EXPORT_DATA",
}


def statement_type(node: st.Node) -> str:
    """What a statement is called, also when it fails before it could say so itself."""
    match node:
        case st.CreateTable():
            return ddl_table.statement_type(node)
        case st.CreateView():
            return "CREATE_MATERIALIZED_VIEW" if node.is_materialized else "CREATE_VIEW"
        case st.CreateFunction():
            return "CREATE_TABLE_FUNCTION" if node.is_table_function else "CREATE_FUNCTION"
        case st.Drop():
            return f"DROP_{node.kind.replace(' ', '_')}"
        case st.Alter():
            return f"ALTER_{node.kind.replace(' ', '_')}"
        case _:
            return _TYPES.get(type(node), "SCRIPT")


def execute(session: Session, node: st.Node) -> Effect:
    """Run a query, a DML or a DDL statement; all of it happens, or nothing."""
    if isinstance(node, st.QueryStatement):
        return query(session, node)
    if isinstance(node, st.ExportData):
        with session.positions(), session.host.reading():
            return files.export_data(session, node)
    writer = _WRITERS[type(node)]
    is_local = isinstance(node, st.CreateFunction) and node.is_temporary
    scope = session.host.reading() if session.is_dry_run or is_local else session.host.writing()
    with session.positions(), scope:
        return writer(session, node)


def query(session: Session, node: st.QueryStatement) -> Effect:
    with session.positions(), session.host.reading():
        analyzer = session.analyzer()
        answer = without_null_elements(answer_of(analyzer.query(node.query, None)))
        price = session.price(analyzer)
        result = None
        if not session.is_dry_run:
            session.prepare(analyzer)
            result = session.host.keep_result(answer)
    return Effect(
        "SELECT",
        fields=answer.fields,
        result=result,
        referenced=session.referenced(analyzer),
        bytes_processed=price,
    )
