"""Legal names, and how case-sensitive ones become DuckDB's case-insensitive ones."""

import re
from typing import Final

from mainstem.localgcp.bigquery.errors import BigQueryError, invalid
from mainstem.localgcp.bigquery.model import DatasetRef, TableRef
from mainstem.localgcp.bigquery.sql.types import quote

RESULTS: Final = "^results"
"""The in-memory database that holds the anonymous result tables of query jobs."""

CATALOG: Final = "^catalog"
"""The schema of every project file that holds the emulator's own tables."""

ANONYMOUS: Final = "_anonymous"
"""The dataset that anonymous result tables are reported under."""

TAKEN: Final = frozenset({"main", "temp", "system", "pg_catalog", "information_schema", "memory"})
UPPER: Final = re.compile("[A-Z]")
PROJECT: Final = re.compile(r"(?:[a-z0-9.-]+:)?[a-z][a-z0-9-]{1,62}")
DATASET: Final = re.compile(r"\w{1,1024}", re.ASCII)
TABLE: Final = re.compile(r"[^\W]?[\w \-]{1,1024}", re.UNICODE)
COLUMN: Final = re.compile(r"[^\W\d][\w\- ]{0,299}|_[\w\- ]{0,299}", re.UNICODE)
RESERVED_PREFIXES: Final = (
    "_table_", "_file_", "_partition", "_row_timestamp", "__root__", "_colidentifier",
)  # fmt: skip


def physical(name: str) -> str:
    """An injective spelling without capitals, so that `Trips` and `trips` stay two tables."""
    spelled = UPPER.sub(lambda match: "^" + match.group().lower(), name)
    return f"^^{spelled}" if spelled in TAKEN else spelled


def database(project: str) -> str:
    """The alias under which a project's file is attached, quoted."""
    return quote(f"p^{project}")


def relation(ref: TableRef) -> str:
    """A table as DuckDB SQL."""
    if ref.dataset == ANONYMOUS:
        return f"{quote(RESULTS)}.main.{quote(ref.table)}"
    return f"{schema(ref.dataset_ref)}.{quote(physical(ref.table))}"


def schema(ref: DatasetRef) -> str:
    """A dataset as DuckDB SQL."""
    return f"{database(ref.project)}.{quote(physical(ref.dataset))}"


def check_project(project: str) -> str:
    if not PROJECT.fullmatch(project):
        raise invalid(
            f"Invalid project ID '{project}'. Project IDs must contain 6-63 lowercase letters, "
            "digits, or dashes. IDs must start with a letter and may not end with a dash."
        )
    return project


def check_dataset(ref: DatasetRef) -> DatasetRef:
    if not DATASET.fullmatch(ref.dataset):
        raise invalid(
            f'Invalid dataset ID "{ref.dataset}". Dataset IDs must be alphanumeric (plus '
            "underscores) and must be at most 1024 characters long."
        )
    return ref


def check_table(ref: TableRef) -> TableRef:
    if "$" in ref.table or "@" in ref.table:
        raise invalid(
            "The local BigQuery emulator does not support partition and time decorators "
            f'such as "{ref.table}".'
        )
    if not TABLE.fullmatch(ref.table):
        raise invalid(
            f'Invalid table ID "{ref.table}". Table IDs must be alphanumeric (plus underscores) '
            "and must be at most 1024 characters long."
        )
    return ref


def check_column(name: str) -> str:
    lowered = name.lower()
    if COLUMN.fullmatch(name) and not lowered.startswith(RESERVED_PREFIXES):
        return name
    raise BigQueryError(
        "invalid",
        f'Invalid field name "{name}". Fields must contain the allowed characters, and be at '
        "most 300 characters long. For allowed characters, please refer to "
        "https://cloud.google.com/bigquery/docs/schemas#column_names",
    )
