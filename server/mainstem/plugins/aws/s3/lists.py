"""Several objects at once: list them, download them, delete them."""

from pathlib import PurePosixPath
from typing import Any, Final, Literal

from mainstem.errors import InvalidInput
from mainstem.plugins.aws.connection import aws_errors
from mainstem.plugins.aws.s3.common import Destination, Listing, encryption, fetch
from mainstem.plugins.aws.s3.objects import copied
from mainstem.sdk.context import RunContext, TaskFailed
from mainstem.sdk.fields import Property
from mainstem.sdk.task import Outputs, RunnableTask

_BATCH: Final = 1_000

Action = Literal["MOVE", "DELETE", "NONE"]


class List(Listing, RunnableTask):
    """List the objects of a bucket."""

    TYPE = "io.kestra.plugin.aws.s3.List"

    def run(self, ctx: RunContext) -> Outputs:
        bucket = ctx.render(self.bucket)
        with aws_errors(f"list s3://{bucket}"):
            found = self.objects(ctx, self.s3(ctx), ctx.render(self.max_files))
        ctx.metric("size", len(found))
        ctx.log.debug(f"{len(found)} objects in s3://{bucket}")
        return {"objects": found}


class Afterwards(Listing):
    """What is done to objects once they were taken."""

    action: Property[Action] | None = None
    move_to: Destination | None = None

    def take(self, ctx: RunContext, client: Any, found: list[dict[str, Any]]) -> None:
        """Move or delete, as `action` says."""
        action = ctx.render(self.action) if self.action is not None else "NONE"
        bucket = ctx.render(self.bucket)
        if action == "DELETE":
            deleted(client, bucket, [item["key"] for item in found])
        elif action == "MOVE":
            self._move(ctx, client, bucket, found)

    def _move(self, ctx: RunContext, client: Any, bucket: str, found: list[dict[str, Any]]) -> None:
        target = self.move_to
        if target is None or target.key is None:
            raise InvalidInput("`action: MOVE` needs `moveTo` with `key`, the prefix to move to")
        to = ctx.render(target.bucket) if target.bucket is not None else bucket
        prefix = ctx.render(target.key).rstrip("/")
        for item in found:
            key = f"{prefix}/{PurePosixPath(item['key']).name}".lstrip("/")
            source = {"Bucket": bucket, "Key": item["key"]}
            copied(client, source, (to, key), encryption(ctx, target), delete=True)


class Downloads(Afterwards, RunnableTask):
    """Download the objects that a listing finds, then move or delete them if asked."""

    TYPE = "io.kestra.plugin.aws.s3.Downloads"

    validate_checksum: Property[bool] = Property(False, bool)

    def run(self, ctx: RunContext) -> Outputs:
        bucket = ctx.render(self.bucket)
        validate = ctx.render(self.validate_checksum)
        with aws_errors(f"download from s3://{bucket}"):
            client = self.s3(ctx)
            listed = self.objects(ctx, client, ctx.render(self.max_files))
            found = [item for item in listed if not item["key"].endswith("/")]
            objects = []
            for item in found:
                request = {"Bucket": bucket, "Key": item["key"], **self.payer(ctx)}
                told = fetch(ctx, client, request, validate=validate)
                objects.append({**item, "uri": told["uri"]})
            self.take(ctx, client, found)
        return {
            "objects": objects,
            "outputFiles": {item["key"]: item["uri"] for item in objects},
        }


class DeleteList(Listing, RunnableTask):
    """Delete every object that a listing finds."""

    TYPE = "io.kestra.plugin.aws.s3.DeleteList"

    concurrent: int | None = None
    error_on_empty: Property[bool] = Property(False, bool)

    def run(self, ctx: RunContext) -> Outputs:
        bucket = ctx.render(self.bucket)
        with aws_errors(f"delete objects of s3://{bucket}"):
            client = self.s3(ctx)
            found = self.objects(ctx, client, None)
            if not found and ctx.render(self.error_on_empty):
                raise TaskFailed(f"nothing to delete in s3://{bucket} (errorOnEmpty)")
            deleted(client, bucket, [item["key"] for item in found])
        ctx.log.info(f"deleted {len(found)} objects of s3://{bucket}")
        return {"count": len(found), "size": sum(int(item["size"] or 0) for item in found)}


def deleted(client: Any, bucket: str, keys: list[str]) -> None:
    """Delete by keys; raises TaskFailed when the service kept one of them."""
    for at in range(0, len(keys), _BATCH):
        named = [{"Key": key} for key in keys[at : at + _BATCH]]
        answer = client.delete_objects(Bucket=bucket, Delete={"Objects": named, "Quiet": True})
        for problem in answer.get("Errors", []):
            raise TaskFailed(
                f"s3://{bucket}/{problem.get('Key')} was not deleted: {problem.get('Message')}"
            )
