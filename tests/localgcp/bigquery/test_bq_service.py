"""The emulator as a service: tokens, survival, shutdown, what a console sees."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from urllib.error import HTTPError

import pytest
from google.api_core import exceptions
from google.cloud import bigquery
from google.cloud.bigquery import SchemaField

from mainstem.localgcp.bigquery import console
from mainstem.localgcp.bigquery.app import create_app
from mainstem.localgcp.bigquery.gcs import GcsEndpoint
from tests.localgcp.bigquery.harness import (
    PROJECT,
    Server,
    fetch,
    free_port,
    make_client,
    wait_until_open,
)

SERVE = """
import sys
from pathlib import Path
from urllib.error import HTTPError
import uvicorn
from mainstem.localgcp.bigquery.app import create_app
from mainstem.localgcp.bigquery.gcs import GcsEndpoint
app = create_app(Path(sys.argv[1]), GcsEndpoint("http://127.0.0.1:1", Path(sys.argv[1])))
uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[2]), log_level="warning", ws="none")
"""


def start(state: Path) -> tuple[subprocess.Popen[bytes], bigquery.Client]:
    port = free_port()
    process = subprocess.Popen([sys.executable, "-c", SERVE, str(state), str(port)])
    wait_until_open(port)
    return process, make_client(f"http://127.0.0.1:{port}")


def test_an_unknown_token_is_unauthorised(tmp_path: Path, gcs: GcsEndpoint) -> None:
    app = create_app(tmp_path, gcs, verify_token=lambda token: token == "good")
    with Server(app) as url:
        address = f"{url}/bigquery/v2/projects/{PROJECT}/datasets"
        with pytest.raises(HTTPError, match="401") as caught:
            fetch(address, Authorization="Bearer bad")
        error = json.load(caught.value)["error"]
        caught.value.close()
        assert (error["code"], error["status"]) == (401, "UNAUTHENTICATED")
        assert "invalid authentication credentials" in error["message"]
        with fetch(address, Authorization="Bearer good") as answer:
            assert answer.status == 200


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM])
def test_tables_rows_and_jobs_survive_the_process(tmp_path: Path, end: signal.Signals) -> None:
    process, client = start(tmp_path)
    client.create_dataset("kept")
    client.create_table(bigquery.Table(f"{PROJECT}.kept.t", [SchemaField("i", "INTEGER")]))
    for index in range(5):
        assert client.insert_rows_json(f"{PROJECT}.kept.t", [{"i": index}]) == []
    copied = client.copy_table(f"{PROJECT}.kept.t", f"{PROJECT}.kept.copy")
    copied.result()
    client.close()
    os.kill(process.pid, end)
    process.wait(20)
    if end is signal.SIGTERM:
        assert [path.name for path in tmp_path.glob("*.wal")] == []

    process, client = start(tmp_path)
    assert [t.table_id for t in client.list_tables("kept")] == ["copy", "t"]
    assert sorted(row["i"] for row in client.list_rows(f"{PROJECT}.kept.t")) == [0, 1, 2, 3, 4]
    if end is signal.SIGTERM:
        assert client.get_job(copied.job_id).state == "DONE"
    client.close()
    process.terminate()
    process.wait(20)


def test_the_console_sees_what_there_is(tmp_path: Path, gcs: GcsEndpoint) -> None:
    app = create_app(tmp_path, gcs)
    with Server(app) as url:
        client = make_client(url)
        client.create_dataset("seen")
        schema = [
            SchemaField("i", "INTEGER"),
            SchemaField("r", "RECORD", "REPEATED", fields=[SchemaField("k", "STRING")]),
        ]
        client.create_table(bigquery.Table(f"{PROJECT}.seen.t", schema))
        client.insert_rows_json(f"{PROJECT}.seen.t", [{"i": 1, "r": [{"k": "x"}]}])
        job = client.copy_table(f"{PROJECT}.seen.t", f"{PROJECT}.seen.t2")
        job.result()
        warehouse = app.state.warehouse
        assert console.projects(warehouse) == [PROJECT]
        (dataset,) = console.datasets(warehouse, PROJECT)
        assert (dataset.dataset, dataset.tables) == ("seen", 2)
        assert [t.rows for t in console.tables(warehouse, PROJECT, "seen")] == [1, 1]
        detail = console.table(warehouse, PROJECT, "seen", "t")
        assert [c.name for c in detail.columns] == ["i", "r", "r.k"]
        preview = console.preview(warehouse, PROJECT, "seen", "t")
        assert preview.rows == (("1", '[{"k":"x"}]'),)
        (shown,) = console.jobs(warehouse, PROJECT)
        assert (shown.kind, shown.state, shown.destination) == (
            "COPY", "DONE", f"{PROJECT}:seen.t2",
        )  # fmt: skip
        assert console.job(warehouse, PROJECT, job.job_id).error is None
        client.close()


def test_an_unknown_path_is_not_found_by_name(client: bigquery.Client) -> None:
    with pytest.raises(exceptions.NotFound, match="emulator has no GET"):
        client._call_api(None, method="GET", path=f"/projects/{PROJECT}/reservations")


def test_models_and_row_access_policies_are_refused_by_name(
    client: bigquery.Client, table_id: str
) -> None:
    assert list(client.list_models(table_id.rsplit(".", 1)[0])) == []
    project, dataset, table = table_id.split(".")
    path = f"/projects/{project}/datasets/{dataset}/tables/{table}/rowAccessPolicies"
    with pytest.raises(exceptions.MethodNotImplemented, match="row access policies"):
        client._call_api(None, method="GET", path=path)


def test_a_body_that_is_no_json_is_a_parse_error(client: bigquery.Client) -> None:
    with pytest.raises(exceptions.BadRequest, match="Parse Error"):
        client._call_api(None, method="POST", path=f"/projects/{PROJECT}/datasets", data="{")
