"""Cutting a stored text file into batch files, line by line, without holding it in memory."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Final

from mainstem.errors import InvalidInput
from mainstem.sdk.context import FileStore, FileWriter

_UNITS: Final = {"": 1, "B": 1, "KB": 1 << 10, "MB": 1 << 20, "GB": 1 << 30, "TB": 1 << 40}
_SIZE: Final = re.compile(r"\s*(\d+)\s*([KMGT]?B|)\s*", re.IGNORECASE)
_CHUNK: Final = 1 << 20
_LONGEST: Final = 1 << 28


@dataclass(frozen=True, slots=True)
class BatchSize:
    """What ends a batch; `size` goes before `partitions`, `partitions` before `rows`."""

    rows: object = None
    size: object = None
    partitions: object = None
    separator: str = "\n"


def split_lines(files: FileStore, source: str, size: BatchSize) -> list[str]:
    """Write the batches and return their URIs in order; an empty file gives none."""
    extension = source.rpartition("/")[2].rpartition(".")[2] if "." in source else "txt"
    with files.open(source) as content:
        items = _items(content, size.separator.encode())
        if size.size is not None:
            return _fill(files, items, extension, limit=_bytes(str(size.size)))
        if size.partitions is not None:
            return _deal(files, items, _positive(size.partitions), extension)
        rows = 1 if size.rows is None else _positive(size.rows)
        return _fill(files, items, extension, rows=rows)


def _positive(value: object) -> int:
    if not isinstance(value, int) or value < 1:
        raise InvalidInput(f"A batch needs a positive number, not `{value}`")
    return value


def _bytes(text: str) -> int:
    match = _SIZE.fullmatch(text)
    if match is None or int(match[1]) == 0:
        raise InvalidInput(f"`{text}` is no size such as 10KB, 5MB or 1GB")
    return int(match[1]) * _UNITS[match[2].upper()]


def _items(content: BinaryIO, separator: bytes) -> Iterator[bytes]:
    """Every item with its separator, the last one given one too."""
    rest = b""
    while chunk := content.read(_CHUNK):
        *whole, rest = (rest + chunk).split(separator)
        if len(rest) > _LONGEST:
            raise InvalidInput("An item is longer than 256 MiB; is the separator right?")
        for item in whole:
            yield item + separator
    if rest:
        yield rest + separator


def _fill(
    files: FileStore, items: Iterator[bytes], extension: str, *, rows: int = 0, limit: int = 0
) -> list[str]:
    """One file after another; each ends with the item that reaches so many rows or bytes."""
    uris: list[str] = []
    item = next(items, None)
    while item is not None:
        with files.writer(f"batch-{len(uris)}.{extension}") as batch:
            count = written = 0
            while item is not None and not (count >= rows if rows else written >= limit):
                batch.write(item)
                count, written = count + 1, written + len(item)
                item = next(items, None)
        uris.append(batch.uri)
    return uris


def _deal(files: FileStore, items: Iterator[bytes], partitions: int, extension: str) -> list[str]:
    """Deal the items out to so many files in turn; files without an item are not made."""
    writers: list[FileWriter] = []
    try:
        for number, item in enumerate(items):
            slot = number % partitions
            if slot == len(writers):
                writer = files.writer(f"batch-{slot}.{extension}")
                writers.append(writer.__enter__())
            writers[slot].write(item)
    except BaseException as error:
        for writer in writers:
            writer.__exit__(type(error), error, error.__traceback__)
        raise
    for writer in writers:
        writer.__exit__(None, None, None)
    return [writer.uri for writer in writers]
