"""Rings: what takes seconds rather than milliseconds is marked `heavy` by where it lies."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from demo.processes import Children, DemoError
from tests.postgres import PostgresServer, start_server

HERE = Path(__file__).parent
# Run by one worker: its fixtures are dear, or two of them would be in each other's way.
GROUPED = (
    "browser/",
    "containers/",
    "e2e/",
    "localgcp/test_localgcp_dbt",
    "plugins/",
    "terraform/",
)
HEAVY = ("cluster", "dbt", "e2e", "demo", "conformance", "localgcp/test_localgcp_dbt.py", "plugins")


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
        elif place.startswith(GROUPED):
            item.add_marker(pytest.mark.xdist_group(place.partition("/")[0]))


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    """A real server for the whole run; `fresh()` gives each test a database of its own."""
    folder = tmp_path_factory.mktemp("postgres")
    with Children(folder / "logs") as children:
        try:
            server = start_server(children, folder)
        except DemoError as problem:
            pytest.skip(f"no PostgreSQL: {problem}")
        yield server


@pytest.fixture
def postgres_url(postgres_server: PostgresServer) -> str:
    """An empty database."""
    return postgres_server.fresh()
