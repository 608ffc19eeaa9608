"""Script tasks in real containers."""

import base64
import gc
import http.server
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mainstem.app import App
from mainstem.model.state import State
from tests.containers.conftest import IMAGE
from tests.containers.registry import Registry, serve
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


@pytest.fixture
def registry() -> Iterator[Registry]:
    with serve(Path("/bin/busybox"), "ada", "s3cret-word") as found:
        yield found


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


def boxed(runner: str, commands: str = "['true']") -> str:
    """The flow with more properties of the runner, each line `name: value`."""
    lines = "".join(f"      {line}\n" for line in runner.splitlines())
    return flow(commands).replace("      pullPolicy: NEVER\n", f"      pullPolicy: NEVER\n{lines}")


@pytest.mark.parametrize(
    ("runner", "commands", "shown"),
    [
        ("user: '1234'", "['id -u']", "1234"),
        ("cpu: {cpus: 0.5}", "['cat /sys/fs/cgroup/cpu/cpu.cfs_quota_us']", "50000"),
        (
            "memory: {memory: '{{ 64 }}MB'}",
            "['cat /sys/fs/cgroup/memory/memory.limit_in_bytes']",
            str(64 * 1024**2),
        ),
        ("shmSize: 16 MB", "['df -k /dev/shm | tail -1']", "16384"),
        ("extraHosts: ['warehouse:10.1.2.3']", "['cat /etc/hosts']", "10.1.2.3\twarehouse"),
        ("entryPoint: ['/bin/sh', '-c', 'echo entered']", "['true']", "entered"),
        ("networkMode: none", "['ls /sys/class/net']", "lo"),
        ("networkMode: host", "['grep docker.internal /etc/hosts']", "127.0.0.1"),
        ("fileHandlingStrategy: MOUNT", "['pwd', 'ls -ld . ; mount | grep work']", "work"),
    ],
)
def test_properties_reach_the_container(
    dockered: Server, docker_host: str, runner: str, commands: str, shown: str
) -> None:
    execution = dockered.run(boxed(runner, commands))
    assert execution.state is State.SUCCESS, dockered.logs(execution)
    assert any(shown in line for line in dockered.logs(execution)), dockered.logs(execution)
    assert containers(docker_host) == []


def test_a_volume_of_the_host_is_seen_inside(dockered: Server, tmp_path: Path) -> None:
    (tmp_path / "note.txt").write_text("from a volume")
    execution = dockered.run(boxed(f"volumes: ['{tmp_path}:/notes:ro']", "['cat /notes/note.txt']"))
    assert any("from a volume" in line for line in dockered.logs(execution))


def test_running_out_of_memory_is_named(dockered: Server, docker_host: str) -> None:
    greedy = "['head -c 200m /dev/zero | tail']"
    execution = dockered.run(boxed("memory: {memory: 16MB, memorySwap: 16MB}", greedy))
    assert execution.state is State.FAILED
    assert any("out of memory" in line for line in dockered.logs(execution))
    assert containers(docker_host) == []


def test_a_container_that_the_task_wants_to_keep_stays(dockered: Server, docker_host: str) -> None:
    execution = dockered.run(boxed("delete: false"))
    assert execution.state is State.SUCCESS
    (kept,) = containers(docker_host)
    subprocess.run(["docker", "-H", docker_host, "rm", "-f", kept], check=True, capture_output=True)


def test_a_container_can_be_left_running(dockered: Server, docker_host: str) -> None:
    execution = dockered.run(boxed("wait: false", "['sleep 300']"))
    assert execution.state is State.SUCCESS
    (left,) = containers(docker_host)
    subprocess.run(["docker", "-H", docker_host, "rm", "-f", left], check=True, capture_output=True)


def test_what_a_killed_server_left_is_removed_by_the_next_attempt(
    dockered: Server, docker_host: str
) -> None:
    execution = dockered.start(flow("['echo begun', 'test -e again || sleep 600']"))
    dockered.wait(execution.id, lambda _: any("begun" in line for line in dockered.logs(execution)))
    (run,) = dockered.runs(execution)
    command = ["docker", "-H", docker_host, "create", "--label", f"mainstem.task-run={run.id}"]
    orphan = subprocess.run(
        [*command, "--label", "mainstem.attempt=0", IMAGE, "true"],
        check=True, capture_output=True, text=True,
    ).stdout.strip()  # fmt: skip
    dockered.app.executions.kill(execution.id)
    dockered.wait(execution.id)
    dockered.app.executions.restart(execution.id)
    dockered.wait(
        execution.id, lambda e: not any(orphan.startswith(c) for c in containers(docker_host))
    )
    dockered.app.executions.kill(execution.id)
    dockered.wait(execution.id)
    assert containers(docker_host) == []


def test_a_refused_setting_leaves_no_container(dockered: Server, docker_host: str) -> None:
    execution = dockered.run(boxed("networkMode: nowhere"))
    assert execution.state is State.FAILED
    assert any("nowhere" in line for line in dockered.logs(execution))
    assert containers(docker_host) == []


def test_an_image_is_pulled_with_the_credentials_of_the_task(
    dockered: Server, docker_host: str, registry: Registry
) -> None:
    image = f"{registry.address}/private/busybox:1"
    source = flow("['echo pulled']").replace("pullPolicy: NEVER", "pullPolicy: ALWAYS")
    source = source.replace(IMAGE, image)
    refused = dockered.run(source)
    assert refused.state is State.FAILED
    login = '      credentials: {username: ada, password: \'{{ "s3cret-" ~ "word" }}\'}\n'
    execution = dockered.run(source.replace("    commands:", f"{login}    commands:"))
    assert execution.state is State.SUCCESS, dockered.logs(execution)
    assert not any("s3cret-word" in line for line in dockered.logs(execution))
    token = base64.b64encode(b"ada:s3cret-word").decode()
    config = f'      config: \'{{"auths": {{"{registry.address}": {{"auth": "{token}"}}}}}}\'\n'
    again = dockered.run(source.replace("    commands:", f"{config}    commands:"))
    assert again.state is State.SUCCESS, dockered.logs(again)
