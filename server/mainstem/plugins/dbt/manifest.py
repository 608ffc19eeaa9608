"""Type names of the dbt group."""

from typing import Final

_DBT: Final = "io.kestra.plugin.dbt.cli"
_NAMES: Final = (
    "DbtCLI", "Build", "Run", "Test", "Seed", "Snapshot", "Compile", "Deps", "List", "Freshness",
)  # fmt: skip

TYPES: Final = {f"{_DBT}.{name}": f"mainstem.plugins.dbt.cli:{name}" for name in _NAMES}

ALIASES: Final[dict[str, str]] = {}
