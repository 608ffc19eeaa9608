"""The dbt project builds, adds what is new, tells what is wrong, and documents what it makes.

The tests of one warehouse follow each other: each continues where the one before left off.
"""

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.dbt.warehouses import PROJECT, ROWS, Build, Warehouse, dbt, load_months

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("dbt")


@pytest.fixture(scope="module")
def first(warehouse: Warehouse, folder: Path) -> Build:
    load_months(warehouse, folder, "2019-01", "2020-02")
    return dbt(warehouse, folder, "build")


def test_every_model_seed_snapshot_and_test_succeeds(first: Build) -> None:
    assert first.exit_code == 0, first.text
    assert first.failed == set()
    assert len(first.of_kind("model")) == 6
    assert len(first.of_kind("seed")) == 3
    assert len(first.of_kind("snapshot")) == 1
    assert len(first.of_kind("test")) >= 60


def test_trips_keep_their_numbers_on_the_way_and_only_wrong_clocks_drop_out(
    warehouse: Warehouse, first: Build
) -> None:
    assert first.exit_code == 0, first.text
    ((trips, voided, total),) = warehouse.query(
        "select count(*), sum(case when is_void then 1 else 0 end), sum(total_amount) "
        "from fct_trips"
    )
    ((monthly, monthly_total),) = warehouse.query(
        "select sum(trips), sum(total_amount) from monthly_zone_revenue"
    )
    assert 4 * ROWS * 0.995 < trips < 4 * ROWS
    assert trips == monthly
    assert voided > 0
    assert abs(float(total) - float(monthly_total)) < 0.01
    months = warehouse.query("select distinct source_month from int_trips order by 1")
    booked = warehouse.query("select distinct revenue_month from monthly_zone_revenue order by 1")
    assert months == booked


def test_documented_columns_are_the_columns_that_exist(warehouse: Warehouse, first: Build) -> None:
    assert first.exit_code == 0, first.text
    for relation, columns in documented().items():
        assert set(warehouse.columns(relation)) == columns, relation


def documented() -> dict[str, set[str]]:
    """Relation to documented columns; fails where a description is missing."""
    found: dict[str, set[str]] = {}
    for path in [*PROJECT.glob("models/*/_*.yml"), PROJECT / "seeds" / "_seeds.yml"]:
        content = yaml.safe_load(path.read_text())
        nodes: list[dict[str, Any]] = [*content.get("models", ()), *content.get("seeds", ())]
        for node in nodes:
            assert node["description"], node["name"]
            assert all(column["description"] for column in node["columns"]), node["name"]
            found[node["name"]] = {column["name"] for column in node["columns"]}
    assert len(found) == 9
    return found


def test_descriptions_reach_the_warehouse(warehouse: Warehouse, first: Build) -> None:
    assert first.exit_code == 0, first.text
    described = warehouse.columns("fct_trips")
    assert described["is_void"] == "Whether this row takes an earlier ride back."
    assert all(described.values())


def test_a_month_that_arrives_later_is_added_and_nothing_else_changes(
    warehouse: Warehouse, first: Build, folder: Path
) -> None:
    question = (
        "select source_file, count(*), sum(total_amount) from fct_trips group by 1 order by 1"
    )
    before = warehouse.query(question)
    load_months(warehouse, folder, "2019-06")
    assert dbt(warehouse, folder, "build").exit_code == 0
    after = warehouse.query(question)
    assert [row for row in after if "2019-06" not in row[0]] == before
    assert len(after) == len(before) + 2


def test_a_changed_zone_name_is_kept_in_the_history(
    warehouse: Warehouse, first: Build, folder: Path
) -> None:
    warehouse.execute("update dim_zones set zone = 'Old Name' where location_id = 7")
    assert dbt(warehouse, folder, "snapshot").exit_code == 0
    question = "select zone, dbt_valid_to is null from zone_history where location_id = 7"
    versions = warehouse.query(question)
    assert len(versions) == 2
    assert ("Old Name", True) in versions


def test_bad_rows_fail_the_tests_that_name_them(
    warehouse: Warehouse, first: Build, folder: Path
) -> None:
    lately = "where filename like '%2020-02%'"
    warehouse.execute(f"update yellow_tripdata set trip_distance = -1 {lately}")
    warehouse.execute(f"update green_tripdata set PULocationID = '999' {lately}")
    build = dbt(warehouse, folder, "build")
    assert build.exit_code == 1
    assert build.failed == {
        "within_stg_yellow_trips_miles__0__500",
        "within_stg_green_trips_pickup_location_id__1__265",
    }
