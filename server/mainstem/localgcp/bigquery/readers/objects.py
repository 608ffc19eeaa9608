"""Storage objects as files: gs:// URIs with at most one wildcard, found in the folder."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from mainstem.localgcp.bigquery.errors import not_found
from mainstem.localgcp.bigquery.gcs import GcsEndpoint

GZIP_MAGIC: Final = b"\x1f\x8b"
SIDECAR: Final = ".metadata"


@dataclass(frozen=True, slots=True)
class SourceFile:
    """One file to read; `uri` is None for an uploaded one."""

    path: Path
    uri: str | None
    is_gzip: bool
    size: int


def source_file(path: Path, uri: str | None) -> SourceFile:
    with path.open("rb") as opened:
        is_gzip = opened.read(2) == GZIP_MAGIC
    return SourceFile(path, uri, is_gzip, path.stat().st_size)


def find_objects(storage: GcsEndpoint, uris: Iterable[str]) -> tuple[SourceFile, ...]:
    """The objects behind the URIs, each once, in the order of their names."""
    found: dict[Path, SourceFile] = {}
    for uri in uris:
        matches = [source_file(path, name) for path, name in _matches(storage, uri)]
        if not matches:
            raise not_found(f"Not found: {'Uris' if '*' in uri else 'URI'} {uri}")
        found.update({match.path: match for match in matches})
    return tuple(found.values())


def is_taken(storage: GcsEndpoint, uri: str) -> bool:
    """Whether any object matches the URI."""
    return next(_matches(storage, uri), None) is not None


def _matches(storage: GcsEndpoint, uri: str) -> Iterator[tuple[Path, str]]:
    bucket, _, pattern = uri.removeprefix("gs://").partition("/")
    root = (storage.root / bucket).resolve()
    if root.parent != storage.root.resolve():
        raise not_found(f"Not found: Bucket {bucket}")
    if "*" not in pattern:
        path = (root / pattern).resolve()
        if path.is_relative_to(root) and path.is_file():
            yield path, uri
        return
    wanted = re.compile(".*".join(re.escape(part) for part in pattern.split("*")), re.DOTALL)
    start = root / pattern.partition("*")[0].rpartition("/")[0]
    for path in sorted(start.rglob("*")) if start.resolve().is_relative_to(root) else ():
        name = path.relative_to(root).as_posix()
        if path.is_file() and wanted.fullmatch(name) and not _is_sidecar(path):
            yield path, f"gs://{bucket}/{name}"


def _is_sidecar(path: Path) -> bool:
    """Whether the storage emulator keeps another object's properties in this file."""
    return path.name.endswith(SIDECAR) and path.with_name(path.name[: -len(SIDECAR)]).exists()


def duckdb_path(path: Path) -> str:
    """A path that DuckDB does not take for a pattern."""
    return re.sub(r"([*?\[])", r"[\1]", str(path))
