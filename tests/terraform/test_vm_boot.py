"""What the small form's machine does at boot, run for real: scripts, Litestream, the server.

Bash, curl, mkfs, Litestream and the server are the real ones; Google is the local one. Left out is
what needs a machine of Google's: systemd's order, the registry's login, mounting the disk.
"""

import base64
import json
import os
import shutil
import signal
import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from mainstem.localgcp.launch import LocalGcp
from tests.localgcp.clients import PROJECT, secret_client, storage_client
from tests.terraform.workspace import ENVIRONMENTS, SOURCE, Workspace

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

FILES = SOURCE / "modules/server/vm/files"
ME = f"{os.getuid()}:{os.getgid()}"
GIVEN = {
    "project": PROJECT,
    "name": "mainstem",
    "zone": "europe-west1-b",
    "network": "n",
    "subnetwork": "s",
    "server_email": "mainstem-server@acme-data-1.iam.gserviceaccount.com",
    "image": "europe-west1-docker.pkg.dev/acme-data-1/mainstem/server:0.2.0",
    "environment": {"MAINSTEM_SEED__KV": '{"taxi":{"GCP_LOCATION":"EU"}}'},
    "secrets": {"admin-password": "mainstem-admin-password", "master-key": "mainstem-master-key"},
    "replica_bucket": "mainstem-state",
}


@dataclass(frozen=True)
class Boot:
    """cloud-init as Terraform renders it."""

    text: str

    @property
    def given(self) -> dict[str, Any]:
        found: dict[str, Any] = yaml.safe_load(self.text)
        return found

    def file(self, path: str) -> str:
        for entry in self.given["write_files"]:
            if entry["path"] == path:
                content: str = entry["content"]
                encoded = entry.get("encoding") == "b64"
                return base64.b64decode(content).decode() if encoded else content
        raise KeyError(path)

    def unit(self, name: str) -> str:
        return self.file(f"/etc/systemd/system/{name}.service")


@pytest.fixture(scope="module")
def boot(initialised: Workspace, tmp_path_factory: pytest.TempPathFactory) -> Boot:
    workspace = initialised.copy(tmp_path_factory.mktemp("vm") / "copy")
    done = workspace.plan("modules/server/vm", GIVEN)
    assert done, done.output
    planned = workspace.planned("modules/server/vm")["planned_values"]
    return Boot(planned["outputs"]["cloud_init"]["value"])


def test_the_scripts_are_sound_bash() -> None:
    for script in FILES.glob("*.sh"):
        done = subprocess.run(["bash", "-n", str(script)], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        assert script.read_text().count("set -euo pipefail") == 1


def test_the_environment_arrives_as_it_was_given(boot: Boot) -> None:
    lines = boot.file("/etc/mainstem/server.env").splitlines()
    assert lines == ['MAINSTEM_SEED__KV={"taxi":{"GCP_LOCATION":"EU"}}']


def test_systemd_finds_no_fault_with_the_units(boot: Boot, tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed: the units were NOT checked")
    for entry in boot.given["write_files"]:
        if entry["path"].endswith(".service"):
            # Programs of the machine's own are not here; their names are checked below.
            text = entry["content"]
            for program in ("/usr/bin/docker-credential-gcr", "/usr/bin/docker"):
                text = text.replace(f"{program} ", "/bin/true ")
            (tmp_path / Path(entry["path"]).name).write_text(text)
    (tmp_path / "docker.service").write_text("[Service]\nExecStart=/bin/true\n")
    units = sorted(str(unit) for unit in tmp_path.glob("mainstem*.service"))
    assert len(units) == 6
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *units],
        capture_output=True,
        text=True,
        env={**os.environ, "SYSTEMD_UNIT_PATH": f"{tmp_path}:"},
    )
    mine = [line for line in done.stderr.splitlines() if "mainstem" in line]
    assert mine == []


def test_nothing_starts_on_an_empty_disk_without_a_restore(boot: Boot) -> None:
    for unit in ("mainstem", "mainstem-replicate"):
        text = boot.unit(unit)
        assert "Requires=mainstem-restore.service" in text
        assert "After=mainstem-restore.service" in text
    assert "-if-db-not-exists -if-replica-exists" in boot.unit("mainstem-restore")


def test_a_step_that_fails_is_tried_again_until_it_succeeds(tmp_path: Path) -> None:
    tries = tmp_path / "tries"
    step = f"echo x >> {tries}; test $(wc -l < {tries}) = 3"
    done = subprocess.run(
        ["bash", str(FILES / "retry.sh"), "bash", "-c", step],
        capture_output=True,
        text=True,
        timeout=20,
        env={"PATH": os.environ["PATH"], "RETRY_SECONDS": "0"},
    )
    assert done.returncode == 0
    assert tries.read_text() == "x\nx\nx\n"
    assert done.stderr.count("the step failed; again in 0 s") == 2


def test_every_step_before_the_server_is_tried_again(boot: Boot) -> None:
    for unit in ("disk", "secrets", "images", "restore"):
        starts = [
            line.strip()
            for line in boot.unit(f"mainstem-{unit}").splitlines()
            if line.strip().startswith("ExecStart=")
        ]
        assert len(starts) == 1
        assert starts[0].startswith("ExecStart=/bin/bash /etc/mainstem/retry.sh "), unit
        assert "Restart=" not in boot.unit(f"mainstem-{unit}")


def test_containers_run_as_nobody_and_may_do_nothing_special(boot: Boot) -> None:
    for unit in ("mainstem", "mainstem-replicate", "mainstem-restore"):
        text = boot.unit(unit)
        for word in ("--user 10001:10001", "--read-only", "--cap-drop ALL", "no-new-privileges"):
            assert word in text, f"{unit} lacks {word}"
        assert "docker.sock" not in text
        assert "--privileged" not in text


# secrets.sh, against the local Secret Manager


class Metadata(BaseHTTPRequestHandler):
    """The machine's metadata server: it gives a token to whoever sends its header."""

    token = "ya29.a-token"

    def do_GET(self) -> None:
        asked = self.path.endswith("/instance/service-accounts/default/token")
        known = asked and self.headers.get("Metadata-Flavor") == "Google"
        body = json.dumps({"access_token": self.token, "expires_in": 3599, "token_type": "Bearer"})
        self.send_response(200 if known else 403)
        self.end_headers()
        self.wfile.write(body.encode() if known else b"")

    def log_message(self, *_: object) -> None:
        return


@pytest.fixture(scope="module")
def metadata() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Metadata) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalGcp]:
    with LocalGcp(tmp_path_factory.mktemp("local-gcp"), project=PROJECT) as running:
        yield running


@pytest.fixture
def fetch(
    cloud: LocalGcp, metadata: str, tmp_path: Path
) -> Callable[..., subprocess.CompletedProcess[str]]:
    Metadata.token = _token(cloud)

    def run(*pairs: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["bash", str(FILES / "secrets.sh"), *pairs],
            capture_output=True,
            text=True,
            env={
                "PATH": os.environ["PATH"],
                "PROJECT": PROJECT,
                "METADATA_URL": metadata,
                "SECRETMANAGER_URL": cloud.endpoints.secretmanager,
                "SECRETS_FOLDER": str(tmp_path / "secrets"),
                "SECRETS_OWNER": ME,
            },
        )

    return run


def _token(cloud: LocalGcp) -> str:
    from google.auth.transport.requests import Request

    from tests.localgcp.clients import credentials_of

    credentials = credentials_of(cloud.key())
    credentials.refresh(Request())
    return str(credentials.token)


def _store(cloud: LocalGcp, name: str, value: bytes | None) -> None:
    client = secret_client(cloud, cloud.key())
    automatic = {"replication": {"automatic": {}}}
    made = client.create_secret(parent=f"projects/{PROJECT}", secret_id=name, secret=automatic)
    if value is not None:
        client.add_secret_version(parent=made.name, payload={"data": value})


def test_secrets_become_files_that_only_the_server_reads(
    cloud: LocalGcp, fetch: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    key = b"-----BEGIN OPENSSH PRIVATE KEY-----\n" + b"b64+/=\n" * 400 + b"-----END\n"
    _store(cloud, "m-key", key)
    _store(cloud, "m-password", b"hunter2-hunter2")
    for _ in range(2):  # a second boot finds the first one's files
        done = fetch("git-credential=m-key", "admin-password=m-password")
        assert done.returncode == 0, done.stderr
    folder = tmp_path / "secrets"
    assert (folder / "git-credential/value").read_bytes() == key
    assert (folder / "admin-password/value").read_bytes() == b"hunter2-hunter2"
    assert {p.name for p in folder.iterdir()} == {"git-credential", "admin-password"}
    for path in (folder, *folder.rglob("*")):
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, f"{path} is open to others"
    assert "hunter2" not in done.stdout + done.stderr
    assert Metadata.token not in done.stdout + done.stderr


def test_a_secret_without_a_version_is_named_with_what_to_do(
    cloud: LocalGcp, fetch: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    _store(cloud, "m-empty", None)
    done = fetch("git-credential=m-empty")
    assert done.returncode == 1
    assert "m-empty has no version yet: gcloud secrets versions add m-empty" in done.stderr


def test_no_service_account_is_told_from_no_secret(
    fetch: Callable[..., subprocess.CompletedProcess[str]],
) -> None:
    Metadata.token = ""
    done = fetch("x=y")
    assert done.returncode == 1
    assert "gave no token: has the machine a service account?" in done.stderr


# disk.sh; mounting is left out: it needs a device of the kernel's


@pytest.fixture
def prepare(tmp_path: Path) -> Callable[[Path], subprocess.CompletedProcess[str]]:
    if shutil.which("mkfs.ext4") is None or shutil.which("blkid") is None:
        pytest.skip("mkfs.ext4 or blkid is not installed: the disk's script was NOT run")
    shims = tmp_path / "shims"
    shims.mkdir()
    for name, says in (("mount", "exit 0"), ("mountpoint", "exit 1")):
        (shims / name).write_text(f"#!/bin/sh\n{says}\n")
        (shims / name).chmod(0o755)

    def run(device: Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["bash", str(FILES / "disk.sh")],
            capture_output=True,
            text=True,
            env={
                "PATH": f"{shims}:{os.environ['PATH']}:/usr/sbin:/sbin",
                "DATA_DEVICE": str(device),
                "DATA_FOLDER": str(tmp_path / "mnt"),
                "DATA_OWNER": ME,
                "DATA_PATIENCE": "0",
            },
        )

    return run


def disk(path: Path, megabytes: int = 64) -> Path:
    with path.open("wb") as file:
        file.truncate(megabytes << 20)
    return path


def kind_of(device: Path) -> str:
    command = ["blkid", "-p", "-s", "TYPE", "-o", "value", str(device)]
    path = f"{os.environ['PATH']}:/usr/sbin:/sbin"
    done = subprocess.run(command, capture_output=True, text=True, env={"PATH": path})
    return done.stdout.strip()


Prepare = Callable[[Path], subprocess.CompletedProcess[str]]


def test_a_blank_disk_is_formatted_once(prepare: Prepare, tmp_path: Path) -> None:
    device = disk(tmp_path / "blank")
    first = prepare(device)
    assert first.returncode == 0, first.stderr
    assert "formatting the blank disk" in first.stdout
    assert kind_of(device) == "ext4"
    before = device.read_bytes()[1024:2048]
    again = prepare(device)
    assert again.returncode == 0, again.stderr
    assert "formatting" not in again.stdout
    # The superblock keeps its identity: the same file system, not a new one.
    assert device.read_bytes()[1024:2048][104:120] == before[104:120]


def test_a_disk_with_something_else_is_left_alone(prepare: Prepare, tmp_path: Path) -> None:
    device = disk(tmp_path / "other")
    path = f"{os.environ['PATH']}:/usr/sbin:/sbin"
    subprocess.run(["mkswap", str(device)], check=True, capture_output=True, env={"PATH": path})
    before = device.read_bytes()
    done = prepare(device)
    assert done.returncode == 1
    assert "holds swap, not ext4: it is left as it is" in done.stderr
    assert device.read_bytes() == before


def test_a_missing_disk_is_named(prepare: Prepare, tmp_path: Path) -> None:
    done = prepare(tmp_path / "none")
    assert done.returncode == 1
    assert "is not attached" in done.stderr


# Litestream and the server


class Machine:
    """A disk, a server on it and Litestream beside it, as the units run them."""

    def __init__(self, folder: Path, boot: Boot, cloud: LocalGcp, secrets: Path) -> None:
        self.disk = folder / "disk"
        self._config = folder / "litestream.yml"
        text = boot.file("/etc/mainstem/litestream.yml").replace("/data/", f"{self.disk}/")
        self._config.write_text(text)
        self._log = folder / "machine.log"
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "STORAGE_EMULATOR_HOST": cloud.endpoints.storage,
            "MAINSTEM_STATE_DIR": str(self.disk / "state"),
            "MAINSTEM_SERVER__PORT": "0",
            "MAINSTEM_RUNNERS__DEFAULT": "process",
            "MAINSTEM_AUTH__MODE": "users",
            "MAINSTEM_AUTH__BOOTSTRAP__PASSWORD_FILE": str(secrets / "admin-password/value"),
            "MAINSTEM_SECRETS__KEY_FILE": str(secrets / "master-key/value"),
            "MAINSTEM_STORAGE__TYPE": "gcs",
            "MAINSTEM_STORAGE__BUCKET": "mainstem-state",
            "MAINSTEM_STORAGE__PREFIX": "storage",
            "MAINSTEM_GCP__ENDPOINTS__STORAGE": cloud.endpoints.storage,
            **dict(
                line.split("=", 1) for line in boot.file("/etc/mainstem/server.env").splitlines()
            ),
        }
        self._processes: list[subprocess.Popen[str]] = []

    @property
    def database(self) -> Path:
        return self.disk / "state/mainstem.db"

    def litestream(self, *arguments: str) -> list[str]:
        program = ENVIRONMENTS / "standin" / "bin" / "litestream"
        return [str(program), arguments[0], "-config", str(self._config), *arguments[1:]]

    def boot(self) -> httpx.Client:
        """Restore, then the server and the replication."""
        (self.disk / "state").mkdir(parents=True, exist_ok=True)
        command = self.litestream(
            "restore", "-if-db-not-exists", "-if-replica-exists", str(self.database)
        )
        subprocess.run(command, check=True, capture_output=True, env=self.environment)
        with self._log.open("a") as log:
            server = subprocess.Popen(
                [sys.executable, "-m", "mainstem", "up"],
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env=self.environment,
            )
            replication = subprocess.Popen(
                self.litestream("replicate"),
                stdout=log,
                stderr=log,
                text=True,
                env=self.environment,
            )
        self._processes = [server, replication]
        assert server.stdout is not None
        line = server.stdout.readline()
        assert "ready at " in line, self._log.read_text()
        base = line.split("ready at ")[1].split("/ui/")[0]
        return httpx.Client(
            base_url=f"{base}/api/v1", timeout=30, trust_env=False, auth=("admin", PASSWORD)
        )

    def burn(self) -> None:
        """As when a zone is lost: no goodbye, and the disk is gone."""
        for process in self._processes:
            process.send_signal(signal.SIGKILL)
            process.wait()
            if process.stdout is not None:
                process.stdout.close()
        self._processes = []
        shutil.rmtree(self.disk, ignore_errors=True)


PASSWORD = "a-password-of-43-characters-or-so"
FLOW = """
id: hello
namespace: taxi
tasks:
  - id: say
    type: io.kestra.plugin.core.debug.Return
    format: "{{ kv('GCP_LOCATION') }} {{ secret('TOKEN') | length }}"
"""


def test_a_burnt_machine_comes_back_from_the_bucket(
    boot: Boot,
    cloud: LocalGcp,
    tmp_path: Path,
    fetch: Callable[..., subprocess.CompletedProcess[str]],
) -> None:
    storage_client(cloud, cloud.key()).create_bucket("mainstem-state")
    _store(cloud, "mainstem-admin-password", PASSWORD.encode())
    _store(cloud, "mainstem-master-key", b"exactly-32-letters-for-a-key-012")
    unit = boot.unit("mainstem-secrets")
    pairs = unit.split("secrets.sh ")[1].splitlines()[0].split()
    fetched = fetch(*pairs)
    assert fetched.returncode == 0, fetched.stderr

    machine = Machine(tmp_path, boot, cloud, tmp_path / "secrets")
    try:
        with machine.boot() as api:
            assert _value(api) == "EU", "the first start seeds"
            api.post("/flows", content=FLOW, headers={"content-type": "application/x-yaml"})
            assert api.put("/namespaces/taxi/kv/GCP_LOCATION", content='"US"').is_success
            put = api.put(
                "/namespaces/taxi/secrets", json={"key": "TOKEN", "value": "twelve chars"}
            )
            assert put.is_success, put.text
            assert _run(api) == "US 12"
        _until_restorable(machine, tmp_path)
        machine.burn()
        assert not machine.database.exists()

        with machine.boot() as api:
            found = api.get("/executions/search", params={"namespace": "taxi"}).json()
            assert [e["state"]["current"] for e in found["results"]] == ["SUCCESS"]
            assert _value(api) == "US", "the seed overwrote what a user changed"
            # The sealed secret opens: its key came from Secret Manager, not from the disk.
            assert _run(api) == "US 12"
    finally:
        machine.burn()


def _value(api: httpx.Client) -> str:
    answer = api.get("/namespaces/taxi/kv/GCP_LOCATION")
    assert answer.is_success, answer.text
    return str(answer.json()["value"])


def _run(api: httpx.Client) -> str:
    done = api.post("/executions/taxi/hello?wait=true").json()
    assert done["state"]["current"] == "SUCCESS", done
    return str(done["taskRunList"][0]["outputs"]["value"])


def _until_restorable(machine: Machine, folder: Path) -> None:
    """Until a restore elsewhere has the finished execution: what a burnt machine would get."""
    pause = threading.Event()
    for attempt in range(100):
        target = folder / f"try-{attempt}.db"
        command = machine.litestream("restore", "-o", str(target), str(machine.database))
        subprocess.run(command, capture_output=True, env=machine.environment)
        if target.exists():
            with sqlite3.connect(target) as rows:
                query = "select count(*) from executions where state = 'SUCCESS'"
                if rows.execute(query).fetchone()[0] == 1:
                    return
        pause.wait(0.2)
    raise AssertionError("the execution never reached the bucket")
