"""`make demo`: the main job from a Git repository to tested dbt models, on this machine alone.

    python demo/run.py [--exit] [--rows N] [--port P]

Everything it starts listens on 127.0.0.1 and keeps its state in .demo/; only the generated trip
files survive from one run to the next. MAINSTEM_DEMO_POSTGRES_URL names a PostgreSQL server to use
instead of one that is started from a wheel.
"""

import argparse
import os
import shutil
import signal
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from threading import Event

sys.path[:0] = [str(Path(__file__).resolve().parent.parent)]

from demo import postgres, server
from demo.authority import Authority
from demo.client import Api, Execution
from demo.postgres import Database
from demo.processes import Children, DemoError, free_port, listens
from demo.proxy import Proxy, Reply
from demo.report import Report, label
from demo.sites import Trips, products
from demo.taxi_data import DEFAULT_ROWS, TripFile, ensure, is_made

NAMESPACE = "taxi"
TAXIS = ("yellow", "green")
BY_HAND = ("2019-01", "2019-02")
BY_BACKFILL = ("2019-03", "2019-04")
GCP = {
    "GCP_PROJECT_ID": "mainstem-demo",
    "GCP_LOCATION": "europe-west2",
    "GCP_BUCKET_NAME": "mainstem-demo-taxi",
    "GCP_DATASET": "taxi",
}


def main(arguments: Sequence[str] | None = None) -> int:
    options = _options(arguments)
    signal.signal(signal.SIGTERM, lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    folder = options.folder.resolve()
    try:
        with ExitStack() as stack:
            _demonstrate(stack, folder, options)
    except KeyboardInterrupt:
        print("\nStopped.")
        return 0 if options.finished else 130
    except DemoError as problem:
        print(f"\n\nThe demo failed.\n{problem}\n{_look_closer(folder)}", file=sys.stderr)
        return 1
    return 0


def _look_closer(folder: Path) -> str:
    """All is stopped by now, and all it left can be looked at."""
    words = f"Logs: {folder / 'logs'}"
    config = folder / "settings.yaml"
    if config.exists():
        words += f"\nIts dashboard again: mainstem up --local-gcp --config {config}"
    return words


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Run the main job on this machine alone.")
    parser.add_argument("--exit", action="store_true", help="stop when all is done")
    parser.add_argument("--rows", type=int, default=DEFAULT_ROWS, help="rows in each trip file")
    parser.add_argument("--port", type=int, default=8080, help="of the dashboard; 0 for any")
    parser.add_argument("--folder", type=Path, default=server.REPOSITORY / ".demo")
    options = parser.parse_args(arguments)
    options.finished = False
    return options


def _demonstrate(stack: ExitStack, folder: Path, options: argparse.Namespace) -> None:
    for name in ("state", "repository", "logs", "postgres"):
        shutil.rmtree(folder / name, ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)
    children = stack.enter_context(Children(folder / "logs"))
    port = _port(options.port)
    report = Report(Api(f"http://127.0.0.1:{port}"))
    stack.callback(report.api.close)

    report.step(f"Making {options.rows:,} trips for each of 8 files (kept in {folder / 'data'})")
    make_data(folder / "data", options.rows)
    files = stack.enter_context(_serve(folder, options.rows))
    report.step("Starting PostgreSQL")
    database = _database(children, folder)
    report.step(f"Starting the server and a local Google Cloud (logs in {folder / 'logs'})")
    plan = server.Plan(
        port=port,
        project=GCP["GCP_PROJECT_ID"],
        repository=server.make_repository(folder / "repository"),
        secrets={"POSTGRES_PASSWORD": database.password},
    )
    running = server.start(children, folder, plan)
    report.api.unlock(running.state)
    entry = f"{report.api.base_url}/ui/ (first visit: {report.api.invite('admin')})"
    report.step(f"Dashboard: {entry}")
    _configure(report, running, database, files)
    run_all(report)
    print(f"\n{report.summary()}\n\nDashboard: {entry}", flush=True)
    options.finished = True
    if not options.exit:
        print("It stays up until Ctrl-C.", flush=True)
        Event().wait()


def _port(wanted: int) -> int:
    if wanted and listens(wanted):
        raise DemoError(
            f"Port {wanted} is taken. Stop what listens there, or choose another: "
            "python demo/run.py --port 8081"
        )
    return wanted or free_port()


def make_data(folder: Path, rows: int) -> None:
    """All trip files, on as many processors as there are; those already there are kept."""
    months = BY_HAND + BY_BACKFILL
    wanted = [TripFile(taxi, month, rows) for taxi in TAXIS for month in months]
    missing = [trips for trips in wanted if not is_made(trips, folder / trips.taxi)]
    if missing:
        with ProcessPoolExecutor(min(4, os.cpu_count() or 1)) as pool:
            list(pool.map(ensure, missing, [folder / trips.taxi for trips in missing]))


def _serve(folder: Path, rows: int) -> Proxy:
    trips = Trips(folder / "data", rows)

    def answer(path: str) -> Reply:
        if path.startswith("/trips/"):
            return trips.asset(path.removeprefix("/trips"))
        return products(path)

    return Proxy(Authority(folder / "certificates"), {"127.0.0.1": answer})


def _database(children: Children, folder: Path) -> Database:
    configured = os.environ.get("MAINSTEM_DEMO_POSTGRES_URL")
    if not configured:
        return postgres.start(children, folder / "postgres")
    database = Database.from_url(configured)
    postgres.check(database)
    return database


def _configure(report: Report, running: server.Server, database: Database, files: Proxy) -> None:
    api = report.api
    report.step("Waiting for the first sync of flows and files")
    api.wait_for("The first sync", lambda: api.is_synced(server.SOURCE), 60)
    report.step("Storing the GCP settings and the service-account key in the KV store")
    values: dict[str, str | int] = {
        **GCP,
        "GCP_CREDS": running.key(),
        "TAXI_DATA_URL": f"{files.url}/trips",
        "PRODUCTS_URL": f"{files.url}/products",
        "POSTGRES_HOST": "host.docker.internal" if database.host == "127.0.0.1" else database.host,
        "POSTGRES_PORT": database.port,
        "POSTGRES_DATABASE": database.name,
        "POSTGRES_USER": database.user,
    }
    for key, value in values.items():
        api.set_kv(NAMESPACE, key, value)


def run_all(report: Report) -> None:
    """The executions of the demo; what does not need each other runs at the same time."""
    report.run(NAMESPACE, "hello_world")
    report.run(NAMESPACE, "getting_started")
    report.run(NAMESPACE, "gcp_setup")
    postgres_loads = _start_loads(report, "postgres_taxi", BY_HAND[:1])
    for title, execution in _start_loads(report, "gcp_taxi", BY_HAND):
        report.watch(title, execution)
    window = (f"{BY_BACKFILL[0]}-01T00:00:00Z", f"{BY_BACKFILL[-1]}-02T00:00:00Z")
    report.step(f"Backfilling {' and '.join(BY_BACKFILL)} through two schedules")
    triggers = [f"{taxi}_schedule" for taxi in TAXIS]
    report.backfill(NAMESPACE, "gcp_taxi_scheduled", triggers, window, len(BY_BACKFILL))
    gcp_dbt = report.api.start(NAMESPACE, "gcp_dbt")
    for _, execution in postgres_loads:
        for _ in report.api.follow(execution.id):
            pass
    postgres_dbt = report.api.start(NAMESPACE, "postgres_dbt")
    report.watch("gcp_dbt", gcp_dbt)
    for title, execution in postgres_loads:
        report.watch(title, execution)
    report.watch("postgres_dbt", postgres_dbt)


def _start_loads(
    report: Report, flow_id: str, months: Sequence[str]
) -> list[tuple[str, Execution]]:
    """All files are started together; the server decides what may run at the same time."""
    started: list[tuple[str, Execution]] = []
    for taxi in TAXIS:
        for text in months:
            year, _, month = text.partition("-")
            inputs = {"taxi": taxi, "year": year, "month": month}
            execution = report.api.start(NAMESPACE, flow_id, inputs)
            started.append((label(flow_id, inputs), execution))
    return started


if __name__ == "__main__":
    raise SystemExit(main())
