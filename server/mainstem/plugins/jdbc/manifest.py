"""Type names of the SQL group."""

from typing import Final

_JDBC: Final = "io.kestra.plugin.jdbc"
_HERE: Final = "mainstem.plugins.jdbc"

TYPES: Final = {
    f"{_JDBC}.postgresql.Query": f"{_HERE}.postgresql:Query",
    f"{_JDBC}.postgresql.Queries": f"{_HERE}.postgresql:Queries",
    f"{_JDBC}.postgresql.CopyIn": f"{_HERE}.postgresql:CopyIn",
    f"{_JDBC}.postgresql.CopyOut": f"{_HERE}.postgresql:CopyOut",
    f"{_JDBC}.duckdb.Query": f"{_HERE}.duck:Query",
    f"{_JDBC}.duckdb.Queries": f"{_HERE}.duck:Queries",
}

ALIASES: Final[dict[str, str]] = {}
