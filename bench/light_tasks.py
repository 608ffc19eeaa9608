"""Tasks in sequence: what the server adds to each.

    python -m bench.light_tasks [--tasks N] [--runs N] [--json]

Three flows of 40 tasks: core.debug.Return, shell commands, and Python scripts as processes. The
processes stand beside a plain loop of subprocesses that does the same work. Targets: 40 light
tasks within 0.05 s; at most 15 % over the plain loop. bench/peers/ has the same for Prefect.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable

from bench.machine import speed
from mainstem.app import App
from mainstem.model.execution import Execution
from mainstem.model.flow_id import FlowId
from mainstem.model.state import State
from mainstem.services.executions import NewRun
from mainstem.settings import load_settings

KINDS = {
    "light": "type: core.debug.Return\n    format: '{{ task.id }}'",
    "shell": "type: scripts.shell.Commands\n    commands: ['true']",
    "python": "type: scripts.python.Script\n    script: pass",
}
LOOPS: dict[str, list[str]] = {
    "shell": ["/bin/sh", "-c", "set -e\ntrue"],
    "python": ["/bin/sh", "-c", f"set -e\n{sys.executable} -c pass"],
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tasks", type=int, default=40)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as state:
        given = {"state_dir": state, "runners.default": "process"}
        app = App(load_settings(overrides=given))
        app.start()
        figures = {kind: measure(app, kind, options.tasks, options.runs) for kind in KINDS}
        app.stop()
    if options.json:
        print(json.dumps(figures))
        return
    print(speed())
    print(f"{options.tasks} tasks in sequence, median of {options.runs}")
    for kind, found in figures.items():
        each = found["seconds"] / options.tasks * 1000
        line = f"  {kind:<7} {found['seconds']:7.3f} s  {each:7.2f} ms a task"
        if "loop" in found:
            over = (found["seconds"] / found["loop"] - 1) * 100
            line += f"   plain loop {found['loop']:7.3f} s  ({over:+.0f} %, target <= +15 %)"
        else:
            line += "   (target <= 0.05 s)"
        print(line)


def measure(app: App, kind: str, tasks: int, runs: int) -> dict[str, float]:
    """Medians of the server and, for processes, of the plain loop, run by turns."""
    listed = "".join(f"  - id: t{n}\n    {KINDS[kind]}\n" for n in range(tasks))
    app.flows.save(f"id: {kind}\nnamespace: bench\ntasks:\n{listed}")
    flow = FlowId("bench", kind)
    run(app, flow)
    ours, loops = [], []
    for _ in range(runs):
        ours.append(seconds(lambda: run(app, flow)))
        if kind in LOOPS:
            loops.append(seconds(lambda: plain(LOOPS[kind], tasks)))
    found = {"seconds": statistics.median(ours)}
    if loops:
        found["loop"] = statistics.median(loops)
    return found


def run(app: App, flow: FlowId) -> Execution:
    """Look for the end at intervals: an answer to every signal would be a load of its own."""
    made = app.executions.create(NewRun(flow))
    while not (execution := app.executions.get(made.id)).state.is_terminal:
        time.sleep(0.002)
    assert execution.state is State.SUCCESS
    return execution


def plain(argv: list[str], times: int) -> None:
    for _ in range(times):
        subprocess.run(argv, check=True, capture_output=True, stdin=subprocess.DEVNULL)


def seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
