"""COPY of 1M taxi rows through a CopyIn task, beside `psql \\copy` of the same file.

    python -m bench.postgres_copy [--rows N] [--runs N] [--json]

The table is emptied before each run. Medians are printed; the target is a ratio of at least 0.95
(psql's time over ours). psql must be installed for the comparison.
"""

import argparse
import gzip
import json
import os
import shutil
import statistics
import subprocess
import tempfile
import threading
import time
from pathlib import Path

import psycopg

from demo import postgres
from demo.postgres import Database
from demo.processes import Children
from demo.taxi_data import YELLOW_COLUMNS, TripFile, ensure
from mainstem.app import App
from mainstem.bus.inprocess import EXECUTIONS
from mainstem.model.flow_id import FlowId
from mainstem.model.state import State
from mainstem.services.executions import NewRun
from mainstem.settings import load_settings

FLOW = """
id: copy
namespace: bench
tasks:
  - id: load
    type: io.kestra.plugin.jdbc.postgresql.CopyIn
    url: "jdbc:{url}"
    username: {user}
    password: "{password}"
    from: "{uri}"
    table: trips
    format: CSV
    header: true
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, Children(Path(name) / "logs") as children:
        folder = Path(name)
        trips = ensure(TripFile("yellow", "2019-01", options.rows), folder)
        csv = folder / "trips.csv"
        with gzip.open(trips) as source, csv.open("wb") as target:
            shutil.copyfileobj(source, target)
        database = postgres.start(children, folder / "postgres")
        with psycopg.connect(database.url, autocommit=True) as connection:
            columns = ", ".join(f"{column} text" for column in YELLOW_COLUMNS)
            connection.execute(f"create unlogged table trips ({columns})")
        figures = measure(folder, csv, database, options.runs)
    report(figures, options.rows, as_json=options.json)


def measure(folder: Path, csv: Path, database: Database, runs: int) -> dict[str, list[float]]:
    """Seconds per run, ours and psql's by turns."""
    settings = load_settings(overrides={"state_dir": str(folder / "state")}, environment={})
    app = App(settings)
    app.start()
    ours, theirs = [], []
    try:
        for _ in range(runs):
            theirs.append(by_psql(csv, database))
            ours.append(by_task(app, csv, database))
    finally:
        app.stop()
    return {"task": ours, "psql": [seconds for seconds in theirs if seconds]}


def empty(database: Database) -> None:
    with psycopg.connect(database.url, autocommit=True) as connection:
        connection.execute("truncate trips")


def by_psql(csv: Path, database: Database) -> float:
    if shutil.which("psql") is None:
        return 0.0
    empty(database)
    began = time.perf_counter()
    copy = f"\\copy trips from '{csv}' with (format csv, header true)"
    subprocess.run(
        ["psql", "--quiet", "--no-psqlrc", "-c", copy, database.url],
        check=True,
        env=dict(os.environ),
    )
    return time.perf_counter() - began


def by_task(app: App, csv: Path, database: Database) -> float:
    """The time of the attempt, as the server records it."""
    empty(database)
    flow, execution_id = FlowId("bench", "copy"), app.ids()
    path = f"bench/copy/executions/{execution_id}/inputs/trips.csv"
    app.storage.put(path, csv)
    address = f"postgresql://{database.host}:{database.port}/{database.name}"
    app.flows.save(
        FLOW.format(
            url=address, user=database.user, password=database.password, uri=f"kestra:///{path}"
        )
    )
    changed = threading.Event()
    unsubscribe = app.bus.subscribe([EXECUTIONS], lambda _topic: changed.set())
    app.executions.create(NewRun(flow, id=execution_id))
    while not app.executions.get(execution_id).state.is_terminal:
        changed.wait(0.5)
        changed.clear()
    unsubscribe()
    (run,) = app.executions.task_runs(execution_id)
    assert run.state is State.SUCCESS
    history = run.attempts[-1].history
    assert history.ended_at is not None
    return (history.ended_at - history.started_at).total_seconds()


def report(figures: dict[str, list[float]], rows: int, *, as_json: bool) -> None:
    ours = statistics.median(figures["task"])
    theirs = statistics.median(figures["psql"]) if figures["psql"] else None
    ratio = theirs / ours if theirs else None
    if as_json:
        print(json.dumps({"rows": rows, "task": ours, "psql": theirs, "ratio": ratio, **figures}))
        return
    print(f"COPY of {rows:,} rows, median of {len(figures['task'])}")
    print(f"  CopyIn task   {ours:6.2f} s  {rows / ours:12,.0f} rows/s")
    if theirs and ratio:
        print(f"  psql \\copy    {theirs:6.2f} s  {rows / theirs:12,.0f} rows/s")
        print(f"  ratio         {ratio:6.2f}    (target >= 0.95)")


if __name__ == "__main__":
    main()
