"""LOAD DATA and EXPORT DATA: files of storage into a table, and rows into files."""

from dataclasses import replace
from typing import Any, Final

from mainstem.localgcp.bigquery.errors import invalid
from mainstem.localgcp.bigquery.model import Kind
from mainstem.localgcp.bigquery.sql import statements as st
from mainstem.localgcp.bigquery.sql.columns import column_fields
from mainstem.localgcp.bigquery.sql.ddl_table import blank_table
from mainstem.localgcp.bigquery.sql.host import FilesToLoad, RowsToExport
from mainstem.localgcp.bigquery.sql.nulls import without_null_elements
from mainstem.localgcp.bigquery.sql.options import (
    EXTERNAL_OPTIONS,
    TABLE_OPTIONS,
    external_config,
    read_options,
    with_options,
)
from mainstem.localgcp.bigquery.sql.partitioning import read_partitioning
from mainstem.localgcp.bigquery.sql.problems import SqlProblem, refused
from mainstem.localgcp.bigquery.sql.session import Effect, Session, answer_of
from mainstem.localgcp.bigquery.sql.tables import table_ref
from mainstem.localgcp.bigquery.sql.types import BOOL, STRING, Type

_EXPORT_OPTIONS: Final[dict[str, Type]] = {
    "uri": STRING,
    "format": STRING,
    "compression": STRING,
    "field_delimiter": STRING,
    "header": BOOL,
    "overwrite": BOOL,
    "use_avro_logical_types": BOOL,
}
_FORMATS: Final = {"CSV": "CSV", "JSON": "NEWLINE_DELIMITED_JSON", "PARQUET": "PARQUET"}


def load_data(session: Session, node: st.LoadData) -> Effect:
    """Read the files into the table, which comes to be if it is not there."""
    ref = table_ref(node.path, session.analyzer().context)
    given = read_options(session, node.files, EXTERNAL_OPTIONS, "FROM FILES")
    config = external_config(given, is_detected=node.columns is None, at=node.path.at)
    effect = Effect("LOAD_DATA", target_table=ref)
    schema = () if node.columns is None else column_fields(session, node.columns)
    table = blank_table(session, ref, Kind.TABLE, schema)
    if node.partition is not None:
        fields = schema or session.host.detect_schema(config)
        layout = read_partitioning(node.partition, fields)
        table = replace(table, time_partitioning=layout.time, range_partitioning=layout.range)
    table = replace(table, clustering=tuple(name.text for name in node.cluster))
    table = with_options(session, table, node.options, TABLE_OPTIONS)
    if not session.is_dry_run:
        session.host.files.load(FilesToLoad(table, config, overwrites=node.overwrites))
    return effect


def export_data(session: Session, node: st.ExportData) -> Effect:
    """Write the rows of the query to objects of storage."""
    wanted = _wanted(session, node)
    analyzer = session.analyzer()
    answer = without_null_elements(answer_of(analyzer.query(node.query, None)))
    price = session.price(analyzer)
    if not session.is_dry_run:
        session.prepare(analyzer)
        session.host.files.export(answer, wanted)
    return Effect("EXPORT_DATA", referenced=session.referenced(analyzer), bytes_processed=price)


def _wanted(session: Session, node: st.ExportData) -> RowsToExport:
    given = read_options(session, node.options, _EXPORT_OPTIONS, "EXPORT DATA")

    def value(name: str, default: Any) -> Any:
        found = given[name].value if name in given else None
        return default if found is None else found

    uri, kind = str(value("uri", "")), str(value("format", "")).upper()
    if not uri or not kind:
        missing = "uri" if not uri else "format"
        raise SqlProblem(f"Option '{missing}' must be specified for EXPORT DATA", node.at)
    if kind not in _FORMATS:
        raise refused(f"EXPORT DATA of format {kind}", given["format"].at)
    if not uri.startswith("gs://") or uri.count("*") != 1:
        raise invalid(
            "Option 'uri' value must be a wild card URI: it must name a bucket and an object with "
            f"exactly one '*', not {uri}"
        )
    delimiter = str(value("field_delimiter", ","))
    return RowsToExport(
        uri=uri,
        format=_FORMATS[kind],
        compression=str(value("compression", "NONE")).upper(),
        delimiter={"\\t": "\t", "tab": "\t"}.get(delimiter, delimiter),
        header=bool(value("header", False)),
        overwrites=bool(value("overwrite", False)),
    )
