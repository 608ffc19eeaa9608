"""A warehouse of each kind that the project supports and this machine can run."""

from collections.abc import Iterator

import pytest

from demo import postgres
from demo.processes import Children
from mainstem.localgcp.launch import LocalGcp
from tests.dbt.bigquery import PROJECT_ID, BigQuery
from tests.dbt.warehouses import DuckDB, PostgreSQL, Warehouse


@pytest.fixture(scope="module", params=["duckdb", "postgres", "bigquery"])
def warehouse(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Warehouse]:
    folder = tmp_path_factory.mktemp(request.param)
    if request.param == "duckdb":
        yield DuckDB(folder / "taxi.duckdb")
        return
    if request.param == "bigquery":
        with LocalGcp(folder / "cloud", project=PROJECT_ID) as local:
            warehouse = BigQuery(local, folder)
            yield warehouse
            warehouse.close()
        return
    with Children(folder / "logs") as children:
        yield PostgreSQL(postgres.start(children, folder / "postgres"))
