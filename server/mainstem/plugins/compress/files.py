"""One file, compressed or not."""

import bz2
import gzip
import lzma
import zlib
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import BinaryIO, ClassVar, Final, Literal, cast

from mainstem.errors import InvalidInput
from mainstem.sdk.context import FileWriter, RunContext
from mainstem.sdk.fields import Property, Text
from mainstem.sdk.task import Outputs, RunnableTask

Compression = Literal["GZIP", "BZIP2", "XZ", "LZMA"]
_CHUNK: Final = 1 << 20
MOST_BYTES: Final = 20_000_000_000
_ENDINGS: Final = {"GZIP": ".gz", "BZIP2": ".bz2", "XZ": ".xz", "LZMA": ".lzma"}
BROKEN: Final = (OSError, EOFError, lzma.LZMAError, zlib.error)


def compressing(target: BinaryIO, how: str) -> BinaryIO:
    """A file that compresses what is written to it."""
    if how == "GZIP":
        return cast("BinaryIO", gzip.GzipFile(fileobj=target, mode="wb", filename="", mtime=0))
    if how == "BZIP2":
        return cast("BinaryIO", bz2.BZ2File(target, "wb"))
    kind = lzma.FORMAT_XZ if how == "XZ" else lzma.FORMAT_ALONE
    return cast("BinaryIO", lzma.LZMAFile(target, "wb", format=kind))


def decompressing(source: BinaryIO, how: str) -> BinaryIO:
    """A file that gives the plain content of a compressed one."""
    if how == "GZIP":
        return cast("BinaryIO", gzip.GzipFile(fileobj=source, mode="rb"))
    if how == "BZIP2":
        return cast("BinaryIO", bz2.BZ2File(source, "rb"))
    return cast("BinaryIO", lzma.LZMAFile(source, "rb"))


def copy_bounded(source: BinaryIO, target: FileWriter, most: int) -> int:
    """Copy; raises InvalidInput when more comes out than a disk should take."""
    size = 0
    while chunk := source.read(_CHUNK):
        size += len(chunk)
        if size > most:
            raise InvalidInput(f"more than {MOST_BYTES} bytes come out: that is refused")
        target.write(chunk)
    return size


class FileCompress(RunnableTask):
    """Compress a file."""

    TYPE: ClassVar[str] = "io.kestra.plugin.compress.FileCompress"
    OUTPUTS: ClassVar[Mapping[str, str]] = {"uri": "The compressed file."}

    from_: Property[Text]
    compression: Property[Compression]

    def run(self, ctx: RunContext) -> Outputs:
        uri, how = ctx.render(self.from_), ctx.render(self.compression)
        name = f"{PurePosixPath(uri).name}{_ENDINGS[how]}"
        with ctx.files.open(uri) as source, ctx.files.writer(name) as target:
            packed = compressing(cast("BinaryIO", target), how)
            while chunk := source.read(_CHUNK):
                packed.write(chunk)
            packed.close()
        return {"uri": target.uri}


class FileDecompress(RunnableTask):
    """Decompress a file."""

    TYPE: ClassVar[str] = "io.kestra.plugin.compress.FileDecompress"
    OUTPUTS: ClassVar[Mapping[str, str]] = {"uri": "The plain file."}

    from_: Property[Text]
    compression: Property[Compression]

    def run(self, ctx: RunContext) -> Outputs:
        uri, how = ctx.render(self.from_), ctx.render(self.compression)
        name = PurePosixPath(uri).name.removesuffix(_ENDINGS[how])
        with ctx.files.open(uri) as source, ctx.files.writer(name) as target:
            try:
                copy_bounded(decompressing(source, how), target, MOST_BYTES)
            except BROKEN as error:
                raise InvalidInput(f"`{uri}` is not a {how} file: {error}") from error
        return {"uri": target.uri}
