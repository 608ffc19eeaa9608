"""INFORMATION_SCHEMA and `__TABLES__`: the catalog as rows, written out when they are asked."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from mainstem.localgcp.bigquery.model import Dataset, DatasetRef, Kind, Table
from mainstem.localgcp.bigquery.partitions import label_sql
from mainstem.localgcp.bigquery.sql.context import Context
from mainstem.localgcp.bigquery.sql.host import Host, Routine
from mainstem.localgcp.bigquery.sql.option_texts import dataset_options, table_options
from mainstem.localgcp.bigquery.sql.problems import SqlProblem, refused
from mainstem.localgcp.bigquery.sql.tree import Path
from mainstem.localgcp.bigquery.sql.types import (
    INT64,
    STRING,
    TIMESTAMP,
    Field,
    Type,
    array_of,
    literal,
    quote,
    struct_of,
)
from mainstem.localgcp.bigquery.sql.values import Output, Relation

Row = Sequence[object]


@dataclass(frozen=True, slots=True)
class Place:
    """Which datasets a view covers: one, or all of a project."""

    host: Host
    project: str
    dataset: str | None

    def datasets(self) -> list[Dataset]:
        if self.dataset is None:
            return list(self.host.datasets(self.project))
        found = self.host.dataset(DatasetRef(self.project, self.dataset))
        return [] if found is None else [found]

    def tables(self) -> Iterable[Table]:
        for dataset in self.datasets():
            yield from self.host.tables(dataset.ref)

    def routines(self) -> Iterable[Routine]:
        for dataset in self.datasets():
            yield from self.host.routines(dataset.ref)


def is_information(names: Sequence[str]) -> bool:
    """Whether a table path means the catalog itself."""
    folded = [name.upper() for name in names]
    return "INFORMATION_SCHEMA" in folded or folded[-1] == "__TABLES__"


def relation(path: Path, context: Context) -> Relation:
    """The rows of a catalog view as a query of constants."""
    context.is_stable = False
    names = [name.text for name in path.names]
    view_name = names[-1].upper()
    place = _place(names, context, path.at)
    view = _VIEWS.get(view_name)
    if view is None:
        if view_name in _KNOWN:
            raise refused(f"INFORMATION_SCHEMA.{view_name}", path.at)
        raise SqlProblem(f"Not found: Table {path} was not found", path.at, "notFound")
    columns, rows = view
    return _constant_relation(columns, list(rows(place)))


def _place(names: Sequence[str], context: Context, at: int) -> Place:
    host = context.host
    prefix = list(names[:-1])
    if prefix and prefix[-1].upper() == "INFORMATION_SCHEMA":
        prefix.pop()
    region = next((name for name in prefix if name.lower().startswith("region-")), None)
    if region is not None:
        prefix.remove(region)
        return Place(host, prefix[0] if prefix else host.project, None)
    if len(prefix) == 2:
        project, dataset = prefix
    elif len(prefix) == 1:
        project, dataset = host.project, prefix[0]
        if names[-1].upper().startswith(("SCHEMATA", "JOBS")):
            return Place(host, prefix[0], None)
    elif names[-1].upper().startswith(("SCHEMATA", "JOBS")):
        return Place(host, host.project, None)
    elif host.default_dataset is not None:
        project, dataset = host.default_dataset.project, host.default_dataset.dataset
    else:
        return Place(host, host.project, None)
    if host.dataset(DatasetRef(project, dataset)) is None:
        raise SqlProblem(
            f"Not found: Dataset {project}:{dataset} was not found in location {host.location}",
            at,
            "notFound",
        )
    return Place(host, project, dataset)


# ---- writing rows -------------------------------------------------------------------------


def constant(value: object, kind: Type) -> str:
    """A Python value as DuckDB SQL of a type."""
    name = kind.duckdb()
    if value is None:
        return f"CAST(NULL AS {name})"
    if isinstance(value, list):
        return f"CAST([{', '.join(constant(item, kind.of()) for item in value)}] AS {name})"
    if isinstance(value, tuple):
        members = (
            f"{quote(key)} := {constant(item, inner)}"
            for item, (key, inner) in zip(value, kind.fields, strict=True)
        )
        return f"struct_pack({', '.join(members)})"
    text = value.isoformat() if isinstance(value, datetime) else str(value)
    return f"CAST({literal(text)} AS {name})"


def _constant_relation(columns: Mapping[str, Type], rows: Sequence[Row]) -> Relation:
    outputs = tuple(Output(name, name, kind) for name, kind in columns.items())
    kinds = list(columns.values())
    nothing = [None] * len(kinds)
    titles = [quote(name) for name in columns]
    first = _select_row(rows[0] if rows else nothing, kinds, titles)
    rest = [_select_row(row, kinds, None) for row in rows[1:]]
    sql = " UNION ALL ".join([first, *rest])
    return Relation(sql if rows else f"{sql} WHERE FALSE", outputs)


def _select_row(row: Row, kinds: Sequence[Type], titles: Sequence[str] | None) -> str:
    cells = [constant(value, kind) for value, kind in zip(row, kinds, strict=True)]
    if titles is not None:
        cells = [f"{cell} AS {title}" for cell, title in zip(cells, titles, strict=True)]
    return f"SELECT {', '.join(cells)}"


# ---- the views ----------------------------------------------------------------------------

_TABLE_TYPES: Final = {
    Kind.TABLE: "BASE TABLE",
    Kind.VIEW: "VIEW",
    Kind.MATERIALIZED_VIEW: "MATERIALIZED VIEW",
    Kind.EXTERNAL: "EXTERNAL",
    Kind.SNAPSHOT: "SNAPSHOT",
}
_TEXT_KEYS: Final = ("table_catalog", "table_schema", "table_name")


def _names(table: Table) -> tuple[str, str, str]:
    return table.ref.project, table.ref.dataset, table.ref.table


def _schemata(place: Place) -> Iterable[Row]:
    for found in place.datasets():
        yield (
            found.ref.project,
            found.ref.dataset,
            None,
            found.created,
            found.modified,
            found.location,
            f"CREATE SCHEMA `{found.ref.project}.{found.ref.dataset}`;",
            None,
        )


def _schemata_options(place: Place) -> Iterable[Row]:
    for found in place.datasets():
        for name, kind, value in dataset_options(found):
            yield found.ref.project, found.ref.dataset, name, kind, value


def _tables(place: Place) -> Iterable[Row]:
    for table in place.tables():
        base = table.snapshot_of
        yield (*_names(table), _TABLE_TYPES[table.kind],
               "YES" if table.kind is Kind.TABLE else "NO", "NO", table.created,
               base.project if base else None, base.dataset if base else None,
               base.table if base else None, table.snapshot_time, _ddl(table), None)  # fmt: skip


def _ddl(table: Table) -> str:
    name = f"`{table.ref.project}.{table.ref.dataset}.{table.ref.table}`"
    if table.view_sql is not None:
        word = "MATERIALIZED VIEW" if table.kind is Kind.MATERIALIZED_VIEW else "VIEW"
        return f"CREATE {word} {name}\nAS {table.view_sql};"
    columns = ",\n".join(f"  {member.name} {member.sql_type()}" for member in table.schema)
    word = "EXTERNAL TABLE" if table.kind is Kind.EXTERNAL else "TABLE"
    return f"CREATE {word} {name}\n(\n{columns}\n);"


def _partition_column(table: Table) -> str | None:
    if table.time_partitioning is not None:
        return table.time_partitioning.field
    return table.range_partitioning.field if table.range_partitioning is not None else None


def _columns(place: Place) -> Iterable[Row]:
    for table in place.tables():
        clustered = {name.casefold(): at for at, name in enumerate(table.clustering, 1)}
        partition = (_partition_column(table) or "").casefold()
        for at, member in enumerate(table.schema, 1):
            folded = member.name.casefold()
            yield (*_names(table), member.name, at, "NO" if member.is_required else "YES",
                   member.sql_type(), "NEVER", None, None, "NO", None, "NO",
                   "YES" if folded == partition else "NO", clustered.get(folded), None,
                   member.default_sql or "NULL", member.rounding_mode)  # fmt: skip


def _field_paths(place: Place) -> Iterable[Row]:
    for table in place.tables():
        for member in table.schema:
            for path, inner in _walk(member, member.name):
                yield (*_names(table), member.name, path, inner.sql_type(), inner.description,
                       None, inner.rounding_mode)  # fmt: skip


def _walk(member: Field, path: str) -> Iterable[tuple[str, Field]]:
    yield path, member
    for inner in member.fields:
        yield from _walk(inner, f"{path}.{inner.name}")


def _views(place: Place) -> Iterable[Row]:
    for table in place.tables():
        if table.kind is Kind.VIEW:
            yield *_names(table), table.view_sql, None, "YES"


def _materialized(place: Place) -> Iterable[Row]:
    for table in place.tables():
        if table.kind is Kind.MATERIALIZED_VIEW:
            yield *_names(table), table.modified, None


def _table_options(place: Place) -> Iterable[Row]:
    for table in place.tables():
        for name, kind, value in table_options(table):
            yield *_names(table), name, kind, value


def _storage(place: Place) -> Iterable[Row]:
    for table in place.tables():
        if table.is_native:
            size = place.host.size(table)
            yield (table.ref.project, *_names(table), table.created, False, "BASE TABLE",
                   size.rows, size.bytes, size.bytes, 0, size.bytes, size.bytes,
                   table.modified)  # fmt: skip


def _partitions(place: Place) -> Iterable[Row]:
    for table in place.tables():
        if not table.is_native:
            continue
        for partition, rows, share in _partition_rows(place.host, table):
            yield *_names(table), partition, rows, share, table.modified, "ACTIVE"


def _partition_rows(host: Host, table: Table) -> Iterable[tuple[str | None, int, int]]:
    size = host.size(table)
    label = label_sql(table)
    if label is None:
        yield None, size.rows, size.bytes
        return
    found = host.cursor.execute(
        f"SELECT {label} AS p, count(*) FROM {host.relation(table.ref)} GROUP BY p ORDER BY p"
    ).fetchall()
    for partition, rows in found:
        yield partition or "__NULL__", rows, size.bytes * rows // max(size.rows, 1)


def _routines(place: Place) -> Iterable[Row]:
    for routine in place.routines():
        ref = routine.ref
        kind = "TABLE FUNCTION" if routine.is_table_function else "FUNCTION"
        yield (
            ref.project,
            ref.dataset,
            ref.table,
            ref.project,
            ref.dataset,
            ref.table,
            kind,
            routine.returns,
            "SQL",
            routine.body,
            None,
            routine.created,
            routine.created,
        )


def _jobs(place: Place) -> Iterable[Row]:
    for job in place.host.jobs():
        problem = None
        if job.error_reason is not None:
            problem = (job.error_reason, None, None, job.error_message)
        target = job.destination
        destination = (target.project, target.dataset, target.table) if target else None
        labels = [(key, value) for key, value in sorted(job.labels.items())]
        yield (
            job.created,
            job.project,
            job.user_email,
            job.job_id,
            job.kind,
            job.statement_type,
            "INTERACTIVE",
            job.started,
            job.ended,
            job.query,
            job.state,
            job.bytes_processed,
            job.bytes_processed,
            problem,
            False,
            destination,
            labels,
            job.parent_job_id,
        )


def _legacy_tables(place: Place) -> Iterable[Row]:
    codes = {Kind.TABLE: 1, Kind.VIEW: 2, Kind.EXTERNAL: 3, Kind.MATERIALIZED_VIEW: 2}
    for table in place.tables():
        size = place.host.size(table)
        yield (*_names(table), _millis(table.created), _millis(table.modified), size.rows,
               size.bytes, codes.get(table.kind, 1))  # fmt: skip


def _millis(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


def _texts(*names: str) -> dict[str, Type]:
    return dict.fromkeys(names, STRING)


_ERROR: Final = struct_of(_texts("reason", "location", "debug_info", "message").items())
_TABLE: Final = struct_of(_texts("project_id", "dataset_id", "table_id").items())
_LABELS: Final = array_of(struct_of(_texts("key", "value").items()))
View = tuple[dict[str, Type], Callable[[Place], Iterable[Row]]]

_JOBS: Final[View] = (
    {"creation_time": TIMESTAMP, **_texts("project_id", "user_email", "job_id", "job_type",
     "statement_type", "priority"), "start_time": TIMESTAMP, "end_time": TIMESTAMP,
     **_texts("query", "state"), "total_bytes_processed": INT64, "total_bytes_billed": INT64,
     "error_result": _ERROR, "cache_hit": Type("BOOL"), "destination_table": _TABLE,
     "labels": _LABELS, "parent_job_id": STRING},
    _jobs,
)  # fmt: skip

_VIEWS: Final[dict[str, View]] = {
    "SCHEMATA": (
        {**_texts("catalog_name", "schema_name", "schema_owner"), "creation_time": TIMESTAMP,
         "last_modified_time": TIMESTAMP, **_texts("location", "ddl", "default_collation_name")},
        _schemata,
    ),
    "SCHEMATA_OPTIONS": (
        _texts("catalog_name", "schema_name", "option_name", "option_type", "option_value"),
        _schemata_options,
    ),
    "TABLES": (
        {**_texts(*_TEXT_KEYS, "table_type", "is_insertable_into", "is_typed"),
         "creation_time": TIMESTAMP,
         **_texts("base_table_catalog", "base_table_schema", "base_table_name"),
         "snapshot_time_ms": TIMESTAMP, **_texts("ddl", "default_collation_name")},
        _tables,
    ),
    "COLUMNS": (
        {**_texts(*_TEXT_KEYS, "column_name"), "ordinal_position": INT64,
         **_texts("is_nullable", "data_type", "is_generated", "generation_expression", "is_stored",
                  "is_hidden", "is_updatable", "is_system_defined", "is_partitioning_column"),
         "clustering_ordinal_position": INT64,
         **_texts("collation_name", "column_default", "rounding_mode")},
        _columns,
    ),
    "COLUMN_FIELD_PATHS": (
        _texts(*_TEXT_KEYS, "column_name", "field_path", "data_type", "description",
               "collation_name", "rounding_mode"),
        _field_paths,
    ),
    "VIEWS": (
        _texts(*_TEXT_KEYS, "view_definition", "check_option", "use_standard_sql"),
        _views,
    ),
    "MATERIALIZED_VIEWS": (
        {**_texts(*_TEXT_KEYS), "last_refresh_time": TIMESTAMP, "refresh_watermark": TIMESTAMP},
        _materialized,
    ),
    "TABLE_OPTIONS": (
        _texts(*_TEXT_KEYS, "option_name", "option_type", "option_value"),
        _table_options,
    ),
    "TABLE_STORAGE": (
        {**_texts("project_id", *_TEXT_KEYS), "creation_time": TIMESTAMP, "deleted": Type("BOOL"),
         "table_type": STRING, "total_rows": INT64, "total_logical_bytes": INT64,
         "active_logical_bytes": INT64, "long_term_logical_bytes": INT64,
         "total_physical_bytes": INT64, "active_physical_bytes": INT64,
         "storage_last_modified_time": TIMESTAMP},
        _storage,
    ),
    "PARTITIONS": (
        {**_texts(*_TEXT_KEYS, "partition_id"), "total_rows": INT64, "total_logical_bytes": INT64,
         "last_modified_time": TIMESTAMP, "storage_tier": STRING},
        _partitions,
    ),
    "ROUTINES": (
        {**_texts("specific_catalog", "specific_schema", "specific_name", "routine_catalog",
                  "routine_schema", "routine_name", "routine_type", "data_type", "routine_body",
                  "routine_definition", "external_language"),
         "created": TIMESTAMP, "last_altered": TIMESTAMP},
        _routines,
    ),
    "JOBS": _JOBS,
    "JOBS_BY_PROJECT": _JOBS,
    "JOBS_BY_USER": _JOBS,
    "__TABLES__": (
        {**_texts("project_id", "dataset_id", "table_id"), "creation_time": INT64,
         "last_modified_time": INT64, "row_count": INT64, "size_bytes": INT64, "type": INT64},
        _legacy_tables,
    ),
}  # fmt: skip
_KNOWN: Final = frozenset(
    {
        "PARAMETERS", "ROUTINE_OPTIONS", "TABLE_CONSTRAINTS", "KEY_COLUMN_USAGE",
        "CONSTRAINT_COLUMN_USAGE", "TABLE_SNAPSHOTS", "TABLE_STORAGE_TIMELINE", "OBJECT_PRIVILEGES",
        "STREAMING_TIMELINE", "JOBS_TIMELINE", "SESSIONS_BY_PROJECT", "RESERVATIONS",
        "SCHEMATA_LINKS",
        "SEARCH_INDEXES", "VECTOR_INDEXES", "SCHEMATA_REPLICAS", "JOBS_BY_ORGANIZATION",
        "JOBS_BY_FOLDER", "WRITE_API_TIMELINE",
    }
)  # fmt: skip
