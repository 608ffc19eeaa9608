"""Git sync: the first sync of many flows, a poll without news, one change, webhook to live.

    python -m bench.git_sync [--flows 10000] [--ballast 200]

With --ballast the repository also holds that many MB that nothing is made of, which should not be
fetched; --no-filters has the other side send them all the same.

A real repository, a real server process's parts (SQLite on disk), git over file://. Prints one
line per figure and, with --check, fails when a figure is beyond its limit.
"""

import argparse
import hashlib
import hmac
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from fastapi.testclient import TestClient

from bench.machine import speed
from mainstem.app import App
from mainstem.model.flow_id import FlowId
from mainstem.server import create_server
from mainstem.settings import load_settings

SECRET = "bench-secret"
LIMITS = {"first": 10.0, "one change": 0.3, "webhook to live": 0.3, "poll without news": 0.1}
FLOW = """id: flow_{number}
namespace: company.team{team}
description: Flow number {number}
labels:
  team: data
inputs:
  - id: day
    type: STRING
    defaults: "2024-01-01"
tasks:
  - id: hello
    type: io.kestra.plugin.core.log.Log
    message: "{message} {{{{ inputs.day }}}}"
  - id: fetch
    type: io.kestra.plugin.scripts.shell.Commands
    taskRunner:
      type: io.kestra.plugin.core.runner.Process
    commands:
      - echo {{{{ inputs.day }}}}
"""


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--flows", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--ballast", type=int, default=0, help="MB outside of what is synced")
    parser.add_argument("--no-filters", action="store_true", help="a server without filters")
    parser.add_argument("--check", action="store_true")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_repository(folder / "repository", args.flows, args.ballast, not args.no_filters)
        figures = measure(folder, args.flows, args.rounds)
        held = sum(p.stat().st_size for p in (folder / "state/git").rglob("*") if p.is_file())
        print(f"{'fetched in all':32} {held / 1e6:9.1f} MB")
    print(speed())
    worst = 0
    for label, seconds in figures.items():
        limit = LIMITS.get(label)
        beyond = limit is not None and seconds > limit
        worst = worst or beyond
        shown = f"  (limit {limit})" if limit else ""
        print(f"{label:32} {seconds:9.3f} s{shown}{'  BEYOND' if beyond else ''}")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{'peak memory':32} {peak:9.0f} MB")
    return 1 if args.check and worst else 0


def measure(folder: Path, flows: int, rounds: int) -> dict[str, float]:
    repository = folder / "repository"
    app = make_app(folder, repository)
    busy = time.process_time()
    figures = {"first": timed(lambda: app.syncs.sync("bench"))}
    figures["of it: this process computing"] = time.process_time() - busy
    assert len(app.flows.all()) == flows
    figures["poll without news"] = median(rounds, lambda n: poll(app))
    figures["one change"] = median(rounds, lambda n: change(app, repository, n))
    figures["of it: git fetch alone"] = median(rounds, lambda n: fetch_alone(folder, repository, n))
    server = create_server(app)
    app.start()
    try:
        with TestClient(server, base_url="http://127.0.0.1:8080") as client:
            figures["webhook to live"] = median(
                rounds, lambda n: webhook(app, client, repository, n)
            )
    finally:
        app.stop()
    return figures


def make_repository(repository: Path, flows: int, ballast: int, with_filters: bool) -> None:
    for number in range(flows):
        write_flow(repository, number, "hello")
    for number in range(ballast):
        path = repository / "assets" / f"{number}.bin"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(os.urandom(1_000_000))
    git(repository, "init", "--quiet", "--initial-branch=main")
    git(repository, "config", "uploadpack.allowFilter", str(with_filters).lower())
    git(repository, "config", "gc.auto", "0")
    commit(repository)
    git(repository, "repack", "-adq")


def make_app(folder: Path, repository: Path) -> App:
    source = {
        "name": "bench",
        "url": str(repository),
        "interval_seconds": 3600,
        "webhook_secret": SECRET,
    }
    overrides = {
        "state_dir": str(folder / "state"),
        "git.allow_file_urls": True,
        "git.sources": [source],
        "auth.mode": "none",
    }
    return App(load_settings(overrides=overrides, environment={}))


def poll(app: App) -> float:
    def look() -> None:
        app.syncs._due.clear()
        app.syncs.tick(app.clock.now())
        assert app.syncs.wait()

    return timed(look)


def change(app: App, repository: Path, number: int) -> float:
    write_flow(repository, number, f"changed {number}")
    commit(repository)
    found = []
    seconds = timed(lambda: found.append(app.syncs.sync("bench")))
    assert found[0].plan.counts()["update"] == 1, found[0].plan.counts()
    return seconds


def fetch_alone(folder: Path, repository: Path, number: int) -> float:
    """What git itself takes for such a change: the floor."""
    mirror = folder / "floor.git"
    if not mirror.exists():
        subprocess.run(["git", "init", "-q", "--bare", str(mirror)], check=True)
        bring(mirror, repository)
    write_flow(repository, 100 + number, f"floor {number}")
    commit(repository)
    return timed(lambda: bring(mirror, repository))


def bring(mirror: Path, repository: Path) -> None:
    subprocess.run(
        ["git", "--git-dir", str(mirror), "fetch", "-q", "--depth=1", "--no-tags",
         f"file://{repository}", "+refs/heads/main:refs/heads/main"],
        check=True,
    )  # fmt: skip


def webhook(app: App, client: TestClient, repository: Path, number: int) -> float:
    """From the call's arrival until the flow's new revision can be read."""
    flow = FlowId(f"company.team{(200 + number) % 50}", f"flow_{200 + number}")
    write_flow(repository, 200 + number, f"by webhook {number}")
    sha = commit(repository)
    body = json.dumps({"ref": "refs/heads/main", "after": sha}).encode()
    signature = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
    headers = {
        "X-GitHub-Event": "push",
        "X-GitHub-Delivery": f"{number}",
        "X-Hub-Signature-256": f"sha256={signature}",
        "Content-Type": "application/json",
    }
    live = threading.Event()
    stop = app.bus.subscribe(
        ("flows",), lambda _t: live.set() if app.flows.head(flow).revision == 2 else None
    )
    began = time.perf_counter()
    answer = client.post("/api/v1/git/webhooks/bench", content=body, headers=headers)
    assert answer.status_code == 202, answer.text
    assert live.wait(20), "the flow did not become live"
    seconds = time.perf_counter() - began
    stop()
    return seconds


def write_flow(repository: Path, number: int, message: str) -> None:
    file = repository / "flows" / f"team{number % 50}" / f"flow_{number}.yaml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(FLOW.format(number=number, team=number % 50, message=message))


def commit(repository: Path) -> str:
    git(repository, "add", "--all")
    git(repository, "-c", "user.name=b", "-c", "user.email=b@b", "commit", "-qm", "change")
    return git(repository, "rev-parse", "HEAD")


def git(repository: Path, *words: str) -> str:
    done = subprocess.run(
        ["git", *words], cwd=repository, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


def median(rounds: int, measured: "object") -> float:
    return statistics.median(measured(n) for n in range(rounds))  # type: ignore[operator]


def timed(work: "object") -> float:
    began = time.perf_counter()
    work()  # type: ignore[operator]
    return time.perf_counter() - began


if __name__ == "__main__":
    sys.exit(main())
