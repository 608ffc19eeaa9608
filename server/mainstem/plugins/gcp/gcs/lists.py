"""Several objects at once: list, download, compose and delete them."""

from pathlib import PurePosixPath
from typing import Any, Final, Literal

from mainstem.errors import InvalidInput
from mainstem.plugins.gcp.connection import google_errors
from mainstem.plugins.gcp.gcs.common import GcsConnection, GcsTask, describe, parse_gs
from mainstem.sdk.context import RunContext, TaskFailed
from mainstem.sdk.fields import Property, Text
from mainstem.sdk.patterns import Pattern
from mainstem.sdk.plugin import Properties
from mainstem.sdk.task import Outputs

_MOST_COMPOSED: Final = 32

ListingType = Literal["RECURSIVE", "DIRECTORY"]
Filter = Literal["FILES", "DIRECTORY", "BOTH"]


class Listing(GcsConnection):
    """Properties that say which objects are meant."""

    from_: Property[Text]
    all_versions: Property[bool] = Property(False, bool)
    listing_type: Property[ListingType] = Property("DIRECTORY", str)
    reg_exp: Property[Text] | None = None

    def objects(self, ctx: RunContext, client: Any, kind: str) -> list[dict[str, object]]:
        """What lies below `from` and matches, folders first."""
        bucket, prefix = parse_gs(ctx.render(self.from_))
        wanted = pattern(ctx, self.reg_exp)
        flat = ctx.render(self.listing_type) == "RECURSIVE"
        options = {"versions": ctx.render(self.all_versions)}
        found = listed(client, (bucket, prefix), kind, flat=flat, **options)
        return [item for item in found if wanted is None or wanted.is_in(str(item["uri"]))]


def pattern(ctx: RunContext, prop: Property[str] | None) -> Pattern | None:
    """`regExp` as a pattern; raises InvalidInput."""
    return None if prop is None else Pattern(ctx.render(prop), "regExp")


def listed(
    client: Any, place: tuple[str, str], kind: str, *, flat: bool, versions: bool = False
) -> list[dict[str, object]]:
    """The objects and folders below a prefix."""
    bucket, prefix = place
    listing = client.list_blobs(
        bucket, prefix=prefix or None, delimiter=None if flat else "/", versions=versions
    )
    files = [describe(blob) for blob in listing]
    folders: list[dict[str, object]] = [
        {"uri": f"gs://{bucket}/{name}", "bucket": bucket, "name": name, "isDirectory": True}
        for name in sorted(listing.prefixes)
    ]
    if kind == "FILES":
        return [item for item in files if not item["isDirectory"]]
    if kind == "DIRECTORY":
        return [*folders, *(item for item in files if item["isDirectory"])]
    return [*folders, *files]


class List(Listing, GcsTask):
    """List the objects below a prefix."""

    TYPE = "io.kestra.plugin.gcp.gcs.List"

    filter: Property[Filter] = Property("BOTH", str)
    max_files: Property[int] = Property(1000, int)

    def run(self, ctx: RunContext) -> Outputs:
        with google_errors(f"list {ctx.render(self.from_)}"):
            kept = self.objects(ctx, self.client(ctx), ctx.render(self.filter))
        kept = kept[: ctx.render(self.max_files)]
        ctx.metric("size", len(kept))
        return {"blobs": kept}


class Afterwards(Listing):
    """What is done to objects once they were taken."""

    action: Property[Literal["MOVE", "DELETE", "NONE"]] = Property("NONE", str)
    move_directory: Property[Text] | None = None
    max_files: Property[int] = Property(25, int)

    def fetch(
        self, ctx: RunContext, client: Any, item: dict[str, object], *, validate: bool = False
    ) -> str:
        """Store one object; returns its URI."""
        name = str(item["name"])
        blob = client.bucket(str(item["bucket"])).blob(name)
        with ctx.files.writer(PurePosixPath(name).name) as file:
            blob.download_to_file(file, checksum="crc32c" if validate else None)
        return file.uri

    def take(self, ctx: RunContext, client: Any, found: list[dict[str, object]]) -> None:
        """Move or delete, as `action` says."""
        action = ctx.render(self.action)
        if action == "NONE":
            return
        to = None
        if action == "MOVE":
            if self.move_directory is None:
                raise InvalidInput("`action: MOVE` needs `moveDirectory`, a gs:// prefix")
            to = parse_gs(ctx.render(self.move_directory))
        for item in found:
            source = client.bucket(str(item["bucket"]))
            blob = source.blob(str(item["name"]))
            if to is not None:
                name = f"{to[1].rstrip('/')}/{PurePosixPath(str(item['name'])).name}".lstrip("/")
                source.copy_blob(blob, client.bucket(to[0]), name)
            blob.delete()


class Downloads(Afterwards, GcsTask):
    """Download the objects that a listing finds, then move or delete them if asked."""

    TYPE = "io.kestra.plugin.gcp.gcs.Downloads"

    validate_checksum: Property[bool] = Property(False, bool)

    def run(self, ctx: RunContext) -> Outputs:
        validate, most = ctx.render(self.validate_checksum), ctx.render(self.max_files)
        with google_errors(f"download from {ctx.render(self.from_)}"):
            client = self.client(ctx)
            found = self.objects(ctx, client, "FILES")
            if len(found) > most:
                ctx.log.warn(f"{len(found)} objects were found, {most} are taken (maxFiles)")
            found = found[:most]
            blobs = [
                {**item, "uri": self.fetch(ctx, client, item, validate=validate)} for item in found
            ]
            self.take(ctx, client, found)
        return {"blobs": blobs, "outputFiles": {str(b["name"]): b["uri"] for b in blobs}}


class ComposeList(Properties):
    """Which objects are joined."""

    from_: Property[Text]
    filter: Property[Filter] = Property("BOTH", str)
    listing_type: Property[ListingType] = Property("DIRECTORY", str)
    reg_exp: Property[Text] | None = None


class Compose(GcsTask):
    """Join up to 32 objects into one, in the order of their names."""

    TYPE = "io.kestra.plugin.gcp.gcs.Compose"

    list: ComposeList
    to: Property[Text]
    allow_empty: Property[bool] = Property(False, bool)

    def run(self, ctx: RunContext) -> Outputs:
        to = ctx.render(self.to)
        bucket, name = parse_gs(to)
        source, prefix = parse_gs(ctx.render(self.list.from_))
        if source != bucket:
            raise InvalidInput(f"objects of `{source}` cannot be joined into bucket `{bucket}`")
        wanted = pattern(ctx, self.list.reg_exp)
        flat = ctx.render(self.list.listing_type) == "RECURSIVE"
        with google_errors(f"compose {to}"):
            client = self.client(ctx)
            found = listed(client, (source, prefix), "FILES", flat=flat)
            found = [item for item in found if wanted is None or wanted.is_in(str(item["uri"]))]
            if not found and not ctx.render(self.allow_empty):
                raise TaskFailed(f"there is nothing below {ctx.render(self.list.from_)}")
            if len(found) > _MOST_COMPOSED:
                raise InvalidInput(f"{len(found)} objects: {_MOST_COMPOSED} at most are joined")
            target = client.bucket(bucket)
            made = target.blob(name)
            if found:
                made.compose([target.blob(str(item["name"])) for item in found])
            else:
                made.upload_from_string(b"")
        ctx.metric("count", len(found))
        return {"uri": to, "count": len(found), "size": made.size}


class DeleteList(List):
    """Delete every object that a listing finds."""

    TYPE = "io.kestra.plugin.gcp.gcs.DeleteList"

    error_on_empty: Property[bool] = Property(False, bool)
    concurrent: Property[int] | None = None

    def run(self, ctx: RunContext) -> Outputs:
        found = super().run(ctx)["blobs"]
        assert isinstance(found, list)
        files = [item for item in found if not item["isDirectory"]]
        if not files and ctx.render(self.error_on_empty):
            raise TaskFailed("nothing to delete (errorOnEmpty)")
        with google_errors("delete a list of objects"):
            client = self.client(ctx)
            for item in files:
                client.bucket(str(item["bucket"])).blob(str(item["name"])).delete()
        return {"count": len(files), "size": sum(int(item["size"] or 0) for item in files)}
