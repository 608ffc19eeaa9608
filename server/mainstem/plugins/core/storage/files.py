"""Whole files of internal storage: size, deletion, concatenation, reversal, splitting, writing."""

import codecs
import json
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import BinaryIO, ClassVar, Final
from urllib.parse import urlsplit

from pydantic import Field

from mainstem.errors import InvalidInput, NotFound
from mainstem.plugins.core.flow.splitting import BatchSize, split_lines
from mainstem.sdk.context import RunContext
from mainstem.sdk.fields import Property, Text
from mainstem.sdk.plugin import Fault
from mainstem.sdk.task import Outputs, RunnableTask

_CHUNK: Final = 1 << 20


def extension_of(uri: str, default: str = ".tmp") -> str:
    """The extension of a URI's file, with its dot."""
    return Path(urlsplit(uri).path).suffix or default


class Size(RunnableTask):
    """The size of a file."""

    TYPE = "io.kestra.plugin.core.storage.Size"
    ALIASES = ("io.kestra.core.tasks.storages.Size",)
    OUTPUTS: ClassVar[Mapping[str, str]] = {"size": "The size in bytes."}

    uri: Property[Text]

    def run(self, ctx: RunContext) -> Outputs:
        return {"size": ctx.files.size(ctx.render(self.uri))}


class Delete(RunnableTask):
    """Delete a file."""

    TYPE = "io.kestra.plugin.core.storage.Delete"
    ALIASES = ("io.kestra.core.tasks.storages.Delete",)
    OUTPUTS: ClassVar[Mapping[str, str]] = {
        "uri": "The URI of the file.",
        "deleted": "Whether there was one.",
    }

    uri: Property[Text]
    error_on_missing: Property[bool] = Property(False, bool)

    def run(self, ctx: RunContext) -> Outputs:
        uri = ctx.render(self.uri)
        done = ctx.files.delete(uri)
        if not done and ctx.render(self.error_on_missing):
            raise NotFound(f"Unable to find file '{uri}'")
        return {"uri": uri, "deleted": done}


class Concat(RunnableTask):
    """Join files, each followed by the separator."""

    TYPE = "io.kestra.plugin.core.storage.Concat"
    ALIASES = ("io.kestra.core.tasks.storages.Concat",)
    OUTPUTS: ClassVar[Mapping[str, str]] = {"uri": "The joined file."}

    files: object = Field(description="URIs: a list, or text that holds a JSON list.")
    separator: Property[Text] | None = None
    extension: Property[Text] = Property(".tmp", str)

    def faults(self) -> Iterator[Fault]:
        if not isinstance(self.files, (str, list)):
            yield Fault("must be a list of URIs or a JSON list as text", "files", "wrong-kind")

    def run(self, ctx: RunContext) -> Outputs:
        separator = ctx.render(self.separator).encode() if self.separator is not None else b""
        with ctx.files.writer(f"concat{ctx.render(self.extension)}") as joined:
            for uri in self._uris(ctx):
                with ctx.files.open(uri) as part:
                    shutil.copyfileobj(part, joined, _CHUNK)
                joined.write(separator)
        return {"uri": joined.uri}

    def _uris(self, ctx: RunContext) -> list[str]:
        rendered = ctx.render_value(self.files)
        if isinstance(rendered, str):
            try:
                rendered = json.loads(rendered)
            except ValueError as error:
                raise InvalidInput("`files` does not render to a JSON list of URIs") from error
        if not isinstance(rendered, list):
            raise InvalidInput("`files` must be a list of URIs")
        return [str(uri) for uri in rendered]


class Reverse(RunnableTask):
    """Store a file with its lines in reverse order, each followed by the separator."""

    TYPE = "io.kestra.plugin.core.storage.Reverse"
    ALIASES = ("io.kestra.core.tasks.storages.Reverse",)
    OUTPUTS: ClassVar[Mapping[str, str]] = {"uri": "The reversed file."}

    from_: Property[Text]
    separator: Property[Text] = Property("\n", str)
    charset: Property[Text] = Property("UTF-8", str)

    def run(self, ctx: RunContext) -> Outputs:
        source, charset = ctx.render(self.from_), ctx.render(self.charset)
        check_charset(charset)
        newline, separator = "\n".encode(charset), ctx.render(self.separator).encode(charset)
        copy = ctx.workdir / f"reverse-{ctx.task_run_id}"
        ctx.files.fetch(source, copy)
        with (
            copy.open("rb") as original,
            ctx.files.writer(f"reversed{extension_of(source)}") as turned,
        ):
            for line in lines_backwards(original, newline):
                turned.write(line.removesuffix("\r".encode(charset)) + separator)
        copy.unlink()
        return {"uri": turned.uri}


def check_charset(name: str) -> None:
    """Raises InvalidInput for an unknown charset, or one that needs a byte order."""
    try:
        found = codecs.lookup(name).name
    except LookupError as error:
        raise InvalidInput(f"there is no charset `{name}`") from error
    if found in ("utf-16", "utf-32"):
        raise InvalidInput(f"`{name}` needs a byte order: use {found}-le or {found}-be")


def lines_backwards(file: BinaryIO, newline: bytes) -> Iterator[bytes]:
    """The lines of a file, the last one first, reading no more than a part of it at once."""
    position = file.seek(0, 2)
    rest, is_end = b"", True
    while position > 0:
        size = min(_CHUNK - _CHUNK % len(newline), position)
        position -= size
        file.seek(position)
        parts = _split(file.read(size) + rest, newline)
        if is_end and parts[-1] == b"":
            parts.pop()
        is_end = False
        rest = parts[0] if parts else b""
        yield from reversed(parts[1:])
    if not is_end:
        yield rest


def _split(content: bytes, newline: bytes) -> list[bytes]:
    """Split at newlines that begin at a whole character of the charset's width."""
    width = len(newline)
    if width == 1:
        return content.split(newline)
    parts, start = [], 0
    for at in range(0, len(content) - width + 1, width):
        if content[at : at + width] == newline:
            parts.append(content[start:at])
            start = at + width
    return [*parts, content[start:]]


class Split(RunnableTask):
    """Cut a file into parts of so many rows or bytes, or deal its rows out to so many parts."""

    TYPE = "io.kestra.plugin.core.storage.Split"
    ALIASES = ("io.kestra.core.tasks.storages.Split",)
    OUTPUTS: ClassVar[Mapping[str, str]] = {"uris": "The parts, in order."}

    from_: Property[Text]
    bytes: Property[Text] | None = Field(
        default=None, description="A part ends with the row that reaches this size, such as 10MB."
    )
    partitions: Property[int] | None = None
    rows: Property[int] | None = None
    separator: Property[Text] = Property("\n", str)

    def faults(self) -> Iterator[Fault]:
        if self.bytes is None and self.partitions is None and self.rows is None:
            wanted = "set `bytes`, `partitions` or `rows`"
            message = f"Invalid configuration with no size, count, nor rows: {wanted}"
            yield Fault(message, "rows", "required")

    def run(self, ctx: RunContext) -> Outputs:
        size = BatchSize(
            rows=ctx.render(self.rows) if self.rows is not None else None,
            size=ctx.render(self.bytes) if self.bytes is not None else None,
            partitions=ctx.render(self.partitions) if self.partitions is not None else None,
            separator=ctx.render(self.separator),
        )
        return {"uris": split_lines(ctx.files, ctx.render(self.from_), size)}


class Write(RunnableTask):
    """Store text as a file."""

    TYPE = "io.kestra.plugin.core.storage.Write"
    OUTPUTS: ClassVar[Mapping[str, str]] = {"uri": "The file."}

    content: Property[Text]
    extension: Property[Text] | None = Field(default=None, description="Such as `.json`.")

    def run(self, ctx: RunContext) -> Outputs:
        suffix = ctx.render(self.extension) if self.extension is not None else ""
        name = f"{ctx.task_id}{suffix if suffix.startswith('.') or not suffix else f'.{suffix}'}"
        return {"uri": ctx.files.put_bytes(ctx.render(self.content).encode(), name)}
