"""dbt-bigquery builds a project twice, with its real adapter, in processes of its own."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from google.cloud import bigquery

from mainstem.localgcp.launch import LocalGcp
from tests.localgcp.clients import PROJECT, bigquery_client, storage_client

SOURCE = Path(__file__).parent / "dbt"
HEADER = "vendor_id,pickup_at,zone_id,miles,fare\n"
FIRST = (
    "1,2024-01-01 10:00:00,1,2.0,10.5\n"
    "2,2024-01-01 11:00:00,2,0.0,7\n"
    "1,2024-01-02 12:00:00,3,4.0,20\n"
    "1,2024-01-02 12:00:00,3,4.0,19\n"
)
SECOND = "2,2024-01-02 13:00:00,4,1.0,5\n1,2024-01-03 09:00:00,1,3.0,9.25\n"
CHANGED_ZONE = (
    "4,Alphabet City,Manhattan,2024-01-01 00:00:00",
    "4,ABC,Manhattan,2024-02-01 00:00:00",
)


@dataclass(frozen=True)
class Dbt:
    """One copy of the project and the environment it runs in."""

    project: Path
    environment: Mapping[str, str]

    def run(self, *arguments: str) -> dict[str, str]:
        """Run dbt; the status of every node by its name."""
        argv = [sys.executable, "-m", "dbt.cli.main", *arguments]
        answer = subprocess.run(
            [*argv, "--profiles-dir", "."],
            cwd=self.project,
            env={**os.environ, **self.environment},
            capture_output=True,
            text=True,
        )
        assert answer.returncode == 0, answer.stdout[-6000:] + answer.stderr[-2000:]
        results = json.loads((self.project / "target" / "run_results.json").read_text())["results"]
        return {one["unique_id"].split(".")[2]: one["status"] for one in results}


@dataclass(frozen=True)
class Warehouse:
    """What two builds left behind, and a client to look at it."""

    client: bigquery.Client
    first: dict[str, str]
    second: dict[str, str]
    dbt: Dbt

    def rows(self, sql: str) -> list[tuple[object, ...]]:
        return [tuple(row.values()) for row in self.client.query_and_wait(sql)]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> object:
    folder = tmp_path_factory.mktemp("dbt")
    with LocalGcp(folder / "state", project=PROJECT) as cloud:
        key = cloud.key()
        keyfile = folder / "key.json"
        keyfile.write_text(json.dumps(key))
        storage, client = storage_client(cloud, key), bigquery_client(cloud, key)
        lake = storage.create_bucket("lake")
        lake.blob("trips/one.csv").upload_from_string(HEADER + FIRST)
        _create_source(client)
        project = Path(shutil.copytree(SOURCE, folder / "project"))
        dbt = Dbt(project, _environment(cloud, keyfile))
        first = dbt.run("build")
        lake.blob("trips/two.csv").upload_from_string(HEADER + SECOND)
        zones = project / "seeds" / "zones.csv"
        zones.write_text(zones.read_text().replace(*CHANGED_ZONE))
        second = dbt.run("build")
        yield Warehouse(client, first, second, dbt)
        client.close()
        storage.close()


def _create_source(client: bigquery.Client) -> None:
    client.query_and_wait("CREATE SCHEMA lake OPTIONS (location = 'EU')")
    client.query_and_wait(
        "CREATE EXTERNAL TABLE lake.trips "
        "(vendor_id STRING, pickup_at TIMESTAMP, zone_id INT64, miles FLOAT64, fare FLOAT64) "
        "OPTIONS (format = 'CSV', uris = ['gs://lake/trips/*.csv'], skip_leading_rows = 1)"
    )


def _environment(cloud: LocalGcp, keyfile: Path) -> dict[str, str]:
    return {
        "LOCAL_GCP_METHOD": "service-account",
        "LOCAL_GCP_KEYFILE": str(keyfile),
        "LOCAL_GCP_BIGQUERY": cloud.endpoints.bigquery,
        "LOCAL_GCP_PROJECT": PROJECT,
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
    }


pytestmark = pytest.mark.timeout(300)


def test_every_node_succeeds_in_both_builds(built: Warehouse) -> None:
    assert len(built.first) >= 18
    assert set(built.first.values()) == {"success", "pass"}
    assert built.second == built.first


def test_the_merge_adds_new_rows_and_keeps_one_of_each(built: Warehouse) -> None:
    rows = built.rows(
        "SELECT CAST(pickup_date AS STRING), COUNT(*), COUNT(DISTINCT trip_id), "
        "CAST(SUM(fare) AS STRING) FROM analytics.fct_trips GROUP BY 1 ORDER BY 1"
    )
    assert rows == [
        ("2024-01-01", 2, 2, "17.5"),
        ("2024-01-02", 2, 2, "25"),
        ("2024-01-03", 1, 1, "9.25"),
    ]


def test_the_overwrite_replaces_the_partitions_it_computes(built: Warehouse) -> None:
    rows = built.rows(
        "SELECT CAST(pickup_date AS STRING), trips, boroughs, best.vendor_id "
        "FROM analytics.daily_revenue ORDER BY 1"
    )
    assert rows == [
        ("2024-01-01", 2, ["EWR", "Queens"], 1),
        ("2024-01-02", 2, ["Bronx", "Manhattan"], 1),
        ("2024-01-03", 1, ["EWR"], 1),
    ]


def test_a_static_overwrite_leaves_other_partitions_alone(built: Warehouse) -> None:
    rows = built.rows(
        "SELECT CAST(pickup_date AS STRING), CAST(revenue AS STRING) "
        "FROM analytics.static_revenue ORDER BY 1"
    )
    assert rows == [("2024-01-01", "17.5"), ("2024-01-02", "25")]


@pytest.mark.parametrize("snapshot", ["zones_by_time", "zones_by_value"])
def test_a_snapshot_remembers_what_a_row_was(built: Warehouse, snapshot: str) -> None:
    rows = built.rows(
        f"SELECT zone, dbt_valid_to IS NULL FROM analytics_snapshots.{snapshot} "
        f"WHERE zone_id = 4 ORDER BY dbt_valid_from"
    )
    assert rows == [("Alphabet City", False), ("ABC", True)]
    assert built.rows(f"SELECT COUNT(*) FROM analytics_snapshots.{snapshot}") == [(5,)]


def test_partitioning_clustering_labels_and_expiry_are_what_the_model_says(
    built: Warehouse,
) -> None:
    table = built.client.get_table("analytics.fct_trips")
    assert table.time_partitioning.field == "pickup_date"
    assert table.time_partitioning.type_ == "DAY"
    assert table.clustering_fields == ["zone_id", "vendor_id"]
    assert table.labels["owner"] == "analytics"
    assert built.client.get_table("analytics.dim_zones").expires is not None


def test_descriptions_are_persisted_on_relations_columns_and_nested_fields(
    built: Warehouse,
) -> None:
    table = built.client.get_table("analytics.dim_zones")
    assert table.description == "One row per zone, under contract"
    fields = {field.name: field for field in table.schema}
    assert fields["zone_id"].description == "Number of the zone"
    assert fields["zone_id"].mode == "REQUIRED"
    assert fields["place"].fields[0].description == "Name inside the struct"
    assert built.client.get_table("analytics.stg_trips").table_type == "VIEW"
    assert built.client.get_table("lake.trips").table_type == "EXTERNAL"


def test_dbt_documents_the_catalog(built: Warehouse) -> None:
    built.dbt.run("docs", "generate", "--no-compile")
    catalog = json.loads((built.dbt.project / "target" / "catalog.json").read_text())
    node = catalog["nodes"]["model.local_gcp_tests.fct_trips"]
    assert {"trip_id", "borough"} <= set(node["columns"])
    assert "source.local_gcp_tests.lake.trips" in catalog["sources"]


def test_dbt_measures_how_fresh_a_source_is(built: Warehouse) -> None:
    built.dbt.run("source", "freshness")


def test_a_contract_that_is_broken_fails_the_build(built: Warehouse) -> None:
    model = built.dbt.project / "models" / "marts" / "dim_zones.sql"
    good = model.read_text()
    model.write_text(good.replace("zone_id,", "cast(zone_id as string) as zone_id,"))
    try:
        with pytest.raises(AssertionError, match="contract"):
            built.dbt.run("run", "--select", "dim_zones")
    finally:
        model.write_text(good)


def test_a_token_of_nobody_s_works_as_the_documentation_says(built: Warehouse) -> None:
    dbt = Dbt(built.dbt.project, {**built.dbt.environment, "LOCAL_GCP_METHOD": "oauth-secrets"})
    assert dbt.run("run", "--select", "stg_trips") == {"stg_trips": "success"}
