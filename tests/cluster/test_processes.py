"""Real server processes on a real PostgreSQL: whatever dies, everything ends once."""

import json
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from demo.processes import Children
from tests.cluster.processes import Node
from tests.cluster.processes import eventually as wait_for
from tests.postgres import PostgresServer, start_server

pytestmark = [pytest.mark.heavy, pytest.mark.timeout(120)]

GATED = """
id: gated
namespace: demo
inputs: [{id: gate, type: STRING}]
tasks:
  - {id: before, type: core.debug.Return, format: kept}
  - id: work
    type: scripts.shell.Commands
    commands:
      - "echo $$ >> {{ inputs.gate }}.started"
      - "for i in $(seq 2000); do test -e {{ inputs.gate }} && break; sleep 0.02; done"
      - "echo done >> {{ inputs.gate }}.done"
  - {id: after, type: core.debug.Return, format: "{{ outputs.before.value }}"}
"""


@pytest.fixture
def start(tmp_path: Path, postgres_url: str) -> Iterator[Callable[..., Node]]:
    nodes: list[Node] = []

    def make(name: str, roles: str = "", *options: str) -> Node:
        given = [f"roles=[{roles}]"] if roles else []
        nodes.append(Node(tmp_path, name, postgres_url, *given, *options))
        return nodes[-1].ready()

    yield make
    for node in nodes:
        node.end(signal.SIGKILL)


def begin(node: Node, gate: Path) -> str:
    assert node.api.post("/flows", content=GATED).status_code == 200
    made = node.api.post("/executions/demo/gated", files={"gate": (None, str(gate))}).json()
    return str(made["id"])


def starts(gate: Path) -> int:
    file = Path(f"{gate}.started")
    return len(file.read_text().split()) if file.exists() else 0


def attempts(execution: dict[str, object]) -> dict[str, int]:
    return {run["taskId"]: len(run["attempts"]) for run in execution["taskRunList"]}  # type: ignore[attr-defined]


def test_a_killed_worker_s_task_is_made_again_by_another_one(
    start: Callable[..., Node], tmp_path: Path
) -> None:
    brain = start("brain", "web,executor,scheduler")
    first = start("first", "worker")
    gate = tmp_path / "gate"
    execution_id = begin(brain, gate)
    wait_for(lambda: starts(gate) == 1, "the first worker begins")
    second = start("second", "worker")
    first.end(signal.SIGKILL)
    wait_for(lambda: starts(gate) == 2, "the second worker begins again")
    gate.touch()
    done = brain.follow_to_end(execution_id)
    assert done["state"]["current"] == "SUCCESS", second.logged()  # type: ignore[index]
    assert attempts(done) == {"before": 1, "work": 2, "after": 1}


def test_the_death_of_the_executor_hands_its_work_to_the_other_server(
    start: Callable[..., Node], tmp_path: Path
) -> None:
    first = start("first", "web,executor,scheduler")
    gate = tmp_path / "gate"
    execution_id = begin(first, gate)
    second = start("second", "web,executor,scheduler")
    start("hand", "worker")
    wait_for(lambda: starts(gate) == 1, "the worker begins")
    first.end(signal.SIGKILL)
    gate.touch()
    done = second.follow_to_end(execution_id)
    assert done["state"]["current"] == "SUCCESS"  # type: ignore[index]
    assert attempts(done) == {"before": 1, "work": 1, "after": 1}
    assert Path(f"{gate}.done").read_text().split() == ["done"]


def test_a_worker_that_slept_through_its_time_is_refused(
    start: Callable[..., Node], tmp_path: Path
) -> None:
    brain = start("brain", "web,executor,scheduler")
    sleeper = start("sleeper", "worker")
    gate = tmp_path / "gate"
    execution_id = begin(brain, gate)
    wait_for(lambda: starts(gate) == 1, "the worker begins")
    sleeper.send(signal.SIGSTOP)
    start("heir", "worker")
    wait_for(lambda: starts(gate) == 2, "the heir begins")
    gate.touch()
    done = brain.follow_to_end(execution_id)
    sleeper.send(signal.SIGCONT)
    wait_for(lambda: "was refused" in sleeper.logged(), "the late result is refused")
    again = brain.api.get(f"/executions/{execution_id}").json()
    assert again["state"] == done["state"]
    assert attempts(again) == {"before": 1, "work": 2, "after": 1}


def test_a_worker_that_is_asked_to_stop_finishes_what_it_runs(
    start: Callable[..., Node], tmp_path: Path
) -> None:
    brain = start("brain", "web,executor,scheduler")
    hand = start("hand", "worker", "server.grace_seconds=30")
    gate = tmp_path / "gate"
    execution_id = begin(brain, gate)
    wait_for(lambda: starts(gate) == 1, "the worker begins")
    hand.send(signal.SIGTERM)
    wait_for(lambda: "waiting for running tasks" in hand.logged(), "it drains")
    gate.touch()
    assert hand.wait() == 0
    done = brain.follow_to_end(execution_id)
    assert done["state"]["current"] == "SUCCESS"  # type: ignore[index]
    assert attempts(done) == {"before": 1, "work": 1, "after": 1}


def test_a_worker_without_time_left_hands_its_task_back(
    start: Callable[..., Node], tmp_path: Path
) -> None:
    brain = start("brain", "web,executor,scheduler", "cluster.lost_seconds=600")
    hand = start("hand", "worker", "server.grace_seconds=0")
    gate = tmp_path / "gate"
    execution_id = begin(brain, gate)
    wait_for(lambda: starts(gate) == 1, "the worker begins")
    assert hand.end(signal.SIGTERM) == 0
    start("next", "worker")
    gate.touch()
    done = brain.follow_to_end(execution_id)
    assert done["state"]["current"] == "SUCCESS"  # type: ignore[index]
    assert attempts(done) == {"before": 1, "work": 2, "after": 1}


@pytest.fixture
def own_server(tmp_path: Path, postgres_server: PostgresServer) -> Iterator[PostgresServer]:
    """A server that no other test uses, so that it can be stopped."""
    folder = tmp_path / "postgres"
    folder.mkdir()
    with Children(folder / "logs") as children:
        yield start_server(children, folder)


def test_a_database_that_goes_away_in_the_middle_is_waited_for(
    tmp_path: Path, own_server: PostgresServer
) -> None:
    node = Node(tmp_path, "one", own_server.fresh()).ready()
    gate = tmp_path / "gate"
    execution_id = begin(node, gate)
    wait_for(lambda: starts(gate) == 1, "the task begins")
    own_server.stop()
    try:
        wait_for(lambda: "leases cannot be renewed" in node.logged(), "the server notices")
        assert node.web.get("/health/ready").status_code == 503
        assert node.web.get("/health/live").status_code == 200
        gate.touch()
        wait_for(lambda: "for the database" in node.logged(), "the result waits")
    finally:
        own_server.restart()
    wait_for(lambda: node.web.get("/health/ready").status_code == 200, "it is ready again")
    done = node.follow_to_end(execution_id)
    assert done["state"]["current"] == "SUCCESS", node.logged()  # type: ignore[index]
    assert attempts(done) == {"before": 1, "work": 1, "after": 1}
    assert Path(f"{gate}.done").read_text().split() == ["done"]
    node.end()


def test_a_server_on_postgresql_that_is_killed_goes_on_after_its_restart(
    start: Callable[..., Node], tmp_path: Path
) -> None:
    first = start("one")
    gate = tmp_path / "gate"
    execution_id = begin(first, gate)
    wait_for(lambda: starts(gate) == 1, "the task begins")
    first.end(signal.SIGKILL)
    gate.touch()
    second = start("one")
    done = second.follow_to_end(execution_id)
    assert done["state"]["current"] == "SUCCESS"  # type: ignore[index]
    assert attempts(done) == {"before": 1, "work": 2, "after": 1}


def test_work_is_routed_by_worker_group(start: Callable[..., Node]) -> None:
    brain = start("brain", "web,executor,scheduler")
    start("plain", "worker")
    start("big", "worker", "worker.group=big")
    source = """
id: routed
namespace: demo
tasks:
  - {id: here, type: scripts.shell.Commands, commands: ["pwd"]}
  - {id: there, type: scripts.shell.Commands, workerGroup: {key: big}, commands: ["pwd"]}
  - {id: nowhere, type: scripts.shell.Commands, workerGroup: {key: none, fallback: CANCEL}, commands: ["pwd"]}
"""  # noqa: E501
    assert brain.api.post("/flows", content=source).status_code == 200
    made = brain.api.post("/executions/demo/routed").json()
    done = brain.follow_to_end(made["id"])
    lines = brain.api.get(f"/logs/{made['id']}").json()
    said = {line["taskId"]: line["message"] for line in lines if "/work/" in line["message"]}
    assert "/plain/" in said["here"]
    assert "/big/" in said["there"]
    assert {run["taskId"]: run["state"]["current"] for run in done["taskRunList"]}[
        "nowhere"
    ] == "CANCELLED"  # type: ignore[attr-defined]


def test_servers_tell_each_other_of_changes_at_once(start: Callable[..., Node]) -> None:
    first = start("first", "web,executor,scheduler,worker")
    second = start("second", "web")
    assert first.api.post("/flows", content=GATED.replace("gated", "other")).status_code == 200
    made = second.api.post("/executions/demo/other", files={"gate": (None, "/")}).json()
    done = second.follow_to_end(made["id"])
    assert done["state"]["current"] == "SUCCESS"  # type: ignore[index]
    killed = second.api.delete(f"/executions/{made['id']}/kill")
    assert killed.status_code < 500


def test_every_line_of_the_log_is_json(start: Callable[..., Node]) -> None:
    node = start("one")
    node.end(signal.SIGTERM)
    entries = [json.loads(line) for line in node.logged().splitlines()]
    assert {"time", "severity", "logger", "message"} <= set(entries[0])
    assert any(entry["message"] == "lease taken" for entry in entries)
