"""Objects: upload, download, copy, delete."""

import json
import mimetypes
from typing import Any, Final, Literal

from pydantic import Field

from mainstem.errors import InvalidInput
from mainstem.plugins.aws.connection import AwsConnection, aws_errors
from mainstem.plugins.aws.s3.common import (
    Destination,
    Encryption,
    Listing,
    S3Connection,
    encryption,
    encryption_word,
    fetch,
    given,
)
from mainstem.sdk.context import RunContext
from mainstem.sdk.fields import Property, Text
from mainstem.sdk.task import Outputs, RunnableTask

_PART: Final = 16 << 20

StorageClass = Literal[
    "STANDARD", "REDUCED_REDUNDANCY", "STANDARD_IA", "ONEZONE_IA", "INTELLIGENT_TIERING",
    "GLACIER", "DEEP_ARCHIVE", "OUTPOSTS", "GLACIER_IR", "SNOW", "EXPRESS_ONEZONE",
]  # fmt: skip


class Upload(S3Connection, RunnableTask):
    """Upload a file of internal storage, or several below a prefix."""

    TYPE = "io.kestra.plugin.aws.s3.Upload"

    from_: object = Field(description="A URI, a list of URIs, or a map of names to URIs.")
    key: Property[Text]
    metadata: Property[dict[str, Text]] | None = None
    cache_control: Property[Text] | None = None
    content_type: Property[Text] | None = None
    content_encoding: Property[Text] | None = None
    content_disposition: Property[Text] | None = None
    content_language: Property[Text] | None = None
    content_length: Property[int] | None = None
    expires: Property[Text] | None = None
    acl: Property[Text] | None = None
    storage_class: Property[StorageClass] | None = None
    server_side_encryption: Property[Encryption] | None = None
    bucket_key_enabled: Property[bool] | None = None
    checksum_algorithm: Property[Literal["CRC32", "CRC32_C", "CRC32C", "SHA1", "SHA256"]] | None = (
        None
    )
    expected_bucket_owner: Property[Text] | None = None
    object_lock_mode: Property[Literal["GOVERNANCE", "COMPLIANCE"]] | None = None
    object_lock_legal_hold_status: Property[Literal["ON", "OFF"]] | None = None
    object_lock_retain_until_date: Property[Text] | None = None
    tagging: Property[dict[str, Text]] | None = None
    concurrent_uploads: Property[int] = Property(50, int)

    def run(self, ctx: RunContext) -> Outputs:
        bucket, key = ctx.render(self.bucket), ctx.render(self.key)
        sources = _sources(ctx.render_value(self.from_))
        asked = self._asked(ctx)
        files: dict[str, object] = {}
        with aws_errors(f"upload to s3://{bucket}/{key}"):
            client = self.s3(ctx)
            for name, uri in sources.items():
                target = key if name is None else f"{key.rstrip('/')}/{name}".lstrip("/")
                files[target] = self._put(ctx, client, (bucket, target), uri, asked)
        if list(sources) != [None]:
            return {"bucket": bucket, "key": key, "files": files}
        [told] = files.values()
        assert isinstance(told, dict)
        return {"bucket": bucket, "key": key, "eTag": told["eTag"], "versionId": told["versionId"]}

    def _asked(self, ctx: RunContext) -> dict[str, Any]:
        asked = given(
            ctx,
            {
                "Metadata": self.metadata,
                "CacheControl": self.cache_control,
                "ContentType": self.content_type,
                "ContentEncoding": self.content_encoding,
                "ContentDisposition": self.content_disposition,
                "ContentLanguage": self.content_language,
                "Expires": self.expires,
                "ACL": self.acl,
                "StorageClass": self.storage_class,
                "ServerSideEncryption": self.server_side_encryption,
                "BucketKeyEnabled": self.bucket_key_enabled,
                "ChecksumAlgorithm": self.checksum_algorithm,
                "ExpectedBucketOwner": self.expected_bucket_owner,
                "ObjectLockMode": self.object_lock_mode,
                "ObjectLockLegalHoldStatus": self.object_lock_legal_hold_status,
                "ObjectLockRetainUntilDate": self.object_lock_retain_until_date,
            },
        )
        if "ServerSideEncryption" in asked:
            asked["ServerSideEncryption"] = encryption_word(asked["ServerSideEncryption"])
        if "ChecksumAlgorithm" in asked:
            asked["ChecksumAlgorithm"] = asked["ChecksumAlgorithm"].replace("_", "")
        if self.tagging is not None:
            from urllib.parse import urlencode

            asked["Tagging"] = urlencode(ctx.render(self.tagging))
        return {**asked, **self.payer(ctx)}

    def _put(
        self, ctx: RunContext, client: Any, target: tuple[str, str], uri: str, asked: dict[str, Any]
    ) -> dict[str, object]:
        bucket, key = target
        size = ctx.files.size(uri)
        asked = {**asked}
        asked.setdefault("ContentType", mimetypes.guess_type(key)[0] or "application/octet-stream")
        with ctx.files.open(uri) as file:
            if size <= _PART:
                answer = client.put_object(Bucket=bucket, Key=key, Body=file.read(_PART), **asked)
            else:
                answer = _in_parts(client, bucket, key, file, asked)
        ctx.log.info(f"uploaded s3://{bucket}/{key} ({size} bytes)")
        ctx.metric("file.size", size)
        return {
            "uri": uri,
            "eTag": answer.get("ETag"),
            "versionId": answer.get("VersionId"),
            "contentLength": size,
        }


def _in_parts(client: Any, bucket: str, key: str, file: Any, asked: dict[str, Any]) -> Any:
    """A large file, in parts that are sent again alone when one fails."""
    from boto3.s3.transfer import TransferConfig

    config = TransferConfig(multipart_threshold=_PART, multipart_chunksize=_PART)
    client.upload_fileobj(file, bucket, key, ExtraArgs=asked, Config=config)
    return client.head_object(Bucket=bucket, Key=key)


def _sources(value: object) -> dict[str | None, str]:
    """URIs by the name they get below `key`; None for a single file, which is `key` itself."""
    if isinstance(value, str):
        text = value.strip()
        if not text.startswith(("[", "{")):
            return {None: text}
        try:
            value = json.loads(text)
        except ValueError as error:
            raise InvalidInput("`from` is neither a URI nor a JSON list or map of them") from error
    if isinstance(value, dict) and value:
        return {str(name): str(uri) for name, uri in value.items()}
    if isinstance(value, list) and value:
        return {str(uri).rpartition("/")[2]: str(uri) for uri in value}
    raise InvalidInput("`from` must be a URI, a list of URIs, or a map of names to URIs")


class Download(Listing, RunnableTask):
    """Download an object to internal storage, or with `prefix` or `regexp` several."""

    TYPE = "io.kestra.plugin.aws.s3.Download"

    key: Property[Text] | None = None
    version_id: Property[Text] | None = None
    validate_checksum: Property[bool] = Property(False, bool)

    def run(self, ctx: RunContext) -> Outputs:
        bucket = ctx.render(self.bucket)
        validate = ctx.render(self.validate_checksum)
        asked = {
            "Bucket": bucket,
            **given(ctx, {"ExpectedBucketOwner": self.expected_bucket_owner}),
            **self.payer(ctx),
        }
        several = any(prop is not None for prop in (self.prefix, self.delimiter, self.regexp))
        if self.key is not None and not several:
            key = ctx.render(self.key)
            one = {**asked, "Key": key, **given(ctx, {"VersionId": self.version_id})}
            with aws_errors(f"download s3://{bucket}/{key}"):
                return fetch(ctx, self.s3(ctx), one, validate=validate)
        if not several:
            raise InvalidInput("set `key`, or for several objects `prefix`, `delimiter`, `regexp`")
        with aws_errors(f"download from s3://{bucket}"):
            client = self.s3(ctx)
            found = self.objects(ctx, client, ctx.render(self.max_files))
            files = {
                item["key"]: fetch(ctx, client, {**asked, "Key": item["key"]}, validate=validate)
                for item in found
                if not item["key"].endswith("/")
            }
        return {"files": files}


class CopySource(Destination):
    """Which object is copied."""

    bucket: Property[Text]
    key: Property[Text]
    version_id: Property[Text] | None = None


class Copy(AwsConnection, RunnableTask):
    """Copy an object; with `delete` the source is deleted afterwards."""

    TYPE = "io.kestra.plugin.aws.s3.Copy"

    from_: CopySource
    to: Destination | None = None
    delete: Property[bool] = Property(False, bool)

    def run(self, ctx: RunContext) -> Outputs:
        source = given(
            ctx,
            {
                "Bucket": self.from_.bucket,
                "Key": self.from_.key,
                "VersionId": self.from_.version_id,
            },
        )
        target = self.to or Destination()
        bucket = ctx.render(target.bucket) if target.bucket is not None else source["Bucket"]
        key = ctx.render(target.key) if target.key is not None else source["Key"]
        if (bucket, key) == (source["Bucket"], source["Key"]):
            raise InvalidInput(f"`from` and `to` are both s3://{bucket}/{key}")
        with aws_errors(f"copy s3://{source['Bucket']}/{source['Key']} to s3://{bucket}/{key}"):
            client = self.client(ctx, "s3")
            return copied(client, source, (bucket, key), encryption(ctx, target),
                          delete=ctx.render(self.delete))  # fmt: skip


def copied(
    client: Any, source: dict[str, Any], to: tuple[str, str], extra: dict[str, str], *, delete: bool
) -> dict[str, object]:
    """Copy an object of any size on the server's side."""
    bucket, key = to
    client.copy(source, bucket, key, ExtraArgs=extra or None)
    told = client.head_object(Bucket=bucket, Key=key)
    if delete:
        client.delete_object(**source)
    return {
        "bucket": bucket,
        "key": key,
        "eTag": told.get("ETag"),
        "versionId": told.get("VersionId"),
    }


class Delete(S3Connection, RunnableTask):
    """Delete an object."""

    TYPE = "io.kestra.plugin.aws.s3.Delete"

    key: Property[Text]
    bypass_governance_retention: Property[bool] | None = None
    mfa: Property[Text] | None = None
    version_id: Property[Text] | None = None

    def run(self, ctx: RunContext) -> Outputs:
        asked = given(
            ctx,
            {
                "Bucket": self.bucket,
                "Key": self.key,
                "BypassGovernanceRetention": self.bypass_governance_retention,
                "MFA": self.mfa,
                "VersionId": self.version_id,
            },
        )
        with aws_errors(f"delete s3://{asked['Bucket']}/{asked['Key']}"):
            told = self.s3(ctx).delete_object(**asked, **self.payer(ctx))
        return {
            "versionId": told.get("VersionId"),
            "deleteMarker": told.get("DeleteMarker"),
            "requestCharged": told.get("RequestCharged"),
        }
