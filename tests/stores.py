"""Which databases tests use: copies of one whose schema is made, in SQLite or PostgreSQL."""

import itertools
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import psycopg
from psycopg import sql

from demo.postgres import Database
from mainstem.settings import Settings
from mainstem.store.database import open_database


class Stores:
    """Databases by state folder, copied from one whose schema is made; dropped with `close`."""

    def __init__(self, url: str) -> None:
        self._server = Database.from_url(url)
        self._prefix = f"mainstem_{secrets.token_hex(4)}"
        self._numbers = itertools.count()
        self._made: dict[Path, str] = {}
        self._template = f"{self._prefix}_template"
        self._ask(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(self._template)))
        open_database(replace(self._server, name=self._template).url, 1).close()

    def of(self, folder: Path) -> str:
        """The address of the folder's database, new and empty when it is first asked for."""
        if folder not in self._made:
            name = f"{self._prefix}_{next(self._numbers)}"
            names = map(sql.Identifier, (name, self._template))
            self._ask(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(*names))
            self._made[folder] = name
        return replace(self._server, name=self._made[folder]).url

    def forget(self, folder: Path) -> None:
        """Drop the folder's database, whoever is still connected."""
        self._drop(self._made.pop(folder))

    def close(self) -> None:
        for folder in list(self._made):
            self.forget(folder)
        self._drop(self._template)

    def _drop(self, name: str) -> None:
        self._ask(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))

    def _ask(self, statement: sql.Composed) -> None:
        with psycopg.connect(self._server.url, autocommit=True) as connection:
            connection.execute(statement)


@contextmanager
def on_sqlite(folder: Path) -> Iterator[None]:
    """Within the block new state folders begin with a copy of a database whose schema is made."""
    template = folder / "template.db"
    open_database(f"sqlite:///{template}", 1).close()
    made = template.read_bytes()
    usual = Settings.database_url

    def copied(settings: Settings) -> str:
        if settings.database.url is None:
            file = settings.state_dir.resolve() / "mainstem.db"
            if not file.exists():
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(made)
        return usual.fget(settings)  # type: ignore[attr-defined, no-any-return]

    Settings.database_url = property(copied)  # type: ignore[assignment, method-assign]
    try:
        yield
    finally:
        Settings.database_url = usual  # type: ignore[method-assign]


@contextmanager
def on_postgresql(url: str) -> Iterator[Stores]:
    """Within the block settings without a database of their own get one of this server."""
    stores = Stores(url)
    usual = Settings.database_url

    def chosen(settings: Settings) -> str:
        if settings.database.url is not None:
            return settings.database.url.get_secret_value()
        return stores.of(settings.state_dir.resolve())

    Settings.database_url = property(chosen)  # type: ignore[assignment, method-assign]
    try:
        yield stores
    finally:
        Settings.database_url = usual  # type: ignore[method-assign]
        stores.close()
