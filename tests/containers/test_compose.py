"""The Compose stack as a user brings it up: flows on its database, as processes and in containers.

pgAdmin is left out: there is no image of it here.
"""

import http.server
import shutil
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from demo.sites import Trips
from tests.containers.conftest import build_server, docker, run_script
from tests.containers.stack import Stack, execute, import_flow, put_file, set_key

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

ROOT = Path(__file__).parents[2]
POSTGRES_IMAGE = "local/postgres:15"
DBT_IMAGE = "mainstem:test-dbt"
# What flows/taxi/postgres_dbt.yaml names; made here, as no registry can be asked.
FLOW_IMAGE = "ghcr.io/kestra-io/dbt-postgres:latest"
ROWS = 500


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def trips(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A file server of this machine, as containers reach it with no setting."""
    site = Trips(tmp_path_factory.mktemp("trips"), ROWS)

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            reply = site.asset(self.path)
            body = reply.body if isinstance(reply.body, bytes) else reply.body.read_bytes()
            self.send_response(reply.status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            return

    with http.server.ThreadingHTTPServer(("0.0.0.0", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://host.docker.internal:{server.server_port}"
        server.shutdown()


@pytest.fixture(scope="module")
def running(
    docker_host: str, python_image: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stack]:
    """Server, its database and the data's database, with the daemon's socket for Docker tasks."""
    run_script(docker_host, "postgres.sh", POSTGRES_IMAGE, python_image)
    extras = ("--build-arg", "EXTRAS=postgres,docker,dbt-postgres")
    build_server(docker_host, python_image, DBT_IMAGE, *extras)
    context = tmp_path_factory.mktemp("image")
    (context / "Dockerfile").write_text(f"FROM {DBT_IMAGE}\nENTRYPOINT []\nUSER 0\n")
    docker(docker_host, "build", "--quiet", "--tag", FLOW_IMAGE, str(context))
    folder = tmp_path_factory.mktemp("compose")
    daemon = Path(docker_host.removeprefix("unix://"))
    made = Stack(
        docker_host,
        folder,
        {
            "MAINSTEM_IMAGE": DBT_IMAGE,
            "POSTGRES_IMAGE": POSTGRES_IMAGE,
            "MAINSTEM_PORT": str(free_port()),
            "PGDATABASE_PORT": str(free_port()),
            "PGDATABASE_BIND": "0.0.0.0",
            "DOCKER_SOCKET": str(daemon),
            "DOCKER_GID": str(daemon.stat().st_gid),
        },
        files=("docker-compose.yml", "docker-compose.docker.yml"),
    )
    made.write_environment()
    try:
        made.up("mainstem", "pgdatabase")
        yield made
    except BaseException:
        print(made.compose("logs", "--no-color", "--tail", "100"))
        raise
    finally:
        made.down()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def api(running: Stack, trips: str) -> Iterator[httpx.Client]:
    """An admin's client of a server that has the flows of this repository and their files."""
    with running.client() as client:
        for flow in sorted((ROOT / "flows" / "taxi").glob("postgres_*.yaml")):
            import_flow(client, flow.read_text())
        for folder, prefix in (("files", ""), ("dbt", "dbt/")):
            top = ROOT / folder / "taxi"
            for file in sorted(path for path in top.rglob("*") if path.is_file()):
                put_file(client, "taxi", f"{prefix}{file.relative_to(top)}", file.read_bytes())
        set_key(client, "taxi", "TAXI_DATA_URL", trips)
        yield client


def test_nobody_enters_without_the_password(running: Stack, api: httpx.Client) -> None:
    assert httpx.get(f"{running.url}/api/v1/flows/search", trust_env=False).status_code == 401
    assert httpx.get(f"{running.url}/health", trust_env=False).json()["status"] == "UP"
    assert api.get("/api/v1/flows/search").status_code == 200


@pytest.fixture(scope="module")
def loaded(api: httpx.Client) -> dict[str, object]:
    """What the load of one month of each colour gave."""
    return {
        taxi: execute(api, "taxi", "postgres_taxi", taxi=taxi, year="2019", month="01")["outputs"]
        for taxi in ("yellow", "green")
    }


def test_trips_reach_the_database(loaded: dict[str, object]) -> None:
    for taxi, outputs in loaded.items():
        assert outputs == {"table": f"public.{taxi}_tripdata", "rows": ROWS}


def check_build(api: httpx.Client, flow: str) -> None:
    built = execute(api, "taxi", flow)
    runs = built["taskRunList"]
    assert isinstance(runs, list)
    assert sum(run["taskId"].startswith("model.") for run in runs) == 6
    assert {run["state"]["current"] for run in runs} == {"SUCCESS"}


@pytest.mark.usefixtures("loaded")
def test_dbt_builds_on_them_in_a_container(api: httpx.Client) -> None:
    check_build(api, "postgres_dbt")


@pytest.mark.usefixtures("loaded")
def test_dbt_builds_on_them_as_a_process(api: httpx.Client) -> None:
    source = (ROOT / "flows" / "taxi" / "postgres_dbt.yaml").read_text()
    process = "taskRunner: {type: io.kestra.plugin.core.runner.Process}"
    source = source.replace(f"containerImage: {FLOW_IMAGE}", process)
    import_flow(api, source.replace("id: postgres_dbt\n", "id: postgres_dbt_process\n", 1))
    check_build(api, "postgres_dbt_process")


IN_A_CONTAINER = f"""
id: dbt_in_a_container
namespace: taxi
tasks:
  - id: dbt
    type: io.kestra.plugin.dbt.cli.DbtCLI
    containerImage: {FLOW_IMAGE}
    taskRunner:
      type: io.kestra.plugin.scripts.runner.docker.Docker
      pullPolicy: NEVER
    namespaceFiles: {{enabled: true, include: ["dbt/**"]}}
    projectDir: dbt
    env: {{DBT_DATABASE: taxi, DBT_SCHEMA: public}}
    profiles: |
      taxi:
        target: main
        outputs:
          main: {{type: postgres, host: %s, port: %s, dbname: taxi, user: taxi, schema: public,
                 password: "{{{{ secret('POSTGRES_PASSWORD') }}}}", threads: 4}}
    commands: ["dbt build"]
"""


@pytest.mark.usefixtures("loaded")
@pytest.mark.parametrize("way", ["by the name of its service", "by the name of the host"])
def test_dbt_in_a_container_reaches_the_database(
    running: Stack, api: httpx.Client, way: str
) -> None:
    port = running.variables["PGDATABASE_PORT"]
    host = ("pgdatabase", "5432") if "service" in way else ("host.docker.internal", port)
    import_flow(api, IN_A_CONTAINER % host)
    check_build(api, "dbt_in_a_container")
    left = running.compose("ps", "--all", "--quiet").split()
    assert len(left) == 3


def test_a_restart_keeps_what_the_volumes_hold(running: Stack, api: httpx.Client) -> None:
    before = api.get("/api/v1/executions/search").json()["total"]
    running.compose("restart", "mainstem")
    running.up("mainstem")
    assert api.get("/api/v1/executions/search").json()["total"] == before > 0
