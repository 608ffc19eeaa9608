"""Rings: what takes seconds rather than milliseconds is marked `heavy` by where it lies."""

from pathlib import Path

import pytest

HERE = Path(__file__).parent
HEAVY = ("dbt", "e2e", "demo", "conformance", "localgcp/test_localgcp_dbt.py", "plugins")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        place = str(item.path.relative_to(HERE))
        if place.startswith(HEAVY) or "types_are_sound" in item.name:
            item.add_marker(pytest.mark.heavy)
        if place.startswith("dbt/"):
            # One worker builds a warehouse once; `make demo` builds the same on BigQuery.
            warehouse = item.name.rpartition("[")[2].rstrip("]")
            item.add_marker(pytest.mark.xdist_group(f"dbt-{warehouse}"))
            if warehouse == "bigquery":
                item.add_marker(pytest.mark.slow)
        elif place.startswith(("localgcp/test_localgcp_dbt", "plugins/", "e2e/")):
            item.add_marker(pytest.mark.xdist_group(place.partition("/")[0]))
