"""What the S3 tasks share: objects as expressions see them, listings, single transfers."""

from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any, Final, Literal

from mainstem.plugins.aws.connection import AwsConnection
from mainstem.sdk.context import RunContext, TaskKilled
from mainstem.sdk.fields import Property, Text
from mainstem.sdk.patterns import Pattern
from mainstem.sdk.plugin import Properties

_CHUNK: Final = 1 << 20
_PAGE: Final = 1_000

Encryption = Literal["AES256", "AWS_KMS", "AWS_KMS_DSSE", "aws:kms", "aws:kms:dsse"]


class S3Connection(AwsConnection):
    """Common properties of tasks on one bucket."""

    bucket: Property[Text]
    request_payer: Property[Text] | None = None

    def s3(self, ctx: RunContext) -> Any:
        return self.client(ctx, "s3")

    def payer(self, ctx: RunContext) -> dict[str, str]:
        return given(ctx, {"RequestPayer": self.request_payer})


class Listing(S3Connection):
    """Properties that say which objects of a bucket are meant."""

    prefix: Property[Text] | None = None
    delimiter: Property[Text] | None = None
    marker: Property[Text] | None = None
    encoding_type: Property[Text] | None = None
    max_keys: Property[int] = Property(1000, int)
    expected_bucket_owner: Property[Text] | None = None
    regexp: Property[Text] | None = None
    filter: Property[Literal["FILES", "DIRECTORY", "BOTH"]] = Property("BOTH", str)
    max_files: Property[int] = Property(25, int)

    def objects(self, ctx: RunContext, client: Any, most: int | None) -> list[dict[str, Any]]:
        """The objects that are meant, in the order of their keys; at most `most`."""
        wanted = self._pattern(ctx)
        kind = ctx.render(self.filter)
        found = []
        for item in self._pages(ctx, client):
            is_folder = item["Key"].endswith("/")
            if kind != "BOTH" and is_folder != (kind == "DIRECTORY"):
                continue
            if wanted is None or wanted.matches(item["Key"]):
                found.append(described(item))
        if most is not None and len(found) > most:
            ctx.log.warn(f"{len(found)} objects were found, {most} are taken (maxFiles)")
            found = found[:most]
        return found

    def _pattern(self, ctx: RunContext) -> Pattern | None:
        return None if self.regexp is None else Pattern(ctx.render(self.regexp), "regexp")

    def _pages(self, ctx: RunContext, client: Any) -> Iterator[dict[str, Any]]:
        left = ctx.render(self.max_keys)
        asked = given(
            ctx,
            {
                "Bucket": self.bucket,
                "Prefix": self.prefix,
                "Delimiter": self.delimiter,
                "StartAfter": self.marker,
                "ExpectedBucketOwner": self.expected_bucket_owner,
            },
        ) | self.payer(ctx)
        while left > 0:
            page = client.list_objects_v2(**asked, MaxKeys=min(left, _PAGE))
            items = page.get("Contents", [])
            yield from items[:left]
            left -= len(items)
            token = page.get("NextContinuationToken")
            if not page.get("IsTruncated") or not token:
                return
            asked["ContinuationToken"] = token


class Destination(Properties):
    """Where an object goes."""

    bucket: Property[Text] | None = None
    key: Property[Text] | None = None
    server_side_encryption: Property[Encryption] | None = None
    kms_key_id: Property[Text] | None = None


def given(ctx: RunContext, props: dict[str, Property[Any] | None]) -> dict[str, Any]:
    """The rendered values of what was written, by the name that the API has."""
    return {name: ctx.render(prop) for name, prop in props.items() if prop is not None}


def described(item: dict[str, Any]) -> dict[str, Any]:
    """A listed object as tasks give it to expressions."""
    owner = item.get("Owner")
    return {
        "key": item["Key"],
        "etag": item.get("ETag"),
        "size": item.get("Size"),
        "lastModified": item.get("LastModified"),
        "owner": owner and {"id": owner.get("ID"), "displayName": owner.get("DisplayName")},
    }


def fetch(
    ctx: RunContext, client: Any, request: dict[str, Any], *, validate: bool
) -> dict[str, object]:
    """Store one object, part by part; what there is to tell of it."""
    if validate:
        request = {**request, "ChecksumMode": "ENABLED"}
    answer = client.get_object(**request)
    name = PurePosixPath(request["Key"]).name or "download"
    with ctx.files.writer(name) as file:
        for chunk in answer["Body"].iter_chunks(_CHUNK):
            if ctx.is_killed:
                raise TaskKilled
            file.write(chunk)
    ctx.metric("file.size", answer["ContentLength"])
    algorithm = next((one for one in _CHECKSUMS if answer.get(f"Checksum{one}")), None)
    if validate and algorithm is None:
        ctx.log.warn(f"`{request['Key']}` has no checksum to compare with (validateChecksum)")
    return {
        "uri": file.uri,
        "contentLength": answer["ContentLength"],
        "contentType": answer.get("ContentType"),
        "metadata": answer.get("Metadata", {}),
        "eTag": answer.get("ETag"),
        "versionId": answer.get("VersionId"),
        "checksumAlgorithm": algorithm,
        "checksumValue": answer.get(f"Checksum{algorithm}") if algorithm else None,
    }


_CHECKSUMS: Final = ("SHA256", "SHA1", "CRC32", "CRC32C")


def encryption(ctx: RunContext, target: Destination) -> dict[str, str]:
    """How the copy is encrypted, in the API's words."""
    asked = given(
        ctx,
        {"ServerSideEncryption": target.server_side_encryption, "SSEKMSKeyId": target.kms_key_id},
    )
    if "ServerSideEncryption" in asked:
        asked["ServerSideEncryption"] = encryption_word(asked["ServerSideEncryption"])
    return asked


def encryption_word(text: str) -> str:
    return {"AWS_KMS": "aws:kms", "AWS_KMS_DSSE": "aws:kms:dsse"}.get(text, text)
