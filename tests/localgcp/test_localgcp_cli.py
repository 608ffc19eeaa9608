"""`mainstem local-gcp up` and `key`, as programs run them."""

import json
import os
import signal
import socket
import stat
import statistics
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import psutil
import pytest
import requests

from mainstem.errors import Stalled
from mainstem.localgcp.launch import LocalGcp

COMMAND = [sys.executable, "-m", "mainstem.localgcp"]
PATIENCE = 20


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, ConnectionError):
        return False


def storage_process(cloud: LocalGcp) -> psutil.Process:
    (child,) = psutil.Process(cloud.pid).children()
    return child


def ended(process: psutil.Process) -> bool:
    try:
        process.wait(PATIENCE)
    except psutil.TimeoutExpired:
        return False
    return True


def run_key(state: Path, *options: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([*COMMAND, "key", "--state", str(state), *options], capture_output=True)


def test_up_prints_every_endpoint_on_one_json_line_when_all_of_them_answer(tmp_path: Path) -> None:
    with LocalGcp(tmp_path) as cloud:
        assert answers(f"{cloud.endpoints.storage}/_internal/healthcheck")
        assert answers(f"{cloud.endpoints.bigquery}/healthz")
        assert answers(cloud.endpoints.console)


def test_endpoints_stay_the_same_after_a_restart(tmp_path: Path) -> None:
    with LocalGcp(tmp_path) as cloud:
        first = cloud.endpoints
    with LocalGcp(tmp_path) as cloud:
        assert cloud.endpoints == first


def test_a_remembered_port_that_is_taken_is_replaced_and_said(tmp_path: Path) -> None:
    cloud = LocalGcp(tmp_path)
    with cloud:
        first = cloud.endpoints
    port = int(first.bigquery.rpartition(":")[2])
    with socket.create_server(("127.0.0.1", port)), cloud:
        assert cloud.endpoints.bigquery != first.bigquery
        assert cloud.endpoints.storage == first.storage
        assert f"port {port} of the last start is not used any more" in cloud.messages()


def test_a_fixed_port_that_is_taken_is_an_error_that_names_it(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        cloud = LocalGcp(tmp_path, options=["--port-base", str(port)])
        with pytest.raises(Stalled, match=f"Port {port} on 127.0.0.1 is taken"):
            cloud.start()


def test_a_state_folder_in_use_is_refused_naming_its_process(tmp_path: Path) -> None:
    with LocalGcp(tmp_path) as cloud:
        with pytest.raises(Stalled, match=rf"in use by another .* \(process {cloud.pid}\)"):
            LocalGcp(tmp_path).start()
        assert answers(cloud.endpoints.console)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_everything_with_status_zero(tmp_path: Path, number: int) -> None:
    cloud = LocalGcp(tmp_path)
    cloud.start()
    child, process = storage_process(cloud), cloud._process
    assert process is not None
    os.kill(cloud.pid, number)
    assert process.wait(PATIENCE) == 0
    assert ended(child)
    cloud.stop()


def test_ctrl_c_in_a_terminal_stops_everything_in_order(tmp_path: Path) -> None:
    argv = [*COMMAND, "up", "--json", "--state", str(tmp_path)]
    with subprocess.Popen(
        argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
    ) as process:
        assert process.stdout is not None
        assert json.loads(process.stdout.readline())["pid"] == process.pid
        os.killpg(process.pid, signal.SIGINT)
        _, complaints = process.communicate(timeout=PATIENCE)
    assert (process.returncode, complaints) == (0, b"")


def test_nothing_stays_behind_after_kill_9_and_the_folder_is_free_again(tmp_path: Path) -> None:
    cloud = LocalGcp(tmp_path)
    cloud.start()
    child = storage_process(cloud)
    cloud.kill()
    assert ended(child)
    with cloud:
        assert answers(cloud.endpoints.console)


def test_it_stops_when_the_process_it_serves_ends(tmp_path: Path) -> None:
    owner = subprocess.Popen(["sleep", "600"])
    cloud = LocalGcp(tmp_path, options=["--parent-pid", str(owner.pid)])
    cloud.start()
    process = cloud._process
    assert process is not None
    owner.kill()
    owner.wait()
    assert process.wait(PATIENCE) == 0
    cloud.stop()


def test_a_request_with_a_foreign_host_name_is_refused(cloud: LocalGcp) -> None:
    request = urllib.request.Request(
        f"{cloud.endpoints.secretmanager}/v1/projects/p/secrets", headers={"Host": "evil.example"}
    )
    with pytest.raises(urllib.error.HTTPError) as refusal:
        urllib.request.urlopen(request)
    assert refusal.value.code == 403
    refusal.value.close()


def test_a_request_from_a_page_of_another_site_is_refused(cloud: LocalGcp) -> None:
    request = urllib.request.Request(
        f"{cloud.endpoints.secretmanager}/v1/projects/p/secrets",
        headers={"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"},
    )
    with pytest.raises(urllib.error.HTTPError) as refusal:
        urllib.request.urlopen(request)
    assert refusal.value.code == 403
    refusal.value.close()


def test_an_answer_does_not_wait_for_the_acknowledgement_of_its_head(cloud: LocalGcp) -> None:
    session = requests.Session()
    times = []
    for _ in range(30):
        start = time.perf_counter()
        session.get(f"{cloud.endpoints.bigquery}/healthz")
        times.append(time.perf_counter() - start)
    session.close()
    assert statistics.median(times) < 0.03


def test_everything_listens_on_loopback_only(cloud: LocalGcp) -> None:
    parent = psutil.Process(cloud.pid)
    addresses = {
        connection.laddr.ip
        for process in (parent, *parent.children())
        for connection in process.net_connections()
        if connection.status == psutil.CONN_LISTEN
    }
    assert addresses == {"127.0.0.1"}


def test_a_key_can_be_issued_before_the_first_start_and_names_the_endpoint_of_then(
    tmp_path: Path,
) -> None:
    out = tmp_path / "key.json"
    answer = run_key(tmp_path, "--project", "demo-project", "--out", str(out))
    assert answer.returncode == 0
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    key = json.loads(out.read_text())
    assert key["type"] == "service_account"
    assert key["client_email"] == "mainstem@demo-project.iam.gserviceaccount.com"
    with LocalGcp(tmp_path) as cloud:
        assert key["token_uri"] == cloud.endpoints.token


def test_the_state_folder_holds_no_private_key(tmp_path: Path) -> None:
    run_key(tmp_path)
    for path in tmp_path.rglob("*"):
        if path.is_file():
            assert b"PRIVATE KEY" not in path.read_bytes()


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (["--project", "X"], b"'X' is not a project id"),
        (["--email", "nobody"], b"'nobody' is not a service-account email"),
        (["--delete", "abc"], b"No key abc was issued here"),
    ],
)
def test_a_key_that_cannot_be_is_refused_with_a_reason(
    tmp_path: Path, options: list[str], complaint: bytes
) -> None:
    answer = run_key(tmp_path, *options)
    assert answer.returncode == 1
    assert complaint in answer.stderr
    assert b"Traceback" not in answer.stderr
