"""How long `mainstem up` takes to be healthy, and what it holds in memory when idle.

    python -m bench.server_start [--runs 5] [--json]

The first start, which writes bytecode, is not counted. Start is from spawning the process to the
first 200 of /health on a new state folder. Pages are loaded right after that: the first page is
from spawning the process to the first answer of /ui/. Memory is the resident set two seconds later.
"""

import argparse
import http.client
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

from bench.machine import speed

SETTLE_SECONDS = 2.0
TARGET_SECONDS = 1.0
TARGET_MB = 100


@dataclass(frozen=True, slots=True)
class Start:
    """One start of the server; CPU times are its own until then."""

    healthy_seconds: float
    cpu_seconds: float
    page_seconds: float
    page_cpu_seconds: float
    idle_mb: float


def environment(cache: Path) -> dict[str, str]:
    """As users have it: bytecode is kept, and no setting comes from outside."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("MAINSTEM_", "PYTHON"))}
    return {**kept, "PYTHONPYCACHEPREFIX": str(cache)}


def start(state: Path, cache: Path) -> Start:
    command = [sys.executable, "-m", "mainstem", "up", "--state", str(state), "--port", "0"]
    began = time.perf_counter()
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        env=environment(cache),
    ) as child:  # fmt: skip
        assert child.stdout is not None
        line = child.stdout.readline()
        port = int(line.split("ready at ")[1].split("/ui/")[0].rpartition(":")[2])
        while _status(port, "/health") != 200:
            time.sleep(0.005)
        healthy = time.perf_counter() - began
        process = psutil.Process(child.pid)
        cpu = process.cpu_times()
        if _status(port, "/ui/") >= 400:
            raise SystemExit("the dashboard does not answer")
        page, page_cpu = time.perf_counter() - began, process.cpu_times()
        time.sleep(SETTLE_SECONDS)
        idle = process.memory_info().rss / 1e6
        child.send_signal(signal.SIGTERM)
    return Start(healthy, cpu.user + cpu.system, page, page_cpu.user + page_cpu.system, idle)


def _status(port: int, path: str) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    finally:
        connection.close()


def measure(runs: int) -> list[Start]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        found = [start(folder / f"state{n}", folder / "cache") for n in range(runs + 1)]
    return found[1:]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    found = measure(args.runs)
    if args.json:
        print(json.dumps([asdict(item) for item in found]))
        return
    print(speed())
    print(f"{'':<16}{'median':>10}{'best':>10}{'worst':>10}{'target':>10}")
    for title, values, target in (
        ("healthy [s]", [item.healthy_seconds for item in found], TARGET_SECONDS),
        ("CPU [s]", [item.cpu_seconds for item in found], None),
        ("first page [s]", [item.page_seconds for item in found], None),
        ("its CPU [s]", [item.page_cpu_seconds for item in found], None),
        ("idle RSS [MB]", [item.idle_mb for item in found], TARGET_MB),
    ):
        figures = (statistics.median(values), min(values), max(values))
        row = "".join(f"{value:>10.2f}" for value in figures)
        print(f"{title:<16}{row}{target if target is not None else '':>10}")


if __name__ == "__main__":
    main()
