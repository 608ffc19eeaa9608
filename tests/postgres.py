"""A PostgreSQL server that tests start, stop and start again."""

import itertools
import signal
from dataclasses import dataclass, field, replace
from pathlib import Path

import psutil
import psycopg

from demo import postgres
from demo.postgres import Database
from demo.processes import Children
from mainstem.store.database import open_database


@dataclass
class PostgresServer:
    """One server; databases are made as they are wanted."""

    children: Children
    database: Database
    numbers: "itertools.count[int]" = field(default_factory=itertools.count)
    command: list[str] = field(default_factory=list)
    user: int = 0
    has_template: bool = False

    def fresh(self) -> str:
        """The address of a new, empty database."""
        name = f"test_{next(self.numbers)}"
        with psycopg.connect(self.database.url, autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}"')
        return replace(self.database, name=name).url

    def ready(self) -> str:
        """The address of a new database whose schema is made."""
        template = f"{self.database.name}_template"
        with psycopg.connect(self.database.url, autocommit=True) as connection:
            if not self.has_template:
                connection.execute(f'CREATE DATABASE "{template}"')
                open_database(replace(self.database, name=template).url, 1).close()
                self.has_template = True
            name = f"test_{next(self.numbers)}"
            connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        return replace(self.database, name=name).url

    def stop(self) -> None:
        """End the server at once, as an upgrade or a failure does."""
        with psycopg.connect(self.database.url, autocommit=True) as connection:
            row = connection.execute("SHOW data_directory").fetchone()
        assert row is not None
        # Of a user of its own, whose folder may be closed to others.
        process = psutil.Process(int((Path(row[0]) / "postmaster.pid").read_text().split()[0]))
        self.command, self.user = process.cmdline(), process.uids().real
        process.send_signal(signal.SIGINT)
        process.wait(20)

    def restart(self) -> None:
        """Start it again on the same data and port."""
        user = self.user if self.user != psutil.Process().uids().real else None
        folder = Path(self.command[self.command.index("-D") + 1]).parent
        child = self.children.start(
            "postgres-again", self.command, cwd=folder, user=user, stop_signal=signal.SIGINT
        )
        child.wait_until(self._answers, 20)

    def _answers(self) -> bool:
        try:
            psycopg.connect(self.database.url, connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True


def start_server(children: Children, folder: Path) -> PostgresServer:
    """Raises DemoError where none can be started."""
    return PostgresServer(children, postgres.start(children, folder))
