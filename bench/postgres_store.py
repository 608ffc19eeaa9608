"""Two-task flows on SQLite and on PostgreSQL, side by side.

    python -m bench.postgres_store [--seconds N] [--runs N] [--json]

Eight threads create executions of a flow (OutputValues, Log) as fast as they are taken; a run ends
when every execution has ended. Shell tasks show what the way over job rows costs. PostgreSQL is
a server on this machine, started for the bench without fsync; SQLite has WAL, synchronous=NORMAL.
"""

import argparse
import json
import statistics
import tempfile
import threading
import time
from pathlib import Path

from bench.machine import speed
from demo import postgres
from demo.processes import Children
from mainstem.app import App
from mainstem.bus.inprocess import EXECUTIONS
from mainstem.model.flow_id import FlowId
from mainstem.services.executions import NewRun
from mainstem.settings import load_settings
from mainstem.store import executions as rows

FLOWS = {
    "light": "  - {id: a, type: core.output.OutputValues, values: {x: '{{ flow.id }}'}}\n"
    "  - {id: b, type: core.log.Log, message: 'x is {{ outputs.a.values.x }}'}\n",
    "shell": "  - {id: a, type: scripts.shell.Commands, commands: ['true']}\n",
}
THREADS = 8


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    figures: dict[str, dict[str, float]] = {}
    with tempfile.TemporaryDirectory() as folder, Children(Path(folder) / "logs") as children:
        url = postgres.start(children, Path(folder)).url
        for name, given in (("sqlite", {}), ("postgresql", {"database.url": url})):
            state = {"state_dir": str(Path(folder) / name), "runners.default": "process"}
            app = App(load_settings(overrides={**state, **given}, environment={}))
            app.start()
            for kind, tasks in FLOWS.items():
                app.flows.save(f"id: {kind}\nnamespace: bench\ntasks:\n{tasks}")
                flow = FlowId("bench", kind)
                rate(app, flow, 0.5)
                found = [rate(app, flow, options.seconds) for _ in range(options.runs)]
                figures.setdefault(kind, {})[name] = statistics.median(found)
            app.stop()
    if options.json:
        print(json.dumps(figures))
        return
    print(speed())
    for kind, found in figures.items():
        share = found["postgresql"] / found["sqlite"] * 100
        print(
            f"{kind:<6} sqlite {found['sqlite']:7.0f}   postgresql {found['postgresql']:7.0f} "
            f"executions/s ({share:.0f} %), median of {options.runs}"
        )


def rate(app: App, flow: FlowId, seconds: float) -> float:
    """Executions ended per second, the backlog at the end included."""
    began = time.perf_counter()
    counts = [0] * THREADS

    def create(number: int) -> None:
        while time.perf_counter() - began < seconds:
            app.executions.create(NewRun(flow))
            counts[number] += 1

    threads = [threading.Thread(target=create, args=(number,)) for number in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    wait_for_all(app)
    return sum(counts) / (time.perf_counter() - began)


def wait_for_all(app: App) -> None:
    changed = threading.Event()
    unsubscribe = app.bus.subscribe([EXECUTIONS], lambda _topic: changed.set())
    while True:
        changed.clear()
        with app.database.read() as tx:
            if not rows.open_ids(tx):
                break
        changed.wait(0.2)
    unsubscribe()


if __name__ == "__main__":
    main()
