"""Checks of the machine, the database and what else the server needs near it."""

import shutil
import stat
from collections.abc import Iterator, Mapping
from typing import Final

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from mainstem.clock import SystemClock
from mainstem.doctor.finding import Finding, fail, ok, skip, warn
from mainstem.errors import MainstemError, Stalled
from mainstem.gitsync.git import Git
from mainstem.gitsync.github_app import Tokens
from mainstem.gitsync.remote import Remote
from mainstem.sdk.registry import Registry
from mainstem.sdk.runner import TaskRunner
from mainstem.secrets.build import key_file, key_source
from mainstem.secrets.fingerprint import disagreement
from mainstem.services.plugin_settings import plugin_settings
from mainstem.settings import GitSource, Settings
from mainstem.storage.open import open_storage
from mainstem.store import sealing_key
from mainstem.store.database import Database, connect
from mainstem.store.migrate import missing

_LITTLE: Final = 2 * 1024**3
_NOTHING: Final = 200 * 1024**2
_DOCKER: Final = "io.kestra.plugin.scripts.runner.docker.Docker"
_OLDEST: Final = 130_000


def disk(settings: Settings) -> Iterator[Finding]:
    """Room for the database, work folders and files."""
    folder = settings.state_dir.resolve()
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    shown = f"{free / 1024**3:.1f} GiB free at {folder}"
    if free < _NOTHING:
        yield fail("disk", shown, "make room: `mainstem db purge --days 30`, or a larger disk")
    elif free < _LITTLE:
        yield warn("disk", shown, "set retention.rules, so that old executions go by themselves")
    else:
        yield ok("disk", shown)


def database(settings: Settings) -> Iterator[Finding]:
    """Whether it answers, fits this program and has connections enough."""
    if not settings.is_shared and settings.database.url is None:
        file = settings.state_dir / "mainstem.db"
        if not file.exists():
            yield skip("database", f"{file} is made at the first start")
            return
    opened = connect(settings.database_url, 2)
    try:
        with opened.read() as tx:
            names = missing(tx)
        yield ok("database", f"{opened.engine.dialect.name} answers")
        if names:
            yield warn(
                "database", f"its schema lacks {', '.join(names)}",
                "the next start adds it; or run `mainstem db upgrade`",
            )  # fmt: skip
        if settings.is_shared:
            yield from _postgresql(opened, settings)
    finally:
        opened.close()


def _postgresql(opened: Database, settings: Settings) -> Iterator[Finding]:
    with opened.read() as tx:
        version = int(tx.execute(text("SHOW server_version_num")).scalar_one())
        most = int(tx.execute(text("SHOW max_connections")).scalar_one())
        encoding = str(tx.execute(text("SHOW server_encoding")).scalar_one())
    if version < _OLDEST:
        yield fail("database", f"PostgreSQL {version // 10_000} is too old", "use 13 or newer")
    if encoding != "UTF8":
        yield fail("database", f"its encoding is {encoding}", "create it with ENCODING 'UTF8'")
    wanted = settings.database.pool_size * 2 + 2
    if wanted > most:
        yield warn(
            "database",
            f"this server may open {wanted} connections, the database allows {most} in all",
            f"lower database.pool_size below {most // 2}, or raise max_connections",
        )


def storage(settings: Settings) -> Iterator[Finding]:
    """Whether a file can be written, read and deleted."""
    wanted = settings.storage
    place = f"bucket {wanted.bucket}" if wanted.type == "gcs" else f"folder {settings.storage_path}"
    opened = open_storage(settings)
    opened.put_bytes("_doctor/probe", b"mainstem")
    with opened.open("_doctor/probe") as file:
        whole = file.read() == b"mainstem"
    opened.delete("_doctor/probe")
    yield ok("storage", f"{place} works") if whole else fail("storage", f"{place} returns garbage")


def key(settings: Settings) -> Iterator[Finding]:
    """Whether the key that seals secrets is there, whole and private."""
    yield from _other_key(settings)
    path = settings.key_path
    if settings.secrets.key_value is not None:
        yield ok("key", "given by secrets.key_value")
        return
    if not path.exists():
        yield skip("key", f"{path} is made when the first secret is stored")
        return
    if stat.S_IMODE(path.stat().st_mode) & 0o077:
        yield fail("key", f"{path} can be read by others", f"chmod 600 {path}")
    try:
        key_file(settings).sealer()
    except MainstemError as error:
        yield fail("key", error.message, "put back the copy that you keep elsewhere")
    else:
        yield ok("key", f"{path} is whole")


def _other_key(settings: Settings) -> Iterator[Finding]:
    """Whether the database knows another key; says nothing where it cannot be asked."""
    if settings.database.url is None and not (settings.state_dir / "mainstem.db").exists():
        return
    opened = connect(settings.database_url, 1)
    try:
        with opened.read() as tx:
            wanted = sealing_key.current(tx)
        keys = key_source(settings)
        if wanted is not None and wanted not in keys.ids():
            yield fail("key", disagreement(keys, wanted), "see `mainstem secret adopt-key --help`")
    except (SQLAlchemyError, MainstemError):
        return  # the checks of the database and of the file tell what is wrong with them
    finally:
        opened.close()


def git(settings: Settings, environment: Mapping[str, str]) -> Iterator[Finding]:
    """Whether each source of the settings can be reached, and has its branch."""
    if shutil.which("git") is None:
        yield fail("git", "the program git is not installed", "apt-get install git")
        return
    if not settings.git.sources:
        yield skip("git", "the settings name no source")
    for source in settings.git.sources:
        yield _source(settings, source, environment)


def _source(settings: Settings, source: GitSource, environment: Mapping[str, str]) -> Finding:
    name = f"git {source.name}"
    if source.push:
        return ok(name, "hosted by this server")
    remote = Remote(
        source, Git(environment), Tokens(SystemClock()), allow_file=settings.git.allow_file_urls
    )
    try:
        head = remote.head()
    except MainstemError as error:
        fix = "correct its url, token or key" if isinstance(error, Stalled) else None
        return fail(name, error.message, fix)
    if head is None:
        return fail(
            name, f"the repository answers, and has no {source.ref}", "push it, or name another"
        )
    return ok(name, f"{source.ref} is at {head[:12]}")


def docker(settings: Settings, environment: Mapping[str, str]) -> Iterator[Finding]:
    """Whether script tasks can run in containers."""
    runner = Registry.installed().build(TaskRunner, {"type": _DOCKER}, None)  # type: ignore[type-abstract]
    reason = runner.unavailable(plugin_settings(settings, environment))
    if reason is None:
        yield ok("docker", "the daemon answers")
    elif settings.runners.default == "process" or settings.runners.docker.fallback == "process":
        yield skip("docker", f"not needed: tasks run as processes ({reason})")
    elif settings.runners.default == "docker":
        yield fail("docker", reason, "start Docker, or set runners.default: process")
    else:
        yield warn(
            "docker", f"{reason}; script tasks run as processes",
            "tasks that name the Docker runner fail: start Docker, or set "
            "runners.docker.fallback: process",
        )  # fmt: skip
