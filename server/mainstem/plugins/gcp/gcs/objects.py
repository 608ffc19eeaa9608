"""Objects: upload, download, list, copy, delete."""

import base64
import hashlib
import json
import mimetypes
from pathlib import Path
from typing import Any

from pydantic import Field

from mainstem.errors import InvalidInput, NotFound
from mainstem.plugins.gcp.connection import google_errors
from mainstem.plugins.gcp.gcs.common import GcsTask, parse_gs
from mainstem.sdk.context import RunContext, TaskFailed
from mainstem.sdk.fields import Property, Text
from mainstem.sdk.task import Outputs

_PART = 16 << 20


class Upload(GcsTask):
    """Upload a file of internal storage, or several into a folder."""

    TYPE = "io.kestra.plugin.gcp.gcs.Upload"

    from_: Property[Text | list[Text] | dict[str, Text]]
    to: Property[Text]
    content_type: Property[Text] | None = None
    content_encoding: Property[Text] | None = None
    content_disposition: Property[Text] | None = None
    cache_control: Property[Text] | None = None
    validate_checksum: Property[bool] = Property(True, bool)
    expected_md5: Property[Text] | None = None
    expected_crc32c: Property[Text] | None = Field(None, alias="expectedCrc32c")

    def run(self, ctx: RunContext) -> Outputs:
        sources = _sources(ctx.render(self.from_))
        self._check_sources(ctx, sources)
        to = ctx.render(self.to)
        bucket_name, path = parse_gs(to)
        with google_errors(f"upload to {to}"):
            bucket = self.client(ctx).bucket(bucket_name)
            uploaded = {}
            for name, uri in sources.items():
                target = path if name is None else f"{path.rstrip('/')}/{name}".lstrip("/")
                uploaded[target] = self._put(ctx, bucket, target, uri)
        first = next(iter(uploaded.values()))
        return {
            "uri": f"gs://{bucket_name}/{next(iter(uploaded))}",
            "md5": first.md5_hash,
            "crc32c": first.crc32c,
            "size": sum(blob.size or 0 for blob in uploaded.values()),
            "uris": [f"gs://{bucket_name}/{name}" for name in uploaded],
        }

    def _check_sources(self, ctx: RunContext, sources: dict[str | None, str]) -> None:
        """Nothing is uploaded when the file is not the one that was promised."""
        wanted = {
            name: ctx.render(prop)
            for name, prop in (("Md5", self.expected_md5), ("Crc32c", self.expected_crc32c))
            if prop is not None
        }
        if not wanted:
            return
        if len(sources) != 1:
            raise InvalidInput("`expectedMd5` and `expectedCrc32c` are for a single file in `from`")
        uri = next(iter(sources.values()))
        found = _checksums(ctx, uri)
        for name, value in wanted.items():
            if value != found[name]:
                raise TaskFailed(
                    f"{uri} has the {name} {found[name]}, not `expected{name}` {value}"
                )

    def _put(self, ctx: RunContext, bucket: Any, name: str, uri: str) -> Any:
        size = ctx.files.size(uri)
        # Large files go up in parts, each of which is retried alone.
        blob = bucket.blob(name, chunk_size=_PART if size > _PART else None)
        for attribute, prop in (
            ("content_encoding", self.content_encoding),
            ("content_disposition", self.content_disposition),
            ("cache_control", self.cache_control),
        ):
            if prop is not None:
                setattr(blob, attribute, ctx.render(prop))
        kind = ctx.render(self.content_type) if self.content_type is not None else None
        checksum = "crc32c" if ctx.render(self.validate_checksum) else None
        with ctx.files.open(uri) as file:
            blob.upload_from_file(
                file,
                size=size,
                content_type=kind or mimetypes.guess_type(name)[0] or "application/octet-stream",
                checksum=checksum,
            )
        ctx.log.info(f"uploaded gs://{bucket.name}/{name} ({size} bytes)")
        ctx.metric("file.size", size)
        return blob


def _checksums(ctx: RunContext, uri: str) -> dict[str, str]:
    """Digests in the base64 form of Cloud Storage."""
    import google_crc32c

    md5 = hashlib.md5(usedforsecurity=False)
    crc32c: Any = google_crc32c.Checksum()  # type: ignore[no-untyped-call]
    with ctx.files.open(uri) as file:
        while part := file.read(1 << 20):
            md5.update(part)
            crc32c.update(part)
    return {
        "Md5": base64.b64encode(md5.digest()).decode(),
        "Crc32c": base64.b64encode(crc32c.digest()).decode(),
    }


def _sources(given: object) -> dict[str | None, str]:
    """URIs by the name they get below `to`; None for a single file, which is `to` itself."""
    if isinstance(given, str):
        text = given.strip()
        if not text.startswith(("[", "{")):
            return {None: text}
        given = json.loads(text)
    if isinstance(given, dict):
        return {str(name): str(uri) for name, uri in given.items()}
    if isinstance(given, list) and given:
        return {str(uri).rpartition("/")[2]: str(uri) for uri in given}
    raise InvalidInput("`from` must be a URI, a list of URIs, or a map of names to URIs")


class Download(GcsTask):
    """Download an object to internal storage."""

    TYPE = "io.kestra.plugin.gcp.gcs.Download"

    from_: Property[Text]
    validate_checksum: Property[bool] = Property(True, bool)

    def run(self, ctx: RunContext) -> Outputs:
        uri = ctx.render(self.from_)
        bucket_name, path = parse_gs(uri)
        checksum = "crc32c" if ctx.render(self.validate_checksum) else None
        name = Path(path).name or "download"
        with google_errors(f"download {uri}"):
            blob = self.client(ctx).bucket(bucket_name).get_blob(path)
            if blob is None:
                raise TaskFailed(f"there is no object {uri}")
            with ctx.files.writer(name) as file:
                blob.download_to_file(file, checksum=checksum)
        ctx.metric("file.size", blob.size or 0)
        return {"bucket": bucket_name, "path": path, "uri": file.uri, "size": blob.size}


class Copy(GcsTask):
    """Copy an object; with `delete` the source is deleted afterwards."""

    TYPE = "io.kestra.plugin.gcp.gcs.Copy"

    from_: Property[Text]
    to: Property[Text]
    delete: Property[bool] = Property(False, bool)

    def run(self, ctx: RunContext) -> Outputs:
        source, target = ctx.render(self.from_), ctx.render(self.to)
        source_bucket, source_path = parse_gs(source)
        target_bucket, target_path = parse_gs(target)
        if (source_bucket, source_path) == (target_bucket, target_path):
            raise InvalidInput(f"`from` and `to` are both {source}")
        with google_errors(f"copy {source} to {target}"):
            client = self.client(ctx)
            bucket = client.bucket(source_bucket)
            blob = bucket.get_blob(source_path)
            if blob is None:
                raise TaskFailed(f"there is no object {source}")
            copied = bucket.copy_blob(blob, client.bucket(target_bucket), target_path)
            if ctx.render(self.delete):
                blob.delete()
        return {"bucket": target_bucket, "path": target_path, "uri": target, "size": copied.size}


class Delete(GcsTask):
    """Delete an object."""

    TYPE = "io.kestra.plugin.gcp.gcs.Delete"

    uri: Property[Text]
    error_on_missing: Property[bool] = Property(False, bool)

    def run(self, ctx: RunContext) -> Outputs:
        uri = ctx.render(self.uri)
        bucket_name, path = parse_gs(uri)
        with google_errors(f"delete {uri}"):
            blob = self.client(ctx).bucket(bucket_name).get_blob(path)
            if blob is not None:
                blob.delete()
            elif ctx.render(self.error_on_missing):
                raise NotFound(f"there is no object {uri} (errorOnMissing)")
        return {"uri": uri, "deleted": blob is not None}
