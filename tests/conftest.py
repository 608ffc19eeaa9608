"""Rings: what takes seconds rather than milliseconds is marked `heavy` by where it lies."""

import logging
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from xdist.scheduler import LoadScopeScheduling

from demo.processes import Children, DemoError
from tests.postgres import PostgresServer, start_server
from tests.stores import on_postgresql, on_sqlite

HERE = Path(__file__).parent
# Run by one worker: its fixtures are dear, or two of them would be in each other's way.
GROUPED = ("browser/", "containers/", "storage/", "terraform/")
# Begun first, so that no worker is left alone with one of them.
LONGEST = ("containers/", "engine/test_simulation.py")
HEAVY = (
    "cluster/",
    "conformance/",
    "dbt/",
    "demo/",
    "e2e/",
    "operate/",
    "plugins/",
    # Emulators as processes of their own; what SQL means is told by localgcp/bigquery_sql.
    "localgcp/bigquery/",
    "localgcp/test_",
    # Git over the network, gpg and ssh; what a sync decides is in the other files.
    *(
        f"gitsync/test_{name}.py"
        for name in ("api", "forge", "partial", "push", "signatures", "sources", "tls", "upkeep")
    ),
    "api/test_clients.py",
    "api/test_isolation.py",
    "names/test_keys.py",
    "names/test_masking.py",
    "names/test_secret_sources.py",
    "services/test_providers.py",
    "services/test_triggers_api.py",
    # Random tests that look for what nobody thought of.
    "engine/test_simulation.py",
    "unit/expr/test_expr_fuzz.py",
    "unit/flowspec/test_flowspec_fuzz.py",
    # Every page of every kind; what a page holds is in the other files.
    "ui/test_pages.py",
    "ui/test_plugin_pages.py",
)
HEAVY_NAMES = (
    "[postgresql",
    "test_no_data_makes_the_parser_raise",
    "test_no_request_breaks_the_server",
    "test_the_generated_reference_pages_are_current",
    "types_are_sound",
)
settings.register_profile("loaded", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("loaded")  # other tests take their share of the machine


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Do not even import what the ring leaves out, unless it is named on the command line."""
    named = any(Path(name.split("::")[0]).resolve() != HERE for name in config.args)
    if named or "not heavy" not in config.option.markexpr or collection_path == HERE:
        return None
    place = f"{collection_path.relative_to(HERE)}{'/' if collection_path.is_dir() else ''}"
    return True if place.startswith(HEAVY) else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: not str(item.path.relative_to(HERE)).startswith(LONGEST))
    for item in items:
        place = str(item.path.relative_to(HERE))
        if place.startswith(HEAVY) or any(name in item.name for name in HEAVY_NAMES):
            item.add_marker(pytest.mark.heavy)
        if place.startswith("dbt/") and _warehouse(item.name) == "bigquery":
            item.add_marker(pytest.mark.slow)  # `make demo` builds the same on BigQuery


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling:
    config.option.loadscopereorder = False  # it would leave the longest test to the end
    return Grouping(config, log)


class Grouping(LoadScopeScheduling):
    """One worker for each file, and for each group of files."""

    def _split_scope(self, nodeid: str) -> str:
        place = nodeid.removeprefix("tests/")
        if place.startswith("dbt/"):
            return f"dbt-{_warehouse(nodeid)}"  # builds a warehouse once
        return next((group for group in GROUPED if place.startswith(group)), place.split("::")[0])


def _warehouse(name: str) -> str:
    return name.rpartition("[")[2].rstrip("]")


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


@pytest.fixture(scope="session", autouse=True)
def chosen_store(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[None]:
    """`MAINSTEM_TEST_STORE=postgresql` runs on PostgreSQL what would run on SQLite."""
    if os.environ.get("MAINSTEM_TEST_STORE") != "postgresql":
        with on_sqlite(tmp_path_factory.mktemp("template")):
            yield
        return
    server: PostgresServer = request.getfixturevalue("postgres_server")
    with on_postgresql(server.database.url):
        yield


@pytest.fixture(autouse=True)
def log_as_before() -> Iterator[None]:
    """A command sends the log to the standard error of its own test only."""
    logger = logging.getLogger("mainstem")
    before = logger.handlers[:], logger.level, logger.propagate
    yield
    logger.handlers[:], logger.level, logger.propagate = before


@pytest.fixture
def postgres_url(postgres_server: PostgresServer) -> str:
    """A database of its own whose schema is made."""
    return postgres_server.ready()
