"""BigQuery tasks against a local Google Cloud, signed in with a service-account key."""

from typing import Any

import pytest
from google.cloud import bigquery

from mainstem.localgcp.launch import LocalGcp
from mainstem.model.state import State
from tests.localgcp.clients import PROJECT, bigquery_client, storage_client
from tests.plugins.bench import Bench, task, written
from tests.plugins.test_gcs import SIGNED_IN


def bq(kind: str, id_: str = "t", **properties: Any) -> dict[str, Any]:
    return task(f"gcp.bigquery.{kind}", id_, **{**SIGNED_IN, **properties})


@pytest.fixture(scope="module")
def client(cloud: LocalGcp, key: dict[str, str]) -> bigquery.Client:
    return bigquery_client(cloud, key)


@pytest.fixture(scope="module", autouse=True)
def dataset(client: bigquery.Client) -> str:
    return client.create_dataset("plugin_data").dataset_id


ROWS = "select 1 as n, 'a' as s union all select 2, null order by n"


def test_rows_are_fetched_as_asked(gcp: Bench) -> None:
    found = gcp.run(
        bq("Query", "all", sql=ROWS, fetchType="FETCH"),
        bq("Query", "one", sql=ROWS, fetchType="FETCH_ONE"),
        bq("Query", "stored", sql=ROWS, fetchType="STORE"),
        bq("Query", "none", sql=ROWS),
        bq("Query", "old", sql=ROWS, fetch=True),
    )
    assert found.state is State.SUCCESS, found.errors
    outputs, rows = found.outputs, [{"n": 1, "s": "a"}, {"n": 2, "s": None}]
    assert outputs["all"]["rows"] == outputs["old"]["rows"] == rows
    assert (outputs["one"]["row"], outputs["one"]["size"]) == (rows[0], 1)
    assert found.text(outputs["stored"]["uri"]) == '{n:1,s:"a"}\n{n:2,s:null}\n'
    assert "rows" not in outputs["none"]
    assert outputs["none"]["jobId"]


def test_a_script_creates_fills_and_merges_a_table(gcp: Bench, client: bigquery.Client) -> None:
    found = gcp.run(
        bq("Query", "make", sql="create table plugin_data.t (n int64, s string)"),
        bq("Query", "fill", sql="insert into plugin_data.t values (1, 'a'), (2, 'b')"),
        bq(
            "Query",
            "merge",
            sql="merge plugin_data.t t using (select 2 n, 'c' s union all select 3, 'd') x "
            "on t.n = x.n when matched then update set s = x.s "
            "when not matched then insert (n, s) values (x.n, x.s)",
        ),
        bq("Query", "to", sql="select n from plugin_data.t", destinationTable="plugin_data.ns",
           writeDisposition="WRITE_TRUNCATE"),
    )  # fmt: skip
    assert found.state is State.SUCCESS, found.errors
    assert found.outputs["fill"]["affectedRows"] == 2
    assert found.outputs["merge"]["affectedRows"] == 2
    assert found.outputs["to"]["destinationTable"]["table"] == "ns"
    rows = client.query("select s from plugin_data.t order by n").result()
    assert [row.s for row in rows] == ["a", "c", "d"]


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("selec 1", "Syntax error"),
        ("select * from plugin_data.nothing", "plugin_data.nothing"),
        ("select * from no_such_dataset.t", "no_such_dataset"),
    ],
)
def test_a_failing_query_has_bigquerys_words(gcp: Bench, sql: str, said: str) -> None:
    found = gcp.run(bq("Query", sql=sql))
    assert found.state is State.FAILED
    assert "the query failed: " in found.errors
    assert said in found.errors


@pytest.mark.parametrize(
    ("policy", "state"),
    [("SKIP", State.SUCCESS), ("UPDATE", State.SUCCESS), ("ERROR", State.FAILED)],
)
def test_a_dataset_that_exists_is_treated_as_asked(
    gcp: Bench, client: bigquery.Client, policy: str, state: State
) -> None:
    name = f"kept_{policy.lower()}"
    client.create_dataset(name)
    found = gcp.run(bq("CreateDataset", name=name, ifExists=policy, friendlyName="named"))
    assert found.state is state
    friendly = client.get_dataset(name).friendly_name
    assert friendly == ("named" if policy == "UPDATE" else None)
    if state is State.FAILED:
        assert f"dataset `{name}` exists already (ifExists: ERROR)" in found.errors


def test_a_dataset_of_another_location_is_told(gcp: Bench, client: bigquery.Client) -> None:
    placed = bigquery.Dataset(f"{PROJECT}.in_europe")
    placed.location = "EU"
    client.create_dataset(placed)
    found = gcp.run(
        bq("CreateDataset", name="in_europe", location="US", ifExists="SKIP"),
        bq("Query", "q", sql="create table in_europe.t as select 1 n", location="US"),
    )
    assert found.states["q"] is State.FAILED
    assert any("EU" in line and "US" in line for line in found.logs), found.logs
    assert "in_europe" in found.errors


def test_files_are_loaded_from_internal_storage_and_from_cloud_storage(
    gcp: Bench, client: bigquery.Client, cloud: LocalGcp, key: dict[str, str]
) -> None:
    bucket = storage_client(cloud, key).create_bucket("plugin-loads")
    bucket.blob("part-1.csv").upload_from_string("n,s\n3,c\n")
    bucket.blob("part-2.csv").upload_from_string("n,s\n4,d\n")
    schema = {"fields": [{"name": "n", "type": "INT64"}, {"name": "s", "type": "STRING"}]}
    csv = {"format": "CSV", "csvOptions": {"skipLeadingRows": 1}, "schema": schema}
    target = {"destinationTable": "plugin_data.loaded"}
    found = gcp.run(
        written("n,s\n1,a\n2,b\n", extension=".csv"),
        bq("Load", "load", from_="{{ outputs.file.uri }}", **csv, **target,
           writeDisposition="WRITE_TRUNCATE"),
        bq("LoadFromGcs", "gcs", from_=["gs://plugin-loads/part-*.csv"], **csv, **target,
           writeDisposition="WRITE_APPEND"),
    )  # fmt: skip
    assert found.state is State.SUCCESS, found.errors
    assert (found.outputs["load"]["rows"], found.outputs["gcs"]["rows"]) == (2, 2)
    rows = client.query("select n from plugin_data.loaded order by n").result()
    assert [row.n for row in rows] == [1, 2, 3, 4]


def test_a_bad_line_names_itself_and_nothing_is_loaded(gcp: Bench, client: bigquery.Client) -> None:
    schema = {"fields": [{"name": "n", "type": "INT64"}]}
    found = gcp.run(
        written("n\n1\nx\n", extension=".csv"),
        bq("Load", from_="{{ outputs.file.uri }}", destinationTable="plugin_data.bad",
           format="CSV", csvOptions={"skipLeadingRows": 1}, schema=schema),
    )  # fmt: skip
    assert found.state is State.FAILED
    assert "the load failed" in found.errors
    assert "'x'" in found.errors
    assert "INT64" in found.errors
    names = [table.table_id for table in client.list_tables("plugin_data")]
    assert "bad" not in names or client.get_table("plugin_data.bad").num_rows == 0


def test_an_empty_file_is_not_loaded(gcp: Bench) -> None:
    load = bq(
        "Load", from_="{{ outputs.file.uri }}", destinationTable="plugin_data.e", format="CSV"
    )
    assert "failedOnEmpty" in gcp.run(written("{{ '' }}"), load).errors
    lenient = gcp.run(written("{{ '' }}"), {**load, "failedOnEmpty": False})
    assert lenient.outputs["t"] == {"rows": 0}
