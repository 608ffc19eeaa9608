"""The key-value store from within a flow."""

from collections.abc import Mapping
from typing import ClassVar, Literal

from pydantic import Field

from mainstem.errors import NotFound
from mainstem.sdk.context import KvEntry, RunContext
from mainstem.sdk.fields import Duration, Property, Text
from mainstem.sdk.task import Outputs, RunnableTask

Kind = Literal["STRING", "NUMBER", "BOOLEAN", "DATETIME", "DATE", "DURATION", "JSON"]


class KvTask(RunnableTask):
    """Common properties; the flow's own namespace is the default."""

    namespace: Property[Text] | None = None

    def place(self, ctx: RunContext) -> str | None:
        return ctx.render(self.namespace) if self.namespace is not None else None

    def missing(self, ctx: RunContext, key: str) -> NotFound:
        place = self.place(ctx) or ctx.flow.id.namespace
        return NotFound(
            f"No value found for key '{key}' in namespace '{place}' and `errorOnMissing` is set "
            "to true"
        )


class Set(KvTask):
    """Store a value under a key."""

    TYPE = "io.kestra.plugin.core.kv.Set"

    key: Property[Text]
    value: Text | dict[str, object] | list[object] = Field(
        description="A lone `{{ expression }}` keeps its type; other text is text."
    )
    kv_type: Property[Kind] | None = Field(default=None, description="The type to convert text to.")
    kv_description: Property[Text] | None = None
    overwrite: Property[bool] = Property(True, bool)
    ttl: Property[Duration] | None = None

    def run(self, ctx: RunContext) -> None:
        kind = ctx.render(self.kv_type) if self.kv_type is not None else ""
        described = ctx.render(self.kv_description) if self.kv_description is not None else None
        text = self.value
        value = ctx.render_typed(text) if isinstance(text, str) else ctx.render_value(text)
        entry = KvEntry(ctx.render(self.key), value, kind, description=described)
        ctx.kv.set(
            entry,
            namespace=self.place(ctx),
            ttl=ctx.render(self.ttl) if self.ttl is not None else None,
            overwrite=ctx.render(self.overwrite),
        )


class Get(KvTask):
    """Read the value of a key."""

    TYPE = "io.kestra.plugin.core.kv.Get"
    OUTPUTS: ClassVar[Mapping[str, str]] = {"value": "The value, of the type it was stored with."}

    key: Property[Text]
    error_on_missing: Property[bool] = Property(False, bool)

    def run(self, ctx: RunContext) -> Outputs:
        key = ctx.render(self.key)
        entry = ctx.kv.get(key, self.place(ctx))
        if entry is None and ctx.render(self.error_on_missing):
            raise self.missing(ctx, key)
        return {"value": entry.value if entry is not None else None}


class GetKeys(KvTask):
    """List the keys of a namespace that begin with a prefix."""

    TYPE = "io.kestra.plugin.core.kv.GetKeys"
    OUTPUTS: ClassVar[Mapping[str, str]] = {"keys": "The keys, without those that have expired."}

    prefix: Property[Text] = Property("", str)

    def run(self, ctx: RunContext) -> Outputs:
        return {"keys": ctx.kv.keys(self.place(ctx), ctx.render(self.prefix))}


class Delete(KvTask):
    """Delete a key."""

    TYPE = "io.kestra.plugin.core.kv.Delete"
    OUTPUTS: ClassVar[Mapping[str, str]] = {"deleted": "Whether there was one."}

    key: Property[Text]
    error_on_missing: Property[bool] = Property(False, bool)

    def run(self, ctx: RunContext) -> Outputs:
        key = ctx.render(self.key)
        done = ctx.kv.delete(key, self.place(ctx))
        if not done and ctx.render(self.error_on_missing):
            raise self.missing(ctx, key)
        return {"deleted": done}
