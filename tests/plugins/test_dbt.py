"""dbt as a task: on a DuckDB file and on BigQuery of this machine."""

import json
from typing import Any

import pytest
import yaml
from google.cloud import bigquery

from mainstem.localgcp.launch import LocalGcp
from mainstem.model.state import State
from tests.localgcp.clients import PROJECT, bigquery_client
from tests.plugins.bench import NAMESPACE, Bench, task

pytestmark = pytest.mark.timeout(180)

CLI = "dbt.cli.DbtCLI"
SCHEMA = {
    "models": [
        {
            "name": "trips",
            "columns": [{"name": "n", "data_tests": ["unique", "not_null"]}],
        }
    ]
}
TWICE = "select 1 as n union all select 1"


def project(model: str = "select 1 as n", **more: str) -> dict[str, Any]:
    """`inputFiles` of a small project."""
    described = {"name": "small", "version": "1.0", "profile": "small", "model-paths": ["models"]}
    return {
        "dbt_project.yml": yaml.safe_dump(described),
        "models/trips.sql": model,
        "models/schema.yml": yaml.safe_dump(SCHEMA),
        **more,
    }


def profile(**output: object) -> str:
    return yaml.safe_dump({"small": {"target": "dev", "outputs": {"dev": output}}})


DUCKDB = profile(type="duckdb", path="small.duckdb", threads=1)


def dbt(**properties: Any) -> dict[str, Any]:
    given = {"commands": ["dbt build"], "inputFiles": project(), "projectDir": "."}
    return task(CLI, **{**given, **properties})


def test_models_and_tests_are_task_runs_with_their_own_end(bench: Bench) -> None:
    bench.app.kv.delete(NAMESPACE, "manifest")
    found = bench.run(
        dbt(inputFiles=project(TWICE), profiles=DUCKDB, storeManifest={"key": "manifest"},
            outputFiles=["*.duckdb"])
    )  # fmt: skip
    assert found.state is State.FAILED
    assert found.states["model.small.trips"] is State.SUCCESS
    [unique] = [name for name in found.states if name.startswith("test.small.unique_trips_n")]
    [not_null] = [name for name in found.states if "not_null" in name]
    assert found.states[unique] is State.FAILED
    assert found.states[not_null] is State.SUCCESS
    parents = {run.parent_id for run in found.runs if run.task_id != "t"}
    assert parents == {run.id for run in found.runs if run.task_id == "t"}
    assert "ERROR dbt: 1 failed: " in found.errors
    assert unique in found.errors
    assert "Got 1 result, configured to fail if != 0" in found.errors
    outputs = found.outputs["t"]
    assert outputs["counts"] == {"success": 1, "pass": 1, "fail": 1}
    assert {"manifest.json", "run_results.json", "small.duckdb"} <= set(outputs["outputFiles"])
    manifest = bench.app.kv.get(NAMESPACE, "manifest").entry.value
    assert isinstance(manifest, dict)
    assert "model.small.trips" in manifest["nodes"]


def test_a_model_that_does_not_compile_is_named(bench: Bench) -> None:
    found = bench.run(dbt(inputFiles=project("select nothing from nowhere"), profiles=DUCKDB))
    assert found.state is State.FAILED
    assert found.states["model.small.trips"] is State.FAILED
    assert "model.small.trips" in found.errors
    assert "nowhere" in found.errors
    skipped = [state for name, state in found.states.items() if name.startswith("test.")]
    assert skipped == [State.SKIPPED, State.SKIPPED]


def test_a_profile_of_the_project_may_hold_expressions_of_dbt(bench: Bench) -> None:
    own = DUCKDB.replace("small.duckdb", "\"{{ env_var('DUCK_FILE') }}\"")
    bench.put_file("dbt-own/profiles.yml", own, "plugins.dbt")
    for name, content in project().items():
        bench.put_file(f"dbt-own/{name}", content, "plugins.dbt")
    found = bench.run(
        task(
            "dbt.cli.Build",
            namespaceFiles={"enabled": True},
            projectDir="dbt-own",
            env={"DUCK_FILE": "named.duckdb"},
            outputFiles=["**/*.duckdb", "*.duckdb"],
        ),
        namespace="plugins.dbt",
    )
    assert found.state is State.SUCCESS, found.errors
    assert any("named.duckdb" in name for name in found.outputs["t"]["outputFiles"])


@pytest.mark.parametrize(
    ("properties", "said"),
    [
        ({"inputFiles": {"readme.txt": "x"}}, "there is no dbt_project.yml"),
        ({"profiles": "other: {}"}, "dbt_project.yml asks for profile `small`"),
        ({"profiles": "- a list"}, "`profiles` must be a map of profile names"),
        (
            {"profiles": "small: {target: prod, outputs: {dev: {type: duckdb}}}"},
            "profile `small` has no output `prod` (it has `dev`)",
        ),
        ({}, "the KV store has no GCP_PROJECT_ID and no GCP_DATASET"),
        ({"projectDir": "../x"}, "leaves the working directory"),
    ],
)
def test_what_is_missing_is_told_before_dbt_starts(
    bench: Bench, properties: dict[str, Any], said: str
) -> None:
    found = bench.run(dbt(**properties))
    assert found.state is State.FAILED
    assert said in found.errors


@pytest.fixture(scope="module")
def client(cloud: LocalGcp, key: dict[str, str]) -> bigquery.Client:
    made = bigquery_client(cloud, key)
    made.create_dataset("dbt_small")
    return made


def test_the_profile_comes_from_the_kv_store_and_models_reach_bigquery(
    gcp: Bench, client: bigquery.Client, key: dict[str, str]
) -> None:
    gcp.set_kv(GCP_DATASET="dbt_small", GCP_LOCATION="US")
    model = "{{ '{{' }} config(materialized='table') {{ '}}' }} select 7 as n"
    found = gcp.run(dbt(inputFiles=project(model)))
    assert found.state is State.SUCCESS, found.errors
    assert found.states["model.small.trips"] is State.SUCCESS
    assert [row.n for row in client.query("select n from dbt_small.trips").result()] == [7]
    said = "\n".join(found.logs)
    assert f"project {PROJECT} (dbt: database), dataset dbt_small (dbt: schema)" in said
    assert key["private_key"] not in said
    assert json.dumps(key["private_key"])[1:-1] not in said


def bigquery_profile(cloud: LocalGcp, **changes: object) -> str:
    given = {
        "type": "bigquery",
        "method": "oauth",
        "project": PROJECT,
        "dataset": "dbt_small",
        "location": "US",
        "threads": 1,
    }
    return profile(**{**given, **changes})


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"project": "dbt_small", "dataset": PROJECT}, "project and dataset are swapped"),
        ({"dataset": "not_there"}, "there is no dataset `not_there` in project"),
        ({"location": "EU"}, "dataset `dbt_small` is in US, but the profile says location EU"),
        ({"dataset": ""}, "needs `project` (the Google project) and `dataset`"),
    ],
)
def test_a_wrong_target_is_explained_before_dbt_starts(
    gcp: Bench, cloud: LocalGcp, client: bigquery.Client, changes: dict[str, object], said: str
) -> None:
    found = gcp.run(dbt(profiles=bigquery_profile(cloud, **changes)))
    assert found.state is State.FAILED
    assert said in found.errors
    assert list(found.states) == ["t"]


def test_a_target_that_only_dbt_can_work_out_is_left_to_dbt(
    gcp: Bench, cloud: LocalGcp, client: bigquery.Client
) -> None:
    changed = bigquery_profile(cloud, dataset="SET").replace("SET", "\"{{ env_var('SET') }}\"")
    gcp.put_file("expr/profiles.yml", changed, "plugins.dbt")
    for name, content in project().items():
        gcp.put_file(f"expr/{name}", content, "plugins.dbt")
    found = gcp.run(
        task(CLI, commands=["dbt ls"], namespaceFiles={"enabled": True}, projectDir="expr",
             env={"SET": "dbt_small"}),
        namespace="plugins.dbt",
    )  # fmt: skip
    assert found.state is State.SUCCESS, found.errors
