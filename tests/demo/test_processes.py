"""What the demo starts is waited for, explained when it fails, and stopped to the last process."""

import socket
import sys
from pathlib import Path

import psutil
import psycopg
import pytest

from demo import postgres
from demo.postgres import Database
from demo.processes import Children, DemoError, free_port, listens

PARENT = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
print(child.pid, flush=True)
time.sleep(60)
"""


def test_leaving_the_block_stops_a_child_and_everything_it_started(tmp_path: Path) -> None:
    with Children(tmp_path) as children:
        child = children.start("parent", [sys.executable, "-c", PARENT])
        child.wait_until(lambda: child.log.read_text().endswith("\n"), 20)
        family = [psutil.Process(child.process.pid), psutil.Process(int(child.log.read_text()))]
    gone, alive = psutil.wait_procs(family, timeout=10)
    assert alive == []
    assert len(gone) == 2


def test_children_are_stopped_in_reverse_order(tmp_path: Path) -> None:
    stopped: list[str] = []
    with Children(tmp_path) as children:
        children.cleanups.callback(stopped.append, "first")
        children.cleanups.callback(stopped.append, "second")
    assert stopped == ["second", "first"]


def test_a_child_that_ends_while_starting_is_reported_with_its_last_words(tmp_path: Path) -> None:
    with Children(tmp_path) as children:
        child = children.start("broken", [sys.executable, "-c", "raise SystemExit('no such key')"])
        with pytest.raises(DemoError, match=r"broken ended with exit code 1(.|\n)*no such key"):
            child.wait_until(lambda: False, 20)


def test_a_child_that_never_gets_ready_is_reported_after_the_given_time(tmp_path: Path) -> None:
    with Children(tmp_path) as children:
        child = children.start("slow", [sys.executable, "-c", "import time; time.sleep(60)"])
        with pytest.raises(DemoError, match="slow was not ready after 0 s"):
            child.wait_until(lambda: False, 0.1)


def test_postgresql_starts_with_the_wanted_database_and_is_gone_afterwards(tmp_path: Path) -> None:
    wanted = Database("127.0.0.1", free_port(), "kestra", "pass'word@/:", "my-database")
    with Children(tmp_path / "logs") as children:
        database = postgres.start(children, tmp_path / "postgres", wanted)
        postgres.check(database)
        with psycopg.connect(Database.from_url(database.url).url) as connection:
            row = connection.execute("select current_user, current_database()").fetchone()
        assert row == ("kestra", "my-database")
        with pytest.raises(DemoError, match="password"):
            postgres.check(Database("127.0.0.1", wanted.port, "kestra", "wrong", "my-database"))
    assert not listens(wanted.port)


def test_a_taken_port_is_named_before_anything_starts(tmp_path: Path) -> None:
    with socket.socket() as taken, Children(tmp_path / "logs") as children:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        wanted = Database("127.0.0.1", port, "a", "b", "c")
        with pytest.raises(DemoError, match=f"Port {port} is taken"):
            postgres.start(children, tmp_path, wanted)


@pytest.mark.parametrize("url", ["mysql://a@b/c", "postgresql://host", "postgresql:///db", "x"])
def test_a_url_that_is_no_postgresql_url_is_refused_with_an_example(url: str) -> None:
    with pytest.raises(DemoError, match="postgresql://user:password@host:5432/database"):
        Database.from_url(url)


def test_a_password_never_shows_in_a_message() -> None:
    database = Database("127.0.0.1", 1, "taxi", "s3cret", "taxi")
    assert "s3cret" not in repr(database)
    with pytest.raises(DemoError) as problem:
        postgres.check(database)
    assert "s3cret" not in str(problem.value)
