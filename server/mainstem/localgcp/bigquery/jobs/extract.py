"""Extract jobs: a table as CSV, newline-delimited JSON or Parquet objects in storage."""

import gzip
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import duckdb

from mainstem.localgcp.bigquery.errors import invalid, unsupported
from mainstem.localgcp.bigquery.gcs import upload_object
from mainstem.localgcp.bigquery.jobs.job import Output
from mainstem.localgcp.bigquery.jobs.location import check_location
from mainstem.localgcp.bigquery.jobs.runner import Running
from mainstem.localgcp.bigquery.model import Table, TableRef
from mainstem.localgcp.bigquery.names import ANONYMOUS
from mainstem.localgcp.bigquery.partitions import rows_of, split
from mainstem.localgcp.bigquery.readers.objects import is_taken
from mainstem.localgcp.bigquery.rows import scalar_text
from mainstem.localgcp.bigquery.sql.host import Answer
from mainstem.localgcp.bigquery.sql.types import Field, literal, quote
from mainstem.localgcp.bigquery.warehouse import Warehouse
from mainstem.localgcp.bigquery.wire.jobs import ExtractBody

FETCH: Final = 8192
COMPRESSIONS: Final = {
    "CSV": ("NONE", "GZIP"),
    "NEWLINE_DELIMITED_JSON": ("NONE", "GZIP"),
    "PARQUET": ("NONE", "SNAPPY", "GZIP", "ZSTD"),
}
SHARD: Final = "000000000000"


@dataclass(frozen=True, slots=True)
class Extract:
    source: TableRef
    partition: str | None
    uris: tuple[str, ...]
    format: str
    compression: str
    delimiter: str
    header: bool

    def __post_init__(self) -> None:
        if self.compression not in COMPRESSIONS[self.format]:
            raise invalid(
                f"Compression {self.compression} is not supported for format {self.format}"
            )


def export_rows(
    warehouse: Warehouse,
    cursor: duckdb.DuckDBPyConnection,
    answer: Answer,
    extract: Extract,
    *,
    overwrites: bool,
) -> None:
    """The rows of a query as the objects of EXPORT DATA."""
    (uri,) = extract.uris
    if not overwrites and is_taken(warehouse.storage, uri):
        raise invalid(
            f"Invalid value: objects that match {uri} exist already. Set the option overwrite to "
            "true to replace them"
        )
    if extract.format == "CSV":
        check_flat(answer.fields)
    path = warehouse.scratch / f"export-{secrets.token_hex(8)}"
    try:
        write_rows(cursor, answer.fields, f"({answer.sql})", extract, path)
        upload_object(warehouse.storage, uri.replace("*", SHARD), path)
    finally:
        path.unlink(missing_ok=True)


def extract_of(body: ExtractBody, project: str) -> Extract:
    """Read the configuration, refusing formats and compressions that are not written."""
    if body.source_table is None:
        raise invalid("Required parameter is missing: sourceTable", "sourceTable")
    kind = (body.destination_format or "CSV").upper()
    kind = "NEWLINE_DELIMITED_JSON" if kind == "JSON" else kind
    if kind not in COMPRESSIONS:
        raise unsupported(f"the destinationFormat {body.destination_format}")
    compression = (body.compression or "NONE").upper()
    uris = body.destination_uris or ((body.destination_uri,) if body.destination_uri else ())
    for uri in uris:
        _check_uri(uri)
    if not uris:
        raise invalid("Required parameter is missing: destinationUris", "destinationUris")
    delimiter = {"\\t": "\t", "tab": "\t"}.get(body.field_delimiter or ",", body.field_delimiter)
    source, partition = split(body.source_table.ref(project))
    return Extract(
        source,
        partition,
        uris,
        kind,
        compression,
        delimiter or ",",
        body.print_header is not False,
    )


def _check_uri(uri: str) -> None:
    bucket, _, name = uri.removeprefix("gs://").partition("/")
    if not uri.startswith("gs://") or not bucket or not name or name.count("*") > 1:
        raise invalid(
            f"Invalid destination URI: {uri}. It must name a bucket and an object, with at most "
            "one wildcard.",
            "destinationUris",
        )


def run_extract(warehouse: Warehouse, running: Running, extract: Extract) -> Output:
    """Write one object for each URI; rows go to the first, the others hold none."""
    table = _table(warehouse, running, extract)
    if extract.format == "CSV":
        check_flat(table.schema)
    written = []
    for index, uri in enumerate(extract.uris):
        path = warehouse.scratch / f"extract-{secrets.token_hex(8)}"
        try:
            source = rows_of(table, extract.partition) + (" WHERE false" if index > 0 else "")
            write_rows(running.cursor, table.schema, source, extract, path)
            running.check_stopped()
            upload_object(warehouse.storage, uri.replace("*", SHARD), path)
            written.append(path.stat().st_size)
        finally:
            path.unlink(missing_ok=True)
    statistics = {
        "destinationUriFileCounts": ["1"] * len(written),
        "inputBytes": str(warehouse.sizes.of(table).bytes),
    }
    return Output({"extract": statistics}, 0)


def _table(warehouse: Warehouse, running: Running, extract: Extract) -> Table:
    ref = extract.source
    if ref.dataset == ANONYMOUS:
        return warehouse.results.table(ref)
    check_location(warehouse, running, ref.dataset_ref)
    table = warehouse.database.catalog(ref.project).table(ref, warehouse.database.now())
    if not table.is_native:
        raise invalid(
            f"{ref} is not allowed for this operation because it is currently a {table.kind}."
        )
    return table


def check_flat(schema: Sequence[Field]) -> None:
    for field in schema:
        if field.is_repeated or field.type == "STRUCT":
            raise invalid("Operation cannot be performed on a nested schema. Field: " + field.name)


def write_rows(
    cursor: duckdb.DuckDBPyConnection,
    schema: Sequence[Field],
    source: str,
    extract: Extract,
    path: Path,
) -> None:
    """Write the rows of what may stand in FROM to a file."""
    if extract.format == "PARQUET":
        columns = ", ".join(quote(field.name) for field in schema)
        codec = {"NONE": "uncompressed"}.get(extract.compression, extract.compression.lower())
        cursor.execute(
            f"COPY (SELECT {columns} FROM {source}) TO {literal(str(path))} "
            f"(FORMAT parquet, COMPRESSION {codec})"
        )
        return
    line = _csv_line(schema, extract) if extract.format == "CSV" else _json_line(schema)
    lines = _lines(cursor, f"SELECT {line} FROM {source}")
    header = ""
    if extract.format == "CSV" and extract.header:
        names = (_quoted_name(field.name, extract.delimiter) for field in schema)
        header = extract.delimiter.join(names) + "\n"
    _write_lines(path, header, lines, is_gzip=extract.compression == "GZIP")


def _lines(cursor: duckdb.DuckDBPyConnection, query: str) -> Iterator[str]:
    cursor.execute(query)
    while batch := cursor.fetchmany(FETCH):
        yield "".join(f"{line}\n" for (line,) in batch)


def _write_lines(path: Path, header: str, lines: Iterator[str], *, is_gzip: bool) -> None:
    with gzip.open(path, "wb") if is_gzip else path.open("wb") as out:
        out.write(header.encode())
        for chunk in lines:
            out.write(chunk.encode())


def _quoted_name(name: str, delimiter: str) -> str:
    return f'"{name}"' if delimiter in name else name


def export_text(source: str, field: Field) -> str:
    """A scalar as extracts write it: times with their zone, bytes in base64."""
    if field.type == "TIMESTAMP":
        civil = f"({source} AT TIME ZONE 'UTC')::VARCHAR"
        return f"{civil} || ' UTC'"
    if field.type in ("STRING", "JSON"):
        return f"({source})::VARCHAR"
    return scalar_text(source, field, int64_timestamps=False)


def _csv_line(schema: Sequence[Field], extract: Extract) -> str:
    delimiter = literal(extract.delimiter)
    return f"concat_ws({delimiter}, {', '.join(_csv_cell(f, extract) for f in schema)})"


def _csv_cell(field: Field, extract: Extract) -> str:
    text = export_text(quote(field.name), field)
    if field.type not in ("STRING", "JSON"):
        return f"coalesce({text}, '')"
    special = f"contains({text}, {literal(extract.delimiter)})"
    tests = " OR ".join(
        [special, *(f"contains({text}, {mark})" for mark in ("'\"'", "chr(10)", "chr(13)"))]
    )
    escaped = f"'\"' || replace({text}, '\"', '\"\"') || '\"'"
    return (
        f"CASE WHEN {text} IS NULL THEN '' WHEN {text} = '' OR {tests} THEN {escaped} "
        f"ELSE {text} END"
    )


def _json_line(schema: Sequence[Field]) -> str:
    """An object without its NULL members, integers as strings, as BigQuery exports them."""
    return _json_object([(quote(field.name), field) for field in schema])


def _json_object(members: Sequence[tuple[str, Field]]) -> str:
    parts = []
    for source, field in members:
        key = literal(f'"{field.name}":')
        parts.append(f"{key} || {_json_value(source, field)}")
    return f"'{{' || concat_ws(',', {', '.join(parts)}) || '}}'"


def _json_value(source: str, field: Field) -> str:
    if not field.is_repeated:
        return _json_single(source, field)
    items = f"list_transform(coalesce({source}, []), lambda e: {_json_single('e', field)})"
    return f"'[' || array_to_string({items}, ',') || ']'"


def _json_single(source: str, field: Field) -> str:
    if field.type == "STRUCT":
        members = [(f"({source}).{quote(member.name)}", member) for member in field.fields]
        return f"CASE WHEN {source} IS NOT NULL THEN {_json_object(members)} END"
    if field.type in ("BOOL", "FLOAT64"):
        return f"({scalar_text(source, field, int64_timestamps=False)})"
    if field.type == "JSON":
        return f"({source})::VARCHAR"
    return f"to_json({export_text(source, field)})::VARCHAR"
