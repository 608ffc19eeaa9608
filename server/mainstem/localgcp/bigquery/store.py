"""The catalog's rows in a project's own DuckDB file, beside the data they describe."""

from typing import Any, Final

import duckdb
from pydantic import TypeAdapter

from mainstem.localgcp.bigquery.catalog import Catalog
from mainstem.localgcp.bigquery.model import Dataset, DatasetRef, Table, TableRef
from mainstem.localgcp.bigquery.names import CATALOG, database
from mainstem.localgcp.bigquery.sql.host import Routine
from mainstem.localgcp.bigquery.sql.types import quote

Entry = Dataset | Table | Routine

SCHEMA_VERSION: Final = 1
ADAPTERS: Final[dict[str, TypeAdapter[Any]]] = {
    "dataset": TypeAdapter(Dataset),
    "table": TypeAdapter(Table),
    "routine": TypeAdapter(Routine),
}


def rows_of(project: str, table: str) -> str:
    """One of the emulator's own tables as DuckDB SQL."""
    return f"{database(project)}.{quote(CATALOG)}.{table}"


def prepare(cursor: duckdb.DuckDBPyConnection, project: str) -> None:
    """Create the emulator's own tables in a new file; refuse a file of a later version."""
    cursor.execute(f"CREATE SCHEMA IF NOT EXISTS {database(project)}.{quote(CATALOG)}")
    cursor.execute(f"CREATE TABLE IF NOT EXISTS {rows_of(project, 'version')} (version INTEGER)")
    cursor.execute(
        f"CREATE TABLE IF NOT EXISTS {rows_of(project, 'entries')} "
        "(kind VARCHAR, dataset VARCHAR, name VARCHAR, body VARCHAR)"
    )
    cursor.execute(
        f"CREATE TABLE IF NOT EXISTS {rows_of(project, 'jobs')} "
        "(job_id VARCHAR, created TIMESTAMPTZ, parent VARCHAR, body VARCHAR)"
    )
    found = cursor.execute(f"SELECT max(version) FROM {rows_of(project, 'version')}").fetchone()
    if found is None or found[0] is None:
        cursor.execute(f"INSERT INTO {rows_of(project, 'version')} VALUES ({SCHEMA_VERSION})")
    elif found[0] > SCHEMA_VERSION:
        raise RuntimeError(
            f"The file of project {project} was written by a later release (format {found[0]}, "
            f"this one knows {SCHEMA_VERSION}). Upgrade, or name another state folder."
        )


def load_catalog(cursor: duckdb.DuckDBPyConnection, project: str) -> Catalog:
    """Everything the file says exists."""
    datasets: dict[str, Dataset] = {}
    tables: dict[str, dict[str, Table]] = {}
    routines: dict[str, dict[str, Routine]] = {}
    rows = cursor.execute(f"SELECT kind, dataset, name, body FROM {rows_of(project, 'entries')}")
    for kind, dataset, name, body in rows.fetchall():
        entry = ADAPTERS[kind].validate_json(body)
        if isinstance(entry, Dataset):
            datasets[dataset] = entry
        elif isinstance(entry, Table):
            tables.setdefault(dataset, {})[name] = entry
        else:
            routines.setdefault(dataset, {})[name] = entry
    return Catalog(project, datasets, tables, routines)


def put(cursor: duckdb.DuckDBPyConnection, entry: Entry) -> None:
    """Write one entry in place of the one of that name, in the caller's transaction."""
    kind, dataset, name = _key(entry)
    remove(cursor, entry.ref.project, kind, dataset, name)
    body = ADAPTERS[kind].dump_json(entry).decode()
    target = rows_of(entry.ref.project, "entries")
    cursor.execute(f"INSERT INTO {target} VALUES (?, ?, ?, ?)", [kind, dataset, name, body])


def remove(
    cursor: duckdb.DuckDBPyConnection, project: str, kind: str, dataset: str, name: str
) -> None:
    cursor.execute(
        f"DELETE FROM {rows_of(project, 'entries')} WHERE kind = ? AND dataset = ? AND name = ?",
        [kind, dataset, name],
    )


def _key(entry: Entry) -> tuple[str, str, str]:
    ref: DatasetRef | TableRef = entry.ref
    name = ref.table if isinstance(ref, TableRef) else ""
    if isinstance(entry, Dataset):
        return "dataset", ref.dataset, name
    return ("table" if isinstance(entry, Table) else "routine"), ref.dataset, name
