"""Executions a minute, and how long one takes, under a steady load or as fast as it goes.

    python -m bench.throughput [--via service|webhook] [--flow two|ifs|payload] [--rate N]
                               [--seconds N] [--runs N] [--callers N] [--payload BYTES] [--json]

Without `--rate` as many executions are started as the server can take, with at most `--open` of
them unfinished: a figure of throughput. With `--rate` that many a minute are started at even
distances, whether or not the server keeps up: a figure of latency. Durations are those of the rows
(created to ended), as dashboards show them; `mean` is what published benchmarks of this kind call
latency. A short warm-up is not counted.

`service` creates executions in this process. `webhook` starts `mainstem up` as a process of its own
and calls it over kept connections from this one, so both share the machine's cores.

Flows: `two` is OutputValues and Log; `ifs` is OutputValues, five Ifs, and the task in each (with
the Ifs, eleven task runs); `payload` hands a body of `--payload` bytes through three tasks.
"""

import argparse
import json
import os
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

from bench.load import Calls, as_fast, at_rate
from bench.machine import speed
from mainstem.app import App
from mainstem.model.execution import ExecutionTrigger
from mainstem.model.flow_id import FlowId
from mainstem.runtime.garbage import collect_seldom
from mainstem.services.executions import NewRun
from mainstem.settings import load_settings

WARM_UP_SECONDS = 3.0
_HOOK = """
triggers:
  - id: hook
    type: io.kestra.plugin.core.trigger.Webhook
    key: bench
"""
_TWO = """id: two
namespace: bench
tasks:
  - id: values
    type: io.kestra.plugin.core.output.OutputValues
    values:
      number: 42
      name: "{{ flow.id }}"
  - id: say
    type: io.kestra.plugin.core.log.Log
    message: "got {{ outputs.values.values.number }}"
"""
_IF = """  - id: if{n}
    type: io.kestra.plugin.core.flow.If
    condition: "{{{{ outputs.values.values.number > {n} }}}}"
    then:
      - id: then{n}
        type: io.kestra.plugin.core.log.Log
        message: "larger than {n}"
"""
_IFS = _TWO.split("  - id: say")[0].replace("id: two", "id: ifs") + "".join(
    _IF.format(n=n) for n in range(5)
)
_PAYLOAD = """id: payload
namespace: bench
tasks:
  - id: take
    type: io.kestra.plugin.core.output.OutputValues
    values:
      records: "{{ trigger.body.records }}"
  - id: shape
    type: io.kestra.plugin.core.output.OutputValues
    values:
      ids: "{{ outputs.take.values.records | jq('[.[].id]') | first }}"
  - id: say
    type: io.kestra.plugin.core.log.Log
    message: "{{ outputs.shape.values.ids | length }} records"
"""
FLOWS = {"two": _TWO, "ifs": _IFS, "payload": _PAYLOAD}
TASK_RUNS = {"two": 2, "ifs": 11, "payload": 3}


@dataclass(frozen=True, slots=True)
class Figures:
    """One run; CPU seconds are of the server's process, for `service` with the load's in them."""

    started: int
    ended: int
    failed: int
    seconds: float
    per_minute: float
    mean_ms: float
    p50_ms: float
    p99_ms: float
    left_open: int
    cpu_seconds: float
    cpu_ms_each: float


@dataclass(frozen=True, slots=True)
class Target:
    """Where the executions go: how to start one, and whose CPU time counts."""

    start: Callable[[], object]
    database: Path
    process: psutil.Process
    threads: int


def body_of(size: int) -> dict[str, object]:
    """A JSON body of about that many bytes: records like those of an event stream."""
    record = {"id": 0, "name": "x" * 40, "value": 1.5, "tags": ["a", "b"]}
    each = len(json.dumps(record)) + 2
    return {"records": [{**record, "id": n} for n in range(max(1, size // each))]}


@contextmanager
def service(folder: Path, flow: str, size: int, callers: int) -> Iterator[Target]:
    app = App(load_settings(overrides={"state_dir": str(folder), "auth.mode": "none"}))
    app.start()
    app.flows.save(FLOWS[flow])
    trigger = ExecutionTrigger("hook", "webhook", {"body": body_of(size)} if size else {})
    run = NewRun(FlowId("bench", flow), trigger=trigger)
    collect_seldom()  # as a server does
    database = folder / "mainstem.db"
    yield Target(lambda: app.executions.create(run), database, psutil.Process(), callers)
    app.stop()


@contextmanager
def webhook(folder: Path, flow: str, size: int, callers: int) -> Iterator[Target]:
    command = [sys.executable, "-m", "mainstem", "up", "--state", str(folder), "--port", "0"]
    # Without users, so that the load needs no token; webhooks are open in either case.
    environment = {**os.environ, "MAINSTEM_AUTH__MODE": "none"}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment
    ) as child:
        assert child.stdout is not None
        line = child.stdout.readline()
        port = int(line.split("ready at ")[1].split("/ui/")[0].rpartition(":")[2])
        calls = Calls(port)
        calls.save_flow(FLOWS[flow] + _HOOK, folder)
        calls.prepare(f"/api/v1/executions/webhook/bench/{flow}/bench", body_of(size))
        yield Target(calls, folder / "mainstem.db", psutil.Process(child.pid), callers)
        calls.close()
        child.terminate()


def measure(target: Target, options: argparse.Namespace) -> Figures:
    with sqlite3.connect(f"file:{target.database}?mode=ro", uri=True) as db:
        run(target, options, WARM_UP_SECONDS, lambda: open_of(db))
        until_idle(db)
        first = int(time.time() * 1e6)
        before = target.process.cpu_times()
        began = time.perf_counter()
        started = run(target, options, options.seconds, lambda: open_of(db))
        seconds = time.perf_counter() - began
        left = open_of(db)
        ended = ended_since(db, first)
        until_idle(db)
        after = target.process.cpu_times()
        rows = db.execute(
            "SELECT state, (ended_at - created_at) / 1000.0 FROM executions WHERE created_at >= ?",
            (first,),
        ).fetchall()
    durations = sorted(row[1] for row in rows)
    cpu = after.user + after.system - before.user - before.system
    return Figures(
        started, ended, sum(row[0] != "SUCCESS" for row in rows), seconds, ended / seconds * 60,
        statistics.fmean(durations), durations[len(durations) // 2],
        durations[int(len(durations) * 0.99)], left, cpu, cpu / len(rows) * 1000,
    )  # fmt: skip


def run(
    target: Target, options: argparse.Namespace, seconds: float, unfinished: Callable[[], int]
) -> int:
    if options.rate:
        return at_rate(target.start, options.rate / 60, seconds, target.threads)
    return as_fast(target.start, seconds, target.threads, unfinished, options.open)


def open_of(db: sqlite3.Connection) -> int:
    return int(db.execute("SELECT count(*) FROM executions WHERE NOT closed").fetchone()[0])


def ended_since(db: sqlite3.Connection, first: int) -> int:
    query = "SELECT count(*) FROM executions WHERE created_at >= ? AND ended_at IS NOT NULL"
    return int(db.execute(query, (first,)).fetchone()[0])


def until_idle(db: sqlite3.Connection) -> None:
    while open_of(db):
        time.sleep(0.05)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--via", choices=["service", "webhook"], default="service")
    parser.add_argument("--flow", choices=list(FLOWS), default="two")
    parser.add_argument("--rate", type=int, default=0, help="executions a minute")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--callers", type=int, default=32, help="threads that start executions")
    parser.add_argument("--open", type=int, default=500)
    parser.add_argument("--payload", type=int, default=0)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    opened = {"service": service, "webhook": webhook}[options.via]
    size = options.payload or (160_000 if options.flow == "payload" else 0)
    found = []
    for _ in range(options.runs):
        with (
            tempfile.TemporaryDirectory() as folder,
            opened(Path(folder), options.flow, size, options.callers) as target,
        ):
            found.append(measure(target, options))
    middle = sorted(found, key=lambda item: item.per_minute)[len(found) // 2]
    if options.json:
        print(json.dumps({"median": asdict(middle), "runs": [asdict(item) for item in found]}))
        return
    print(speed())
    rate = f"{options.rate} a minute" if options.rate else "as fast as it goes"
    print(
        f"flow `{options.flow}` through the {options.via}, {rate}, {options.seconds:g} s, "
        f"{options.callers} callers, median of {options.runs}: "
        f"{middle.per_minute:,.0f} executions a minute "
        f"({middle.per_minute * TASK_RUNS[options.flow] / 60:,.0f} task runs/s), duration "
        f"mean {middle.mean_ms:.1f} p50 {middle.p50_ms:.1f} p99 {middle.p99_ms:.1f} ms, "
        f"{middle.left_open} left open, {middle.failed} failed, "
        f"CPU {middle.cpu_ms_each:.2f} ms an execution"
    )


if __name__ == "__main__":
    main()
