"""Type names of the SQL group."""

from typing import Final

_JDBC: Final = "io.kestra.plugin.jdbc"
_HERE: Final = "mainstem.plugins.jdbc"

TYPES: Final = {
    f"{_JDBC}.{package}.{name}": f"{_HERE}.{module}:{name}"
    for package, module, names in (
        ("postgresql", "postgresql",
         ("Query", "Queries", "Batch", "Trigger", "CopyIn", "CopyOut")),
        ("duckdb", "duck", ("Query", "Queries", "Trigger")),
        ("sqlite", "sqlite", ("Query", "Queries", "Batch", "Trigger")),
        ("mysql", "mysql", ("Query", "Queries", "Batch", "Trigger")),
    )
    for name in names
}  # fmt: skip

ALIASES: Final[dict[str, str]] = {}
