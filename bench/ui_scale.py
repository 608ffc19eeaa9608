"""Every page and fragment of the dashboard over a large database.

    python -m bench.ui_scale [--executions 200000] [--lines 5000000] [--flows 500] [--runs 15]
                             [--state DIR] [--json]

Seeds a database (kept in DIR if one is given, and found again there) and asks each page in this
process, without a network: p50 and p95 in milliseconds of wall time, processor time, statements,
and bytes. Budgets: p95 below 100 ms for pages and 50 ms for fragments (names with `_`), at most 12
statements, 150 kB.
"""

import argparse
import http.client
import json
import logging
import random
import socket
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import uvicorn
from sqlalchemy import event

from bench.machine import speed
from mainstem.app import App
from mainstem.ids import seeded_ids
from mainstem.model.execution import Attempt, Execution, ExecutionTrigger, TaskRun
from mainstem.model.flow_id import FlowId
from mainstem.model.log import Level, LogLine
from mainstem.model.state import History, Moment, State
from mainstem.server import create_server
from mainstem.services.search import ExecutionFilter
from mainstem.settings import load_settings
from mainstem.store import executions as rows
from mainstem.store import logs
from mainstem.store.executions import Versioned

_FLOW = """id: {id}
namespace: {namespace}
tasks:
  - {{id: extract, type: core.log.Log, message: hello}}
  - {{id: load, type: core.debug.Return, format: done}}
triggers:
  - {{id: daily, type: core.trigger.Schedule, cron: "0 3 * * *", disabled: true}}
"""
_DAYS = 30
_CHUNK = 2_000
_WORDS = ["loaded", "rows", "table", "partition", "file", "bucket", "query", "bytes", "retry"]


@dataclass(frozen=True, slots=True)
class Timing:
    """One page; times in milliseconds."""

    path: str
    status: int
    p50: float
    p95: float
    cpu: float
    statements: int
    kilobytes: float


def flows_of(number: int) -> list[FlowId]:
    return [FlowId(f"team{n % 20}.area{n % 5}", f"flow_{n}") for n in range(number)]


def seed(app: App, executions: int, lines: int, flows: list[FlowId]) -> None:
    app.flows.save_all([_FLOW.format(id=f.id, namespace=f.namespace) for f in flows])
    chance, ids = random.Random(11), seeded_ids("scale")
    end = datetime.now(UTC)
    each = max(1, lines // executions)
    for first in range(0, executions, _CHUNK):
        made, runs, said = [], [], []
        for number in range(first, min(first + _CHUNK, executions)):
            ago = timedelta(days=_DAYS) * (1 - number / executions) + timedelta(seconds=1)
            at = end - ago
            flow = flows[int(chance.paretovariate(0.6)) % len(flows)]
            state = chance.choices([State.SUCCESS, State.FAILED, State.WARNING], [90, 8, 2])[0]
            execution = _execution(ids(), flow, at, state, chance)
            made.append(Versioned(execution, 1, closed=True))
            mine = [_run(ids(), execution, task, at, state) for task in ("extract", "load")]
            runs.extend(mine)
            said.extend((line, flow) for line in _lines(execution, mine, each, at, chance))
        with app.database.write() as tx:
            rows.add(tx, made)
            rows.put_task_runs(tx, runs)
            logs.add_lines(tx, said)


def _history(at: datetime, state: State, seconds: float) -> History:
    began = at + timedelta(milliseconds=30)
    ended = began + timedelta(seconds=seconds)
    return History((Moment(State.CREATED, at), Moment(State.RUNNING, began), Moment(state, ended)))


def _execution(
    name: str, flow: FlowId, at: datetime, state: State, chance: random.Random
) -> Execution:
    fired = ExecutionTrigger("daily", "io.kestra.plugin.core.trigger.Schedule", {})
    return Execution(
        name, flow, 1, _history(at, state, chance.expovariate(0.05)),
        inputs={"month": f"2024-{chance.randrange(1, 13):02}"},
        labels={"team": flow.namespace, "system.correlationId": name},
        trigger=fired if chance.random() < 0.7 else None,
    )  # fmt: skip


def _run(name: str, execution: Execution, task: str, at: datetime, state: State) -> TaskRun:
    history = _history(at, state, 1.0)
    position = 0 if task == "extract" else 1
    outputs = {"value": "done", "rows": 1234} if task == "load" else None
    return TaskRun(
        name, execution.id, task, history, position, attempts=(Attempt(1, history),),
        outputs=outputs,
    )  # fmt: skip


def _lines(
    execution: Execution, runs: list[TaskRun], each: int, at: datetime, chance: random.Random
) -> Iterator[LogLine]:
    for number in range(each):
        run = runs[number % 2]
        level = Level.INFO if chance.random() < 0.97 else Level.ERROR
        words = " ".join(chance.choices(_WORDS, k=6))
        moment = at + timedelta(milliseconds=40 * number)
        yield LogLine(moment, level, f"{number} {words}", execution.id, run.id, run.task_id, 1)


def paths_of(flows: list[FlowId], execution: Execution) -> list[str]:
    f, e = flows[1], execution
    flow, run = f"/ui/flows/edit/{f.namespace}/{f.id}", f"/ui/executions/{e.flow.namespace}"
    run = f"{run}/{e.flow.id}/{e.id}"
    return [
        "/ui/", "/ui/_dashboard", "/ui/?period=30d", "/ui/_dashboard?period=30d",
        "/ui/executions", "/ui/executions/_rows", "/ui/executions?state=FAILED",
        f"/ui/executions?namespace={f.namespace}", "/ui/executions?q=flow_1",
        "/ui/executions?labels=team:team1.area1",
        "/ui/flows", "/ui/flows/_rows", "/ui/flows?q=flow_1", "/ui/triggers",
        "/ui/triggers/_rows", "/ui/logs", "/ui/logs/_found", "/ui/logs?q=partition",
        "/ui/logs?q=nothing-like-this", "/ui/logs?level=ERROR", f"/ui/logs?namespace={f.namespace}",
        "/ui/namespaces", f"/ui/namespaces/{f.namespace}", f"/ui/namespaces/{f.namespace}/kv",
        f"/ui/namespaces/{f.namespace}/files", "/ui/gitsync", "/ui/gitsync/_sources",
        "/ui/settings", "/ui/system", "/ui/system/_status", "/ui/palette",
        "/ui/palette/_results?q=flow_1",
        flow, f"{flow}/_runs", f"{flow}/topology", f"{flow}/executions", f"{flow}/_executions",
        f"{flow}/edit", f"{flow}/source", f"{flow}/revisions", f"{flow}/triggers",
        f"{flow}/_triggers", f"{flow}/execute", run, f"{run}/_overview", f"{run}/_header",
        f"{run}/_actions", f"{run}/gantt", f"{run}/_gantt", f"{run}/topology", f"{run}/_topology",
        f"{run}/logs", f"{run}/_logs", f"{run}/outputs", f"{run}/metrics", f"{run}/context",
        f"{run}/files",
        "/api/v1/executions/search", "/api/v1/flows/search", "/api/v1/logs/search",
    ]  # fmt: skip


class Site:
    """The server of an app in a thread, and a kept connection to it."""

    def __init__(self, app: App) -> None:
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        config = uvicorn.Config(create_server(app), log_config=None, lifespan="off", ws="none")
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, args=([listener],), daemon=True)
        self._thread.start()
        self._connection = http.client.HTTPConnection("127.0.0.1", listener.getsockname()[1])
        self._connection.connect()
        self._connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def get(self, path: str) -> tuple[int, bytes]:
        self._connection.request("GET", path, headers={"Accept": "text/html"})
        answer = self._connection.getresponse()
        return answer.status, answer.read()

    def close(self) -> None:
        self._connection.close()
        self._server.should_exit = True
        self._thread.join()


class Statements:
    """Counts what goes to the database."""

    def __init__(self, app: App) -> None:
        self.number = 0
        event.listen(app.database.engine, "before_cursor_execute", self._count)

    def _count(self, _c: object, _k: object, statement: str, *_rest: object) -> None:
        self.number += not statement.startswith(("BEGIN", "PRAGMA"))


def measure(site: Site, counted: Statements, path: str, runs: int) -> Timing:
    taken, cpu, before, status, body = [], [], 0, 0, b""
    for _ in range(runs + 1):
        before = counted.number
        began, spent = time.perf_counter(), time.process_time()
        status, body = site.get(path)
        taken.append((time.perf_counter() - began) * 1000)
        cpu.append((time.process_time() - spent) * 1000)
    found, spent_ms = sorted(taken[1:]), sorted(cpu[1:])
    return Timing(
        path, status, found[len(found) // 2], found[int(len(found) * 0.95)],
        spent_ms[len(spent_ms) // 2], counted.number - before, len(body) / 1000,
    )  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--executions", type=int, default=200_000)
    parser.add_argument("--lines", type=int, default=5_000_000)
    parser.add_argument("--flows", type=int, default=500)
    parser.add_argument("--runs", type=int, default=15)
    parser.add_argument("--state", type=Path)
    parser.add_argument("--only", default="")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    logging.disable(logging.WARNING)
    with tempfile.TemporaryDirectory() as folder:
        state = options.state or Path(folder)
        is_new = not (state / "mainstem.db").exists()
        app = App(load_settings(overrides={"state_dir": str(state), "auth.mode": "none"}))
        flows = flows_of(options.flows)
        if is_new:
            seed(app, options.executions, options.lines, flows)
        newest = app.search.page(ExecutionFilter()).executions[0]
        counted = Statements(app)
        site = Site(app)
        paths = [path for path in paths_of(flows, newest) if options.only in path]
        found = [measure(site, counted, path, options.runs) for path in paths]
        site.close()
        app.database.close()
    report(found, as_json=options.json)


def report(found: list[Timing], *, as_json: bool) -> None:
    if as_json:
        print(json.dumps([asdict(item) for item in found]))
        return
    print(speed())
    print(f"{'path':<64}{'':>5}{'p50':>8}{'p95':>8}{'CPU':>8}{'SQL':>5}{'kB':>7}")
    for item in found:
        limit = 50 if "/_" in item.path else 100
        late = "  over" if item.p95 > limit or item.statements > 12 else ""
        print(
            f"{item.path[:63]:<64}{item.status:>5}{item.p50:>8.1f}{item.p95:>8.1f}{item.cpu:>8.1f}"
            f"{item.statements:>5}{item.kilobytes:>7.1f}{late}"
        )


if __name__ == "__main__":
    main()
