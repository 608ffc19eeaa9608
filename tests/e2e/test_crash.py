"""A server that dies loses nothing that it has answered for."""

import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from tests.e2e.conftest import Running

FLOW = """
id: gated
namespace: demo
inputs: [{id: gate, type: STRING}]
tasks:
  - {id: before, type: core.debug.Return, format: kept}
  - id: work
    type: scripts.shell.Commands
    commands: ["touch {{ inputs.gate }}.started; for i in $(seq 1000); do test -e {{ inputs.gate }} && break; sleep 0.05; done"]
  - {id: after, type: core.debug.Return, format: "{{ outputs.before.value }}"}
"""  # noqa: E501


def test_an_interrupted_execution_is_finished_after_kill_9_and_a_restart(
    up: Callable[..., Running], tmp_path: Path
) -> None:
    gate = tmp_path / "gate"
    first = up()
    assert first.api.post("/flows", content=FLOW).status_code == 200
    made = first.api.post("/executions/demo/gated", files={"gate": (None, str(gate))}).json()
    with first.api.stream("GET", f"/executions/{made['id']}/follow") as events:
        for line in events.iter_lines():
            if Path(f"{gate}.started").exists():
                break
            assert "event: end" not in line
    first.end(signal.SIGKILL)
    gate.touch()
    second = up()
    with second.api.stream("GET", f"/executions/{made['id']}/follow") as events:
        for line in events.iter_lines():
            if line == "event: end":
                break
    done = second.api.get(f"/executions/{made['id']}").json()
    assert done["state"]["current"] == "SUCCESS"
    attempts = {run["taskId"]: len(run["attempts"]) for run in done["taskRunList"]}
    assert attempts == {"before": 1, "work": 2, "after": 1}
    second.end(signal.SIGTERM)
    assert list((tmp_path / "state" / "work").iterdir()) == []


def test_a_second_server_on_the_same_state_folder_is_refused_and_told_why(
    up: Callable[..., Running], tmp_path: Path
) -> None:
    first = up()
    done = subprocess.run(
        [sys.executable, "-m", "mainstem", "up", "--state", str(tmp_path / "state"), "--port", "0"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert f"is in use by process {first.pid}" in done.stderr


def test_sigterm_ends_the_server_cleanly(up: Callable[..., Running]) -> None:
    server = up()
    assert server.web.get("/health").json()["status"] == "UP"
    assert server.end(signal.SIGTERM) == 0
