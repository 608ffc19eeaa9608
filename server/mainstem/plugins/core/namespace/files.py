"""Files of namespaces: uploading, downloading, deleting."""

import json
from collections.abc import Iterator, Mapping
from typing import ClassVar, Final, Literal

from pydantic import Field

from mainstem.errors import Conflict, InvalidInput
from mainstem.sdk.context import RunContext
from mainstem.sdk.fields import Property, Text
from mainstem.sdk.globs import working_files
from mainstem.sdk.plugin import Fault
from mainstem.sdk.task import Outputs, RunnableTask

_LARGEST: Final = 100_000_000


class NamespaceTask(RunnableTask):
    """Common properties of tasks over namespace files."""

    namespace: Property[Text] | None = Field(default=None, description="The flow's own without.")

    def place(self, ctx: RunContext) -> str:
        return ctx.render(self.namespace) if self.namespace is not None else ctx.flow.id.namespace


def _uri(ctx: RunContext, namespace: str, path: str) -> str:
    """How `inputFiles` names a namespace file."""
    owner = "" if namespace == ctx.flow.id.namespace else namespace
    return f"nsfile://{owner}/{path}"


class UploadFiles(NamespaceTask):
    """Copy files of the working directory, or of internal storage, to a namespace."""

    TYPE = "io.kestra.plugin.core.namespace.UploadFiles"
    OUTPUTS: ClassVar[Mapping[str, str]] = {
        "files": "The uploaded files by their path in the namespace."
    }

    files: Property[list[Text]] | None = Field(
        default=None, description="Globs of files in the working directory."
    )
    files_map: object = Field(
        default=None, description="Paths with the URIs of their contents; also as JSON text."
    )
    destination: Property[Text] = Property("/", str)
    conflict: Literal["OVERWRITE", "ERROR", "SKIP"] = "OVERWRITE"

    def faults(self) -> Iterator[Fault]:
        if self.files is None and self.files_map is None:
            yield Fault("files or filesMap is required", "files", "required")

    def run(self, ctx: RunContext) -> Outputs:
        namespace, folder = self.place(ctx), ctx.render(self.destination).strip("/")
        known = set(ctx.namespace_files.paths(namespace))
        uploaded: dict[str, str] = {}
        for name, content in self._contents(ctx):
            path = f"{folder}/{name.lstrip('/')}".lstrip("/")
            if path in known and self.conflict == "ERROR":
                raise Conflict(f"namespace {namespace} already has a file `{path}`")
            if path in known and self.conflict == "SKIP":
                ctx.log.debug(f"kept {path}, which exists")
                continue
            ctx.namespace_files.write(path, content, namespace)
            uploaded[path] = _uri(ctx, namespace, path)
        ctx.metric("uploaded", len(uploaded))
        return {"files": uploaded}

    def _contents(self, ctx: RunContext) -> Iterator[tuple[str, bytes]]:
        patterns = ctx.render(self.files) if self.files is not None else []
        for name, path in working_files(ctx.workdir, patterns):
            _check_size(name, path.stat().st_size)
            yield name, path.read_bytes()
        for name, uri in self._mapped(ctx).items():
            _check_size(name, ctx.files.size(uri))
            with ctx.files.open(uri) as file:
                yield name, file.read()

    def _mapped(self, ctx: RunContext) -> dict[str, str]:
        rendered = ctx.render_value(self.files_map)
        if isinstance(rendered, str):
            try:
                rendered = json.loads(rendered)
            except ValueError as error:
                raise InvalidInput("`filesMap` does not render to a JSON map") from error
        if rendered is None:
            return {}
        if not isinstance(rendered, Mapping):
            raise InvalidInput("`filesMap` must be a map of paths to URIs")
        return {str(name): str(uri) for name, uri in rendered.items()}


def _check_size(name: str, size: int) -> None:
    if size > _LARGEST:
        raise InvalidInput(f"`{name}` is larger than {_LARGEST} bytes")


class SelectingTask(NamespaceTask):
    """Common properties of tasks over files that a namespace has."""

    files: Property[Text | list[Text]] = Field(description="A path or glob, or several.")

    def matched(self, ctx: RunContext, namespace: str) -> list[str]:
        wanted = ctx.render(self.files)
        patterns = wanted if isinstance(wanted, list) else [wanted]
        return ctx.namespace_files.paths(namespace, include=patterns) if patterns else []


class DownloadFiles(SelectingTask):
    """Copy files of a namespace to internal storage."""

    TYPE = "io.kestra.plugin.core.namespace.DownloadFiles"
    OUTPUTS: ClassVar[Mapping[str, str]] = {
        "files": "The URIs by the path in the namespace, with a leading slash."
    }

    destination: Property[Text] = Property("", str)

    def run(self, ctx: RunContext) -> Outputs:
        namespace, folder = self.place(ctx), ctx.render(self.destination).strip("/")
        found: dict[str, str] = {}
        for path in self.matched(ctx, namespace):
            content = ctx.namespace_files.read(path, namespace)
            found[f"/{path}"] = ctx.files.put_bytes(content, f"{folder}/{path}".lstrip("/"))
        ctx.metric("downloaded", len(found))
        return {"files": found}


class DeleteFiles(SelectingTask):
    """Delete files of a namespace."""

    TYPE = "io.kestra.plugin.core.namespace.DeleteFiles"
    OUTPUTS: ClassVar[Mapping[str, str]] = {
        "files": "The deleted files by their path in the namespace."
    }

    def run(self, ctx: RunContext) -> Outputs:
        namespace = self.place(ctx)
        matched = self.matched(ctx, namespace)
        done = [path for path in matched if ctx.namespace_files.delete(path, namespace)]
        ctx.metric("deleted", len(done))
        return {"files": {path: _uri(ctx, namespace, path) for path in done}}
