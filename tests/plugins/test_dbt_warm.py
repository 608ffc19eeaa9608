"""dbt by a fork of a process that has imported it: the same as a process of its own, but sooner."""

import json
import os
import select
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from mainstem.model.state import State
from mainstem.plugins.dbt.warm import WarmDbt
from tests.plugins.bench import Bench
from tests.plugins.conftest import _app
from tests.plugins.test_dbt import CLI, DUCKDB, TWICE, dbt, project, task
from tests.server.conftest import Server

pytestmark = [pytest.mark.timeout(240), pytest.mark.heavy]

DBT = Path(sys.executable).parent / "dbt"
ENDLESS = "select count(*) as n from range(100000000) a, range(100000000) b"


@pytest.fixture(scope="module")
def warm() -> Iterator[WarmDbt]:
    made = WarmDbt()
    yield made
    end(made)


@pytest.fixture
def own() -> Iterator[WarmDbt]:
    """One that a test may break."""
    made = WarmDbt()
    yield made
    end(made)


def end(warm: WarmDbt) -> None:
    pids = warm.pids()
    warm.close()
    for pid in pids:
        wait_gone(pid, seconds=60)
    assert warm.pids() == []


def wait_gone(pid: int, seconds: float) -> None:
    """Until a process has ended; one that is not there has."""
    try:
        pidfd = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    poll = select.poll()
    poll.register(pidfd, select.POLLIN)
    ended = poll.poll(seconds * 1000)
    os.close(pidfd)
    assert ended, f"process {pid} is still there"


def environment(folder: Path | None, home: Path) -> dict[str, str]:
    found = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        "PYTHONUNBUFFERED": "1",
    }
    first = [str(path) for path in (folder, DBT.parent) if path is not None]
    return {**found, "PATH": ":".join([*first, found["PATH"]])}


def base(home: Path) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "HOME": str(home)}


def make(folder: Path, model: str = "select 1 as n") -> Path:
    for name, content in {**project(model), "profiles.yml": DUCKDB}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content)
    return folder


def start(warm: WarmDbt | None, at: Path, script: str, **env: str) -> "subprocess.Popen[str]":
    folder = warm.folder(DBT, base(at), "duckdb") if warm is not None else None
    return subprocess.Popen(
        ["/bin/sh", "-c", f"set -e\n{script}"],
        cwd=at,
        env={**environment(folder, at), **env},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def run(warm: WarmDbt | None, at: Path, script: str, **env: str) -> tuple[int, str, str]:
    child = start(warm, at, script, **env)
    out, err = child.communicate(timeout=120)
    return child.returncode, out, err


def events(text: str) -> list[Mapping[str, object]]:
    return [json.loads(line)["info"] for line in text.splitlines()]


def statuses(at: Path) -> dict[str, str]:
    found = json.loads((at / "target" / "run_results.json").read_text())["results"]
    return {result["unique_id"]: result["status"] for result in found}


def test_a_fork_writes_what_a_process_of_its_own_writes(warm: WarmDbt, tmp_path: Path) -> None:
    build = "dbt --log-format json build --threads 1"
    cold, forked = make(tmp_path / "cold", TWICE), make(tmp_path / "forked", TWICE)
    expected, found = run(None, cold, build), run(warm, forked, build)
    assert found[0] == expected[0] == 1
    assert found[2] == expected[2] == ""
    names = [[info["name"] for info in events(each[1])] for each in (expected, found)]
    assert names[1] == names[0]
    assert statuses(forked) == statuses(cold)


def test_a_fork_has_the_environment_and_the_place_of_its_own_run_alone(
    warm: WarmDbt, tmp_path: Path
) -> None:
    make(tmp_path / "inner")
    ask = "{{ env_var('LEFT', 'nothing') }} {{ env_var('HOME') }}"
    command = f"cd inner; umask 077; dbt --quiet compile --inline {shlex.quote(ask)}"
    code, first, err = run(warm, tmp_path, f"export LEFT=behind; {command}")
    assert code == 0, err
    assert first.split() == ["behind", str(tmp_path)]
    assert (tmp_path / "inner/target/manifest.json").stat().st_mode & 0o777 == 0o600
    code, second, err = run(warm, tmp_path, command, HOME="/elsewhere")
    assert code == 0, err
    assert second.split() == ["nothing", "/elsewhere"]


def test_eight_run_at_once(warm: WarmDbt, tmp_path: Path) -> None:
    folders = [make(tmp_path / str(number), f"select {number} as n") for number in range(8)]
    with ThreadPoolExecutor(8) as pool:
        done = list(pool.map(lambda at: run(warm, at, "dbt build"), folders))
    assert [code for code, _, _ in done] == [0] * 8, done
    for number, at in enumerate(folders):
        assert set(statuses(at).values()) == {"success", "pass"}
        shown = run(warm, at, "dbt --quiet show --output json --inline 'select n from trips'")
        assert json.loads(shown[1])["show"] == [{"n": number}]


def until_model_starts(child: "subprocess.Popen[str]") -> int:
    """The process that runs dbt."""
    assert child.stdout is not None
    for line in child.stdout:
        info = json.loads(line)["info"]
        if info["name"] == "LogStartLine":
            return int(info["pid"])
    raise AssertionError(child.communicate())


def parent_of(pid: int) -> int:
    stat = Path(f"/proc/{pid}/stat").read_text()
    return int(stat.rpartition(")")[2].split()[1])


ENDLESS_RUN = "dbt --log-format json run --threads 1"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_the_end_of_the_group_is_the_end_of_the_fork(
    warm: WarmDbt, tmp_path: Path, number: int
) -> None:
    table = "{{ config(materialized='table') }}" + ENDLESS
    child = start(warm, make(tmp_path, table), ENDLESS_RUN)
    pid = until_model_starts(child)
    assert parent_of(pid) in warm.pids()
    os.killpg(child.pid, number)
    wait_gone(pid, seconds=30)
    child.communicate(timeout=30)
    assert child.returncode == -number


def test_a_run_whose_server_dies_fails_clearly_and_the_next_one_works(
    own: WarmDbt, tmp_path: Path
) -> None:
    table = "{{ config(materialized='table') }}" + ENDLESS
    child = start(own, make(tmp_path / "endless", table), ENDLESS_RUN)
    pid = until_model_starts(child)
    [server] = own.pids()
    os.kill(server, signal.SIGKILL)
    wait_gone(pid, seconds=30)
    _, err = child.communicate(timeout=30)
    assert child.returncode == 1
    assert "dbt was cut off" in err
    code, out, err = run(own, make(tmp_path / "next"), "dbt build")
    assert code == 0, out + err
    assert own.pids() not in ([], [server])


@pytest.fixture
def stub(tmp_path: Path) -> Path:
    """Stands for the command line, so that a test sees that it was used."""
    file = tmp_path / "programs" / "dbt"
    file.parent.mkdir()
    file.write_text('#!/bin/sh\necho "command line $*"\n')
    file.chmod(0o755)
    return file


UNSHARED = ["unshare", "--mount", "--propagation", "private"]


def may_unshare() -> bool:
    return subprocess.run([*UNSHARED, "true"], capture_output=True, check=False).returncode == 0


@pytest.mark.parametrize(
    ("wrapper", "env"),
    [
        ([], {"PYTHONPATH": "/somewhere"}),
        ([], {"LC_ALL": "C"}),
        pytest.param(
            UNSHARED, {}, marks=pytest.mark.skipif(not may_unshare(), reason="not permitted here")
        ),
    ],
)
def test_what_a_fork_cannot_be_is_left_to_the_command_line(
    own: WarmDbt, tmp_path: Path, stub: Path, wrapper: list[str], env: dict[str, str]
) -> None:
    folder = own.folder(stub, base(tmp_path), "duckdb")
    done = subprocess.run(
        [*wrapper, "sh", "-c", "dbt --version"],
        env={**environment(folder, tmp_path), **env},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == "command line --version\n", done.stderr


@pytest.mark.parametrize("adapter", ["bigquery", "duckdb", "postgres"])
def test_each_adapter_can_be_loaded_before_a_fork(
    own: WarmDbt, tmp_path: Path, stub: Path, adapter: str
) -> None:
    folder = own.folder(stub, base(tmp_path), adapter)
    done = subprocess.run(
        ["dbt", "--version"], env=environment(folder, tmp_path), capture_output=True, text=True,
        check=True,
    )  # fmt: skip
    assert "command line" not in done.stdout
    assert f"- {adapter}:" in done.stdout + done.stderr


def test_the_end_of_the_worker_is_the_end_of_its_server(tmp_path: Path) -> None:
    script = (
        "import signal, sys; from pathlib import Path; from mainstem.plugins.dbt.warm import *; "
        "print(WARM_DBT.folder(Path(sys.argv[1]), {}, 'duckdb'), *WARM_DBT.pids(), flush=True); "
        "signal.pause()"
    )
    worker = subprocess.Popen(
        [sys.executable, "-c", script, DBT], stdout=subprocess.PIPE, text=True
    )
    assert worker.stdout is not None
    folder, pid = worker.stdout.readline().split()
    worker.kill()
    worker.communicate(timeout=30)
    wait_gone(int(pid), seconds=60)
    assert not Path(folder).exists()


def test_without_a_server_the_command_line_runs(own: WarmDbt, tmp_path: Path, stub: Path) -> None:
    folder = own.folder(stub, base(tmp_path), "duckdb")
    [server] = own.pids()
    os.kill(server, signal.SIGKILL)
    wait_gone(server, seconds=30)
    done = subprocess.run(
        ["dbt", "a b", "--c"], env=environment(folder, tmp_path), capture_output=True, text=True,
        check=True,
    )  # fmt: skip
    assert done.stdout == "command line a b --c\n"


def test_a_server_that_nobody_needs_ends_and_leaves_nothing(tmp_path: Path) -> None:
    idle = WarmDbt(idle_seconds=0.05)
    folder = idle.folder(DBT, base(tmp_path), "none")
    assert folder is not None
    assert (folder.stat().st_mode & 0o777, (folder / "socket").stat().st_mode & 0o777) == (
        0o700,
        0o600,
    )
    for pid in idle.pids():
        wait_gone(pid, seconds=60)
    assert not folder.exists()
    end(idle)


def test_tasks_use_it_unless_the_setting_says_no(bench: Bench, tmp_path: Path) -> None:
    asked = task(CLI, commands=["command -v dbt"], inputFiles=project(), profiles=DUCKDB)
    found = bench.run(asked)
    assert found.state is State.SUCCESS, found.errors
    assert any("mainstem-dbt-" in line for line in found.logs)
    app = _app(tmp_path, **{"runners.dbt_warm": False})
    app.start()
    try:
        cold = Bench(Server(app, patience=40.0)).run(asked)
    finally:
        app.stop()
    assert any(line.endswith(str(DBT)) for line in cold.logs), cold.logs
    assert not any("mainstem-dbt-" in line for line in cold.logs)


def test_children_of_a_task_come_from_the_events_of_a_fork(bench: Bench) -> None:
    for _ in range(2):
        found = bench.run(dbt(profiles=DUCKDB, logFormat="JSON"))
        assert found.state is State.SUCCESS, found.errors
        assert found.states["model.small.trips"] is State.SUCCESS
        assert found.outputs["t"]["counts"] == {"success": 1, "pass": 2}
