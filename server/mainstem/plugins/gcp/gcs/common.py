"""What the storage tasks share."""

from typing import Any
from urllib.parse import urlsplit

from mainstem.errors import InvalidInput
from mainstem.plugins.gcp.connection import GcpConnection, GcpTask, client_options
from mainstem.sdk.context import RunContext


class GcsConnection(GcpConnection):
    """Whatever has a storage client."""

    def client(self, ctx: RunContext) -> Any:
        from google.cloud import storage  # type: ignore[attr-defined]

        endpoint = ctx.settings.gcp.storage
        return storage.Client(
            project=self.project(ctx),
            credentials=self.credentials(ctx, endpoint),
            client_options=client_options(endpoint),
        )


class GcsTask(GcsConnection, GcpTask):
    """A task with a storage client."""


def parse_gs(uri: str) -> tuple[str, str]:
    """Bucket and object of `gs://bucket/path`; raises InvalidInput."""
    parts = urlsplit(uri)
    path = uri.partition("://")[2].partition("/")[2]
    if parts.scheme != "gs" or not parts.netloc:
        raise InvalidInput(f"`{uri}` is not of the form gs://bucket/path")
    return parts.netloc, path


def describe(blob: Any) -> dict[str, object]:
    """An object as tasks give it to expressions."""
    return {
        "uri": f"gs://{blob.bucket.name}/{blob.name}",
        "bucket": blob.bucket.name,
        "name": blob.name,
        "size": blob.size,
        "contentType": blob.content_type,
        "updated": blob.updated,
        "created": blob.time_created,
        "md5": blob.md5_hash,
        "crc32c": blob.crc32c,
        "generation": blob.generation,
        "metaGeneration": blob.metageneration,
        "isDirectory": blob.name.endswith("/"),
    }
