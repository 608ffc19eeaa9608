"""Archives of several files."""

import tarfile
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import BinaryIO, ClassVar, Final, Literal, cast

from mainstem.errors import InvalidInput
from mainstem.plugins.compress.files import BROKEN, MOST_BYTES, copy_bounded, decompressing
from mainstem.sdk.context import RunContext
from mainstem.sdk.fields import Property, Text
from mainstem.sdk.task import Outputs, RunnableTask

Algorithm = Literal["ZIP", "JAR", "TAR"]
Compression = Literal["GZIP", "BZIP2", "XZ", "LZMA"]
_MOST_FILES: Final = 100_000
_MODES: Final = {None: "w", "GZIP": "w:gz", "BZIP2": "w:bz2", "XZ": "w:xz"}


class ArchiveDecompress(RunnableTask):
    """Unpack an archive; `files` has the URI of each of its files by name."""

    TYPE: ClassVar[str] = "io.kestra.plugin.compress.ArchiveDecompress"
    OUTPUTS: ClassVar[Mapping[str, str]] = {"files": "URIs by the names in the archive."}

    from_: Property[Text]
    algorithm: Property[Algorithm]
    compression: Property[Compression] | None = None

    def run(self, ctx: RunContext) -> Outputs:
        uri = ctx.render(self.from_)
        file = ctx.workdir / "archive"
        ctx.files.fetch(uri, file)
        files: dict[str, str] = {}
        left = MOST_BYTES
        try:
            for name, content in self._members(ctx, file):
                if len(files) >= _MOST_FILES:
                    raise InvalidInput(f"the archive has more than {_MOST_FILES} files")
                with ctx.files.writer(name) as target:
                    left -= copy_bounded(content, target, left)
                files[name] = target.uri
        except (zipfile.BadZipFile, tarfile.TarError, NotImplementedError, *BROKEN) as error:
            raise InvalidInput(f"`{uri}` cannot be unpacked: {error}") from error
        ctx.log.info(f"{len(files)} files were unpacked")
        return {"files": files}

    def _members(self, ctx: RunContext, file: Path) -> Iterator[tuple[str, BinaryIO]]:
        if ctx.render(self.algorithm) == "TAR":
            yield from self._tar_members(ctx, file)
            return
        with zipfile.ZipFile(file) as archive:
            for item in archive.infolist():
                if not item.is_dir():
                    with archive.open(item) as content:
                        yield _safe(item.filename), cast("BinaryIO", content)

    def _tar_members(self, ctx: RunContext, file: Path) -> Iterator[tuple[str, BinaryIO]]:
        how = ctx.render(self.compression) if self.compression is not None else None
        with file.open("rb") as raw:
            source = decompressing(raw, how) if how is not None else raw
            mode = "r|*" if how is None else "r|"
            with tarfile.open(fileobj=source, mode=mode) as archive:  # type: ignore[call-overload]
                for item in archive:
                    content = archive.extractfile(item) if item.isfile() else None
                    if content is not None:
                        yield _safe(item.name), cast("BinaryIO", content)


def _safe(name: str) -> str:
    """The name within the archive; raises InvalidInput for one that leaves its folder."""
    path = PurePosixPath(name.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or not path.parts:
        raise InvalidInput(f"the archive holds `{name}`, which would leave its folder")
    return str(path)


class ArchiveCompress(RunnableTask):
    """Pack files into an archive; `from` has their URIs by the names they get."""

    TYPE: ClassVar[str] = "io.kestra.plugin.compress.ArchiveCompress"
    OUTPUTS: ClassVar[Mapping[str, str]] = {"uri": "The archive."}

    from_: Property[dict[str, Text]]
    algorithm: Property[Algorithm]
    compression: Property[Compression] | None = None

    def run(self, ctx: RunContext) -> Outputs:
        wanted = {_safe(name): uri for name, uri in ctx.render(self.from_).items()}
        how = ctx.render(self.compression) if self.compression is not None else None
        algorithm = ctx.render(self.algorithm)
        file = ctx.workdir / ("archive.tar" if algorithm == "TAR" else "archive.zip")
        if algorithm == "TAR":
            self._tar(ctx, file, wanted, how)
        else:
            with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
                for name, uri in wanted.items():
                    archive.write(self._fetched(ctx, uri), name)
        return {"uri": ctx.files.put(file)}

    def _tar(self, ctx: RunContext, file: Path, wanted: Mapping[str, str], how: str | None) -> None:
        if how not in _MODES:
            raise InvalidInput(f"a TAR archive cannot be compressed with {how}: use GZIP or XZ")
        with tarfile.open(file, _MODES[how]) as archive:  # type: ignore[call-overload]
            for name, uri in wanted.items():
                archive.add(self._fetched(ctx, uri), name)

    @staticmethod
    def _fetched(ctx: RunContext, uri: str) -> Path:
        file = ctx.workdir / "member"
        ctx.files.fetch(uri, file)
        return file
