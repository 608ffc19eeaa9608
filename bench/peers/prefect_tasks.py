"""The same 40 light tasks in Prefect, in an environment of its own that is made when first asked.

    python bench/peers/prefect_tasks.py [--tasks 40] [--runs 5] [--env DIR] [--json]

Starts a Prefect server on a free port of 127.0.0.1 with a database of its own and runs one flow of
tasks in sequence against it, as `bench/light_tasks.py` does with `core.debug.Return`. Prefect
still needs `fastapi<0.150`. The median leaves out the first run, which warms up.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

REQUIREMENTS = ["prefect==3.8.8", "fastapi<0.150"]
_RUN = """
import json, sys, time
from prefect import flow, task

@task(log_prints=False)
def light(name):
    return name

@flow
def sequence(count):
    for number in range(count):
        light(f"t{number}")

found = []
for _ in range(int(sys.argv[2]) + 1):
    began = time.perf_counter()
    sequence(int(sys.argv[1]))
    found.append(time.perf_counter() - began)
print(json.dumps(found[1:]))
"""


def environment(folder: Path) -> Path:
    """The Python of an environment that has Prefect; made once for each folder."""
    python = folder / "bin" / "python"
    if not (folder / ".complete").exists():
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", *REQUIREMENTS], check=True)
        (folder / ".complete").touch()
    return python


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tasks", type=int, default=40)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--port", type=int, default=4277)
    parser.add_argument("--env", type=Path, default=Path(".bench/prefect"))
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    python = environment(options.env.absolute())
    with tempfile.TemporaryDirectory() as home:
        figures = measure(python, Path(home), options)
    if options.json:
        print(json.dumps(figures))
        return
    print(
        f"Prefect: {options.tasks} light tasks in sequence, median of {options.runs}: "
        f"{figures['seconds']:.3f} s; server ready after {figures['start']:.1f} s"
    )


def measure(python: Path, home: Path, options: argparse.Namespace) -> dict[str, float]:
    url = f"http://127.0.0.1:{options.port}/api"
    given = {
        **os.environ,
        "PREFECT_HOME": str(home),
        "PREFECT_API_URL": url,
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_LOGGING_LEVEL": "ERROR",
    }
    began = time.perf_counter()
    command = [python, "-m", "prefect", "server", "start", "--port", str(options.port)]
    with subprocess.Popen(
        command, env=given, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as server:
        try:
            wait_for(f"{url}/health")
            start = time.perf_counter() - began
            done = subprocess.run(
                [python, "-c", _RUN, str(options.tasks), str(options.runs)],
                env=given, check=True, capture_output=True, text=True,
            )  # fmt: skip
        finally:
            server.terminate()
    seconds = statistics.median(json.loads(done.stdout.strip().splitlines()[-1]))
    return {"seconds": seconds, "start": start}


def wait_for(url: str, patience: float = 120.0) -> None:
    """Raises TimeoutError when nothing answers."""
    last = time.perf_counter() + patience
    while time.perf_counter() < last:
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except OSError:
            time.sleep(0.1)
    raise TimeoutError(f"{url} did not answer in {patience:.0f} s")


if __name__ == "__main__":
    main()
