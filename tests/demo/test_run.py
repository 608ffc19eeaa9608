"""`make demo` from start to end, and what its user reads when something is in the way."""

import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from demo.course import RUNS, TABLES, WAREHOUSES, Outcome

REPOSITORY = Path(__file__).parents[2]
COURSE_REPO = os.environ.get("MAINSTEM_TEST_COURSE_REPO")


def run(script: str, *arguments: str, env: dict[str, str] | None = None) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, str(REPOSITORY / "demo" / script), *arguments],
        env={**os.environ, **(env or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout


def left_over(folder: Path) -> list[str]:
    """Processes that still work for a demo in this folder."""
    found = []
    for process in psutil.process_iter(["cmdline"]):
        words = " ".join(process.info["cmdline"] or [])
        if str(folder) in words and process.pid != os.getpid():
            found.append(words)
    return found


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_demo_loads_backfills_and_builds_and_leaves_nothing_running(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    code, text = run("run.py", "--exit", "--rows", "500", "--port", "0", "--folder", str(folder))
    assert code == 0, text
    summary = text.partition("execution  ")[2]
    assert len(re.findall(r"^(\S+.*?) +SUCCESS ", summary, re.MULTILINE)) == 15
    assert re.search(r"taxi\.yellow_tripdata +4 +2,000", summary)
    assert re.search(r"taxi\.green_tripdata +4 +2,000", summary)
    assert re.search(r"public\.yellow_tripdata +1 +500", summary)
    assert (
        len(re.findall(r"dbt: 6 models, 3 seeds, 1 snapshots, \d+ tests, 0 failed", summary)) == 2
    )
    assert left_over(folder) == []


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.skipif(not COURSE_REPO, reason="MAINSTEM_TEST_COURSE_REPO names no clone")
def test_the_nine_flows_of_the_course_succeed_unmodified(tmp_path: Path) -> None:
    assert COURSE_REPO is not None
    folder = tmp_path / "course"
    arguments = ("--course-repo", COURSE_REPO, "--rows", "1000", "--folder", str(folder))
    code, text = run("course.py", *arguments)
    assert code == 0, text
    assert left_over(folder) == []


def test_a_postgresql_server_that_cannot_be_used_is_named_without_its_password(
    tmp_path: Path,
) -> None:
    url = {"MAINSTEM_DEMO_POSTGRES_URL": "postgresql://taxi:s3cret@127.0.0.1:1/taxi"}
    arguments = ("--exit", "--rows", "10", "--port", "0", "--folder", str(tmp_path / "demo"))
    code, text = run("run.py", *arguments, env=url)
    assert code == 1
    assert "PostgreSQL at taxi@127.0.0.1:1/taxi cannot be used" in text
    assert "s3cret" not in text
    assert "Traceback" not in text


def test_a_taken_port_is_told_before_anything_is_made(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        code, text = run("run.py", "--port", port, "--folder", str(tmp_path / "demo"))
    assert code == 1
    assert f"Port {port} is taken" in text
    assert not (tmp_path / "demo" / "data").exists()


def test_a_folder_that_is_not_the_course_is_refused(tmp_path: Path) -> None:
    code, text = run("course.py", "--course-repo", str(tmp_path))
    assert code == 1
    assert f"failed in {tmp_path}" in text
    assert "Traceback" not in text


def test_the_course_has_only_succeeded_when_every_flow_has_and_every_table_has_rows() -> None:
    states = {flow.flow_id: ["SUCCESS"] for flow in RUNS}
    rows = {where: dict.fromkeys(TABLES, 1) for where in WAREHOUSES}
    assert Outcome(states, [], rows).all_succeeded
    assert not Outcome(states, []).all_succeeded
    assert not Outcome({**states, RUNS[0].flow_id: ["FAILED"]}, [], rows).all_succeeded
    assert not Outcome({flow.flow_id: ["SUCCESS"] for flow in RUNS[1:]}, [], rows).all_succeeded
    assert not Outcome(states, [], {**rows, "postgres": {"yellow": 0}}).all_succeeded
