"""Script tasks in real containers."""

import gc
import http.server
import subprocess
import threading
from collections.abc import Callable, Iterator

import pytest

from mainstem.app import App
from mainstem.model.state import State
from tests.containers.conftest import IMAGE
from tests.server.conftest import Server

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(180),
    # The client library leaves sockets of attached and of failed connections to the collector.
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture(autouse=True)
def collected() -> Iterator[None]:
    """Sockets are collected within the test that left them."""
    yield
    gc.collect()


@pytest.fixture
def dockered(make_app: Callable[..., App], docker_host: str) -> Iterator[Server]:
    app = make_app(**{"runners.default": "auto", "runners.docker.host": docker_host})
    app.start()
    yield Server(app)
    app.stop()


def flow(commands: str, more: str = "") -> str:
    return (
        "id: boxed\nnamespace: demo\ntasks:\n"
        "  - id: run\n    type: scripts.shell.Commands\n"
        f"    containerImage: {IMAGE}\n{more}"
        "    taskRunner:\n      type: io.kestra.plugin.scripts.runner.docker.Docker\n"
        "      pullPolicy: NEVER\n"
        f"    commands: {commands}\n"
    )


def containers(docker_host: str) -> list[str]:
    asked = subprocess.run(
        ["docker", "-H", docker_host, "ps", "--all", "--quiet"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return asked.stdout.split()


def test_files_go_in_and_come_out_under_the_same_path(dockered: Server, docker_host: str) -> None:
    more = "    inputFiles: {in.txt: hello}\n    outputFiles: ['out.txt', 'deep/*.txt']\n"
    execution = dockered.run(
        flow(
            "['cat {{ workingDir }}/in.txt > out.txt', 'mkdir deep', 'pwd > deep/where.txt']", more
        )
    )
    assert execution.state is State.SUCCESS, dockered.logs(execution)
    outputs = dockered.outputs(execution)["run"]
    assert outputs is not None
    assert set(outputs["outputFiles"]) == {"out.txt", "deep/where.txt"}  # type: ignore[arg-type]
    assert containers(docker_host) == []


def test_a_failing_command_leaves_no_container(dockered: Server, docker_host: str) -> None:
    execution = dockered.run(flow("['echo oops >&2', 'exit 3']"))
    assert execution.state is State.FAILED
    assert any("exit code 3" in line for line in dockered.logs(execution))
    assert containers(docker_host) == []


def test_a_kill_stops_and_removes_the_container(dockered: Server, docker_host: str) -> None:
    execution = dockered.start(flow("['echo begun', 'sleep 600']"))
    dockered.wait(execution.id, lambda _: any("begun" in line for line in dockered.logs(execution)))
    dockered.app.executions.kill(execution.id)
    assert dockered.wait(execution.id).state is State.KILLED
    assert containers(docker_host) == []


def test_a_missing_image_is_named(dockered: Server, docker_host: str) -> None:
    execution = dockered.run(flow("['true']").replace(IMAGE, "local/nothing:1"))
    assert execution.state is State.FAILED
    assert any("local/nothing:1" in line for line in dockered.logs(execution))


def test_the_host_is_reached_by_its_usual_name(dockered: Server) -> None:
    class Answer(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"from the host")

        def log_message(self, *_: object) -> None:
            return

    with http.server.ThreadingHTTPServer(("0.0.0.0", 0), Answer) as listener:
        threading.Thread(target=listener.serve_forever, daemon=True).start()
        address = f"http://host.docker.internal:{listener.server_port}/"
        execution = dockered.run(flow(f"['wget -qO- {address}']"))
        listener.shutdown()
    assert execution.state is State.SUCCESS, dockered.logs(execution)
    assert any("from the host" in line for line in dockered.logs(execution))


def test_the_default_runner_is_docker_when_a_daemon_answers(dockered: Server) -> None:
    source = flow("['echo in a box']").split("    taskRunner:")[0]
    execution = dockered.run(
        source + "    commands: ['test -e /bin/busybox && ! test -e /etc/passwd']\n"
    )
    assert execution.state is State.SUCCESS, dockered.logs(execution)


def test_an_explicit_docker_runner_without_a_daemon_is_a_clear_error(
    make_app: Callable[..., App],
) -> None:
    app = make_app(**{"runners.docker.host": "unix:///nowhere/docker.sock"})
    app.start()
    server = Server(app)
    execution = server.run(flow("['true']"))
    assert execution.state is State.FAILED
    assert any("runners.docker.fallback" in line for line in server.logs(execution))
    app.stop()
