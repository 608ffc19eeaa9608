"""What a dbt task costs: `dbt build` of dbt/taxi on PostgreSQL, by a process of its own and warm.

    python -m bench.dbt_start [--runs N] [--rows N] [--json]

Both ways run the same flow on a whole server, by turns, after one run of each that is not counted
(it keeps dbt's partial parse, and starts the process that forks). Processor time is that of dbt's
processes, without PostgreSQL and the server.
"""

import argparse
import json
import os
import resource
import statistics
import tempfile
import time
from pathlib import Path

import yaml

from demo import postgres
from demo.processes import Children
from mainstem.app import App
from mainstem.model.flow_id import FlowId
from mainstem.model.state import State
from mainstem.plugins.dbt.warm import WARM_DBT
from mainstem.services.executions import NewRun
from mainstem.settings import load_settings
from tests.dbt import warehouses

FLOW = FlowId("bench", "taxi")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--rows", type=int, default=2000)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    warehouses.ROWS = options.rows
    with tempfile.TemporaryDirectory() as given:
        folder = Path(given)
        with Children(folder / "logs") as children:
            warehouse = warehouses.PostgreSQL(postgres.start(children, folder / "postgres"))
            warehouses.load_months(warehouse, folder, "2019-01", "2020-02")
            apps = {is_warm: start(folder, warehouse, is_warm) for is_warm in (False, True)}
            for app in apps.values():
                measure(app)
            taken = {is_warm: [] for is_warm in apps}
            for _ in range(options.runs):
                for is_warm, app in apps.items():
                    taken[is_warm].append(measure(app))
            for app in apps.values():
                app.stop()
    report(taken, as_json=options.json)


def start(folder: Path, warehouse: warehouses.PostgreSQL, is_warm: bool) -> App:
    given = {
        "state_dir": str(folder / f"state-{is_warm}"),
        "runners.default": "process",
        "runners.dbt_warm": is_warm,
    }
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), **warehouse.env}
    app = App(load_settings(overrides=given, environment={}), environment=environment)
    app.start()
    for file in warehouses.PROJECT.rglob("*"):
        name = file.relative_to(warehouses.PROJECT)
        if file.is_file() and name.parts[0] not in ("target", "logs"):
            app.files.write(FLOW.namespace, f"taxi/{name}", file.read_bytes())
    profiles = (warehouses.PROJECT / "profiles" / "profiles.yml").read_bytes()
    app.files.write(FLOW.namespace, "taxi/profiles.yml", profiles)
    task = {
        "id": "build",
        "type": "io.kestra.plugin.dbt.cli.DbtCLI",
        "namespaceFiles": {"enabled": True},
        "projectDir": "taxi",
        "commands": [f"dbt build --target {warehouse.target}"],
    }
    app.flows.save(yaml.safe_dump({"id": FLOW.id, "namespace": FLOW.namespace, "tasks": [task]}))
    return app


def measure(app: App) -> dict[str, float]:
    wall, processor = time.perf_counter(), processor_seconds()
    made = app.executions.create(NewRun(FLOW))
    while not (execution := app.executions.get(made.id)).state.is_terminal:
        time.sleep(0.01)
    assert execution.state is State.SUCCESS, execution.state
    return {
        "wall": time.perf_counter() - wall,
        "processor": processor_seconds() - processor,
    }


def processor_seconds() -> float:
    """Of the processes that this one has waited for, and of the one that forks, with its forks."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    total = used.ru_utime + used.ru_stime
    for pid in WARM_DBT.pids():
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        total += sum(int(ticks) for ticks in fields[11:15]) / os.sysconf("SC_CLK_TCK")
    return total


def report(taken: dict[bool, list[dict[str, float]]], *, as_json: bool) -> None:
    found = {
        ("warm" if is_warm else "cold"): {
            name: statistics.median(run[name] for run in runs) for name in ("wall", "processor")
        }
        for is_warm, runs in taken.items()
    }
    if as_json:
        print(json.dumps(found))
        return
    print(f"dbt build of dbt/taxi on PostgreSQL, median of {len(taken[True])}")
    for name, figures in found.items():
        print(f"  {name}  {figures['wall']:6.2f} s wall  {figures['processor']:6.2f} s processor")


if __name__ == "__main__":
    main()
