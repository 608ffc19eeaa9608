"""The DuckDB macros of `macros.sql`; installed once per DuckDB instance."""

from pathlib import Path
from typing import Any


def install(connection: Any) -> None:  # a duckdb connection, which has no types
    """Create the macros in the connection's current database; idempotent."""
    connection.execute("LOAD icu")
    connection.execute(Path(__file__).with_name("macros.sql").read_text(encoding="utf-8"))
