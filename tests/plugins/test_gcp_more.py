"""Further Google Cloud tasks and triggers against a local Google Cloud."""

import json
from typing import Any

import pytest
from google.cloud import bigquery, storage

from mainstem.localgcp.launch import LocalGcp
from mainstem.model.flow_id import FlowId
from mainstem.model.state import State
from tests.localgcp.clients import PROJECT, bigquery_client, storage_client
from tests.plugins.bench import NAMESPACE, Bench, task, written
from tests.plugins.test_bigquery import bq
from tests.plugins.test_gcs import SIGNED_IN, gcs


@pytest.fixture(scope="module")
def warehouse(cloud: LocalGcp, key: dict[str, str]) -> bigquery.Client:
    client = bigquery_client(cloud, key)
    client.create_dataset("more_data")
    return client


@pytest.fixture(scope="module")
def bucket(cloud: LocalGcp, key: dict[str, str]) -> storage.Bucket:
    return storage_client(cloud, key).create_bucket("more-files")


def triggered(gcp: Bench, id_: str, trigger: dict[str, Any], *tasks: dict[str, Any]) -> FlowId:
    watch = {"id": "watch", "interval": "PT0.2S", **SIGNED_IN, **trigger}
    flow = {"id": id_, "namespace": NAMESPACE, "tasks": list(tasks), "triggers": [watch]}
    gcp.app.flows.save(json.dumps(flow))
    return FlowId(NAMESPACE, id_)


def test_objects_are_composed_downloaded_and_moved(gcp: Bench, bucket: storage.Bucket) -> None:
    for name in ("in/a.txt", "in/b.txt", "in/sub/c.txt"):
        bucket.blob(name).upload_from_string(f"{name}\n")
    found = gcp.run(
        gcs("Compose", "join", list={"from": "gs://more-files/in/"}, to="gs://more-files/all.txt"),
        gcs("Downloads", "down", from_="gs://more-files/in/", listingType="RECURSIVE",
            regExp=r".*\.txt$", action="MOVE", moveDirectory="gs://more-files/done/"),
        gcs("List", "left", from_="gs://more-files/in/", listingType="RECURSIVE"),
    )  # fmt: skip
    assert found.state is State.SUCCESS, found.errors
    assert bucket.blob("all.txt").download_as_text() == "in/a.txt\nin/b.txt\n"
    outputs = found.outputs
    assert sorted(outputs["down"]["outputFiles"]) == ["in/a.txt", "in/b.txt", "in/sub/c.txt"]
    assert found.text(outputs["down"]["outputFiles"]["in/sub/c.txt"]) == "in/sub/c.txt\n"
    assert outputs["left"]["blobs"] == []
    names = [blob.name for blob in bucket.list_blobs(prefix="done/")]
    assert names == ["done/a.txt", "done/b.txt", "done/c.txt"]


def test_an_export_runs_with_the_settings_of_its_job(
    gcp: Bench, bucket: storage.Bucket, warehouse: bigquery.Client
) -> None:
    warehouse.query_and_wait("CREATE TABLE more_data.exported AS SELECT 1 AS a")
    export: dict[str, Any] = {
        "sourceTable": "more_data.exported",
        "destinationUris": ["gs://more-files/exported.csv"],
        "jobTimeoutMs": 60000,
    }
    found = gcp.run(bq("ExtractToGcs", **export))
    assert found.state is State.SUCCESS, found.errors
    assert bucket.blob("exported.csv").download_as_text() == "a\n1\n"
    job: Any = warehouse.get_job(found.outputs["t"]["jobId"])
    assert int(job.to_api_repr()["configuration"]["jobTimeoutMs"]) == 60000
    # Local BigQuery names what it was sent and does not know.
    logical = gcp.run(bq("ExtractToGcs", useAvroLogicalTypes=True, **export))
    assert "configuration.extract.useAvroLogicalTypes" in logical.errors


def test_nothing_to_compose_fails_unless_allowed(gcp: Bench, bucket: storage.Bucket) -> None:
    source = {"from": "gs://more-files/nowhere/"}
    found = gcp.run(gcs("Compose", list=source, to="gs://more-files/x.txt"))
    assert "there is nothing below gs://more-files/nowhere/" in found.errors
    allowed = gcp.run(gcs("Compose", list=source, to="gs://more-files/x.txt", allowEmpty=True))
    assert allowed.state is State.SUCCESS, allowed.errors
    assert bucket.blob("x.txt").download_as_bytes() == b""


def test_a_trigger_fires_for_each_new_object_and_takes_it_away(
    gcp: Bench, bucket: storage.Bucket
) -> None:
    bucket.blob("landing/one.csv").upload_from_string("1")
    flow = triggered(
        gcp, "on-blobs",
        {"type": "io.kestra.plugin.gcp.gcs.Trigger", "from": "gs://more-files/landing/",
         "action": "DELETE"},
        task("core.debug.Return", "seen",
             format="{{ trigger.blobs[0].name }} {{ read(trigger.blobs[0].uri) }} "
                    "{{ trigger.blobs[0].changeType }}"),
    )  # fmt: skip
    first = gcp.first_of(flow)
    assert first.state is State.SUCCESS, first.errors
    assert first.outputs["seen"]["value"] == "landing/one.csv 1 CREATE"
    assert list(bucket.list_blobs(prefix="landing/")) == []
    gcp.app.flows.delete(flow)


def test_a_query_trigger_fires_when_there_are_rows(gcp: Bench, warehouse: bigquery.Client) -> None:
    flow = triggered(
        gcp, "on-rows",
        {"type": "io.kestra.plugin.gcp.bigquery.Trigger", "fetchType": "FETCH",
         "sql": "select n from unnest([3, 4]) as n where n > 3"},
        task("core.debug.Return", "seen", format="{{ trigger.rows | jq('.[].n') }}"),
    )  # fmt: skip
    first = gcp.first_of(flow)
    assert first.state is State.SUCCESS, first.errors
    assert first.outputs["seen"]["value"] == "[4]"
    gcp.app.flows.delete(flow)


COLUMNS = {
    "fields": [
        {"name": "day", "type": "DATE", "mode": "REQUIRED"},
        {"name": "n", "type": "INT64", "description": "a number"},
        {"name": "who", "type": "STRUCT", "subFields": [{"name": "name", "type": "STRING"}]},
    ]
}
BY_DAY = {"timePartitioning": {"type": "DAY", "field": "day"}, "clustering": ["n"]}


def test_a_table_is_made_changed_and_described(gcp: Bench, warehouse: bigquery.Client) -> None:
    place = {"dataset": "more_data", "table": "made"}
    definition = {"type": "TABLE", "schema": COLUMNS, "standardTableDefinition": BY_DAY}
    found = gcp.run(
        bq("CreateTable", "make", **place, tableDefinition=definition, friendlyName="Made"),
        bq("UpdateTable", "change", **place, labels={"of": "tests"}, description="{{ flow.id }}"),
        bq("TableMetadata", "told", **place),
        bq("TableMetadata", "absent", dataset="more_data", table="absent", ifNotExists="SKIP"),
        bq("CreateTable", "view", dataset="more_data", table="seen",
           tableDefinition={"type": "VIEW", "viewDefinition": {"query": "select 1 as one"}}),
    )  # fmt: skip
    assert found.state is State.SUCCESS, found.errors
    table = warehouse.get_table("more_data.made")
    assert (table.time_partitioning.field, table.clustering_fields) == ("day", ["n"])
    assert [f.field_type for f in table.schema] == ["DATE", "INTEGER", "RECORD"]
    assert (table.schema[0].mode, table.schema[2].fields[0].name) == ("REQUIRED", "name")
    told = found.outputs["told"]
    assert (told["friendlyName"], told["labels"]) == ("Made", {"of": "tests"})
    assert told["definition"]["standardTableDefinition"]["clustering"] == ["n"]
    assert found.outputs["absent"] == {}
    assert [row.one for row in warehouse.query("select one from more_data.seen").result()] == [1]
    again = gcp.run(bq("CreateTable", **place, tableDefinition=definition))
    assert "Already Exists" in again.errors


def test_partitions_of_a_range_are_copied_and_deleted(
    gcp: Bench, warehouse: bigquery.Client
) -> None:
    warehouse.query(
        "create table more_data.days partition by day as "
        "select day, 1 as n from unnest(generate_date_array('2024-01-01', '2024-01-05')) as day"
    ).result()
    source = {"dataset": "more_data", "table": "days", "partitionType": "DAY"}
    middle = {"from": "2024-01-02T00:00", "to": "2024-01-04T00:00"}
    found = gcp.run(
        bq("CopyPartitions", "copy", **source, **middle, destinationTable="more_data.some_days"),
        bq("DeletePartitions", "gone", **source, **middle),
        bq("CopyPartitions", "none", **source, **middle, skipEmpty=True,
           destinationTable="more_data.some_days"),
    )  # fmt: skip
    assert found.state is State.SUCCESS, found.errors
    wanted = ["20240102", "20240103", "20240104"]
    assert found.outputs["copy"]["partitions"] == found.outputs["gone"]["partitions"] == wanted
    assert found.outputs["none"]["partitions"] == []
    left = [str(row.day) for row in warehouse.query("select day from more_data.days order by 1")]
    assert left == ["2024-01-01", "2024-01-05"]
    assert warehouse.get_table("more_data.some_days").num_rows == 3
    wrong = gcp.run(bq("DeletePartitions", **source, from_="soon", to="later"))
    assert "`from` and `to` must be a moment" in wrong.errors


def test_an_access_token_is_made_and_sealed(gcp: Bench, cloud: LocalGcp) -> None:
    token = "{{ outputs.t.accessToken.tokenValue }}"
    found = gcp.run(
        task("gcp.auth.OauthAccessToken", **SIGNED_IN),
        task("core.http.Request", "used",
             uri=f"{cloud.endpoints.bigquery}/bigquery/v2/projects/{PROJECT}/datasets",
             headers={"Authorization": f"Bearer {token}"}),
    )  # fmt: skip
    assert found.state is State.SUCCESS, found.errors
    assert found.outputs["used"]["code"] == 200
    assert found.outputs["t"]["accessToken"]["expirationTime"]
    assert not isinstance(found.outputs["t"]["accessToken"]["tokenValue"], str)


def test_the_command_line_gets_key_and_project(gcp: Bench, key: dict[str, str]) -> None:
    commands = ["env | grep -E '^(CLOUDSDK|GOOGLE)_' | sort",
                'stat -c %a "$GOOGLE_APPLICATION_CREDENTIALS"',
                'grep -c private_key_id "$CLOUDSDK_AUTH_CREDENTIAL_FILE_OVERRIDE"']  # fmt: skip
    found = gcp.run(task("gcp.cli.GCloudCLI", **SIGNED_IN, commands=commands))
    assert found.state is State.SUCCESS, found.errors
    lines = [line.removeprefix("INFO ") for line in found.logs]
    assert f"CLOUDSDK_CORE_PROJECT={PROJECT}" in lines
    assert f"GOOGLE_CLOUD_PROJECT={PROJECT}" in lines
    assert {"600", "1"} <= set(lines)
    assert key["private_key"] not in "\n".join(lines)


def test_a_file_goes_into_one_partition(gcp: Bench, warehouse: bigquery.Client) -> None:
    rows = '{"day": "2024-02-01", "n": 1}\n{"day": "2024-02-01", "n": 2}\n'
    into = {"destinationTable": "more_data.daily$20240201", "format": "JSON",
            "schema": {"fields": [{"name": "day", "type": "DATE"}, {"name": "n", "type": "INT64"}]},
            "timePartitioningField": "day", "writeDisposition": "WRITE_TRUNCATE"}  # fmt: skip
    found = gcp.run(
        written(rows, extension=".json"),
        bq("Load", "first", from_="{{ outputs.file.uri }}", **into),
        bq("Load", "again", from_="{{ outputs.file.uri }}", **into),
    )
    assert found.state is State.SUCCESS, found.errors
    assert warehouse.get_table("more_data.daily").num_rows == 2
