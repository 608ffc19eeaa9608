"""The key-value store from within a flow."""

from typing import Literal

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

    def place_name(self, ctx: RunContext) -> str:
        return self.place(ctx) or ctx.flow.id.namespace


class Set(KvTask):
    """Store a value under a key."""

    TYPE = "io.kestra.plugin.core.kv.Set"

    key: Property[Text]
    value: object
    kv_type: Property[Kind] | None = None
    kv_description: Property[Text] | None = None
    overwrite: Property[bool] = Property(True, bool)
    ttl: Property[Duration] | None = None

    def run(self, ctx: RunContext) -> None:
        kind = ctx.render(self.kv_type) if self.kv_type is not None else ""
        described = ctx.render(self.kv_description) if self.kv_description is not None else None
        entry = KvEntry(
            ctx.render(self.key), ctx.render_value(self.value), kind, description=described
        )
        ctx.kv.set(
            entry,
            namespace=self.place(ctx),
            ttl=ctx.render(self.ttl) if self.ttl is not None else None,
            overwrite=ctx.render(self.overwrite),
        )


class Get(KvTask):
    """Read the value of a key."""

    TYPE = "io.kestra.plugin.core.kv.Get"

    key: Property[Text]
    error_on_missing: Property[bool] = Property(False, bool)

    def run(self, ctx: RunContext) -> Outputs:
        key = ctx.render(self.key)
        entry = ctx.kv.get(key, self.place(ctx))
        if entry is None and ctx.render(self.error_on_missing):
            raise NotFound(f"No value found for key '{key}' in namespace '{self.place_name(ctx)}'")
        return {"value": entry.value if entry is not None else None}


class GetKeys(KvTask):
    """List the keys of a namespace that begin with a prefix."""

    TYPE = "io.kestra.plugin.core.kv.GetKeys"

    prefix: Property[Text] = Property("", str)

    def run(self, ctx: RunContext) -> Outputs:
        return {"keys": ctx.kv.keys(self.place(ctx), ctx.render(self.prefix))}


class Delete(KvTask):
    """Delete a key."""

    TYPE = "io.kestra.plugin.core.kv.Delete"

    key: Property[Text]
    error_on_missing: Property[bool] = Property(False, bool)

    def run(self, ctx: RunContext) -> Outputs:
        key = ctx.render(self.key)
        done = ctx.kv.delete(key, self.place(ctx))
        if not done and ctx.render(self.error_on_missing):
            raise NotFound(f"No value found for key '{key}' in namespace '{self.place_name(ctx)}'")
        return {"deleted": done}
