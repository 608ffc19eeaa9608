"""A PostgreSQL server that tests start, stop and start again."""

import itertools
from dataclasses import dataclass, field, replace
from pathlib import Path

import psycopg

from demo import postgres
from demo.postgres import Database
from demo.processes import Child, Children


@dataclass
class PostgresServer:
    """One server; databases are made as they are wanted."""

    children: Children
    folder: Path
    database: Database
    numbers: "itertools.count[int]" = field(default_factory=itertools.count)

    def fresh(self) -> str:
        """The address of a new, empty database."""
        name = f"test_{next(self.numbers)}"
        with psycopg.connect(self.database.url, autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}"')
        return replace(self.database, name=name).url


def start_server(children: Children, folder: Path) -> PostgresServer:
    """Raises DemoError where none can be started."""
    return PostgresServer(children, folder, postgres.start(children, folder))


__all__ = ["Child", "PostgresServer", "start_server"]
