"""Backups: one file with all rows of one moment, the files of internal storage, perhaps the key.

A tar file compressed by gzip: `tables/NAME.ndjson`, `storage/PATH`, `master.key` if wanted, and
last of all `manifest.json`, so that a file that was cut off is never taken for a whole one.
"""

import gzip
import io
import json
import os
import tarfile
import tempfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import IO, Final

from sqlalchemy import Connection, Table

from mainstem import __version__
from mainstem.errors import Conflict, InvalidInput, NotFound
from mainstem.storage.base import Storage
from mainstem.store import transfer
from mainstem.store.database import Database
from mainstem.store.migrate import upgrade
from mainstem.store.transfer import Tally

FORMAT: Final = 1
_MANIFEST: Final = "manifest.json"
_KEY: Final = "master.key"
_ROWS: Final = 1_000


@dataclass(frozen=True, slots=True)
class Summary:
    """What a backup holds."""

    rows: int
    files: int
    with_key: bool


def write_backup(
    path: Path,
    database: Database,
    storage: Storage | None,
    now: datetime,
    *,
    key: bytes | None = None,
) -> Summary:
    """Write to `path`, which must not exist yet; a server may be running meanwhile."""
    manifest: dict[str, object] = {
        "format": FORMAT,
        "version": __version__,
        "created_at": now.isoformat(),
        "database": database.engine.dialect.name,
        "with_key": key is not None,
    }
    with _new_file(path) as raw, tarfile.open(fileobj=raw, mode="w:gz", compresslevel=6) as tar:
        with database.read() as tx:
            manifest["schema"] = transfer.schema_of(tx)
            tallies = {table.name: _add_table(tar, tx, table) for table in transfer.tables_of(tx)}
        files = _add_files(tar, storage) if storage is not None else 0
        if key is not None:
            _add(tar, _KEY, key)
        manifest["files"] = files
        manifest["tables"] = {
            name: {"rows": t.rows, "checksum": f"{t.checksum:032x}"} for name, t in tallies.items()
        }
        _add(tar, _MANIFEST, json.dumps(manifest, indent=2).encode())
    return Summary(sum(t.rows for t in tallies.values()), files, key is not None)


@contextmanager
def _new_file(path: Path) -> Iterator[IO[bytes]]:
    """A file that only its owner may read, and that appears at `path` when it is whole."""
    if path.exists():
        raise Conflict(f"{path} exists: choose another name")
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".backup-")
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.link(name, path)
    finally:
        os.unlink(name)


def _add_table(tar: tarfile.TarFile, tx: Connection, table: Table) -> Tally:
    found = Tally()
    with tempfile.TemporaryFile() as file:
        for part in transfer.rows_of(tx, table):
            for row in part:
                line = transfer.dump_row(table, row)
                found.add(line)
                file.write(line + b"\n")
        _add_open(tar, f"tables/{table.name}.ndjson", file)
    return found


def _add_files(tar: tarfile.TarFile, storage: Storage) -> int:
    count = 0
    for path in storage.paths(""):
        with suppress(NotFound), storage.open(path) as file, tempfile.TemporaryFile() as copy:
            # A copy of a size that cannot change while it is written; NotFound: purged meanwhile.
            while chunk := file.read(1 << 20):
                copy.write(chunk)
            _add_open(tar, f"storage/{path}", copy)
            count += 1
    return count


def _add_open(tar: tarfile.TarFile, name: str, file: IO[bytes]) -> None:
    member = tarfile.TarInfo(name)
    member.size, member.mode = file.tell(), 0o600
    file.seek(0)
    tar.addfile(member, file)


def _add(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    file = io.BytesIO(content)
    file.seek(len(content))
    _add_open(tar, name, file)


def read_manifest(path: Path) -> dict[str, object]:
    """Raises InvalidInput for a file that is no whole backup of a known format."""
    manifest: dict[str, object] | None = None
    with _readable(path):
        for member, file in _members(path):
            if member.name == _MANIFEST:
                manifest = json.load(file)
    if manifest is None:
        raise InvalidInput(f"{path} is not a whole backup: it ends before its manifest")
    if manifest.get("format") != FORMAT:
        raise InvalidInput(
            f"{path} has format {manifest.get('format')}; this program reads {FORMAT}"
        )
    return manifest


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    """Faults of the file as errors that name it."""
    try:
        yield
    except FileNotFoundError as error:
        raise NotFound(f"there is no file {path}") from error
    except (EOFError, zlib.error, gzip.BadGzipFile, tarfile.TarError, ValueError) as error:
        raise InvalidInput(f"{path} cannot be read as a backup: {error}") from error


def _members(path: Path) -> Iterator[tuple[tarfile.TarInfo, IO[bytes]]]:
    with tarfile.open(path, mode="r|gz") as tar:
        for member in tar:
            file = tar.extractfile(member) if member.isfile() else None
            if file is None:
                raise InvalidInput(f"{path} holds `{member.name}`, which is not a plain file")
            yield member, file


def restore_backup(
    path: Path, database: Database, storage: Storage | None, keep_key: Callable[[bytes], None]
) -> Summary:
    """Fill an empty database and storage; the rows appear all at once, after the files.

    `database` is one that no server has used yet, `keep_key` gets the key if there is one.
    """
    manifest = read_manifest(path)
    tables: dict[str, dict[str, object]] = manifest["tables"]  # type: ignore[assignment]
    files, rows = 0, 0
    with _readable(path), database.write() as tx:
        by_name = _prepare(tx, manifest)
        for member, file in _members(path):
            kind, _, rest = member.name.partition("/")
            if kind == "tables":
                name = rest.removesuffix(".ndjson")
                rows += _load_table(tx, by_name, name, file, tables[name])
            elif kind == "storage" and storage is not None:
                _store(storage, rest, file)
                files += 1
            elif member.name == _KEY:
                keep_key(file.read(100_000))
        transfer.finish(tx, by_name.values())
        upgrade(tx)
    return Summary(rows, files, bool(manifest["with_key"]))


def _prepare(tx: Connection, manifest: dict[str, object]) -> dict[str, Table]:
    """The tables to fill, in the schema that the backup has."""
    versions: list[int] = manifest["schema"]  # type: ignore[assignment]
    existing = {table.name: table for table in transfer.tables_of(tx)}
    if not existing:
        transfer.make_schema(tx, versions)
        return {table.name: table for table in transfer.tables_of(tx)}
    transfer.require_empty(tx)
    if transfer.schema_of(tx) != versions:
        raise Conflict(
            "the target database has another schema than the backup: name one that no server has "
            "used yet"
        )
    return existing


def _load_table(
    tx: Connection,
    by_name: dict[str, Table],
    name: str,
    file: IO[bytes],
    wanted: dict[str, object],
) -> int:
    table = by_name.get(name)
    if table is None:
        raise InvalidInput(f"the backup has a table `{name}` that its schema does not")
    sent, part = Tally(), list[transfer.Row]()
    for line in file:
        text = line.rstrip(b"\n")
        sent.add(text)
        part.append(transfer.load_row(table, text))
        if len(part) == _ROWS:
            transfer.load(tx, table, part)
            part.clear()
    transfer.load(tx, table, part)
    if (sent.rows, f"{sent.checksum:032x}") != (wanted["rows"], wanted["checksum"]):
        raise InvalidInput(f"table {name} of the backup is damaged: rows or checksum differ")
    transfer.check(tx, table, sent)
    return sent.rows


def _store(storage: Storage, path: str, file: IO[bytes]) -> None:
    if PurePosixPath(path).is_absolute() or ".." in PurePosixPath(path).parts:
        raise InvalidInput(f"the backup holds `{path}`, which would leave internal storage")
    with storage.writing(path) as target:
        while chunk := file.read(1 << 20):
            target.write(chunk)
