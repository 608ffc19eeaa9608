"""Deleting many entries of the key-value store at once."""

from collections.abc import Iterator, Mapping
from typing import ClassVar, Literal

from pydantic import Field

from mainstem.sdk.context import KvPurge, RunContext
from mainstem.sdk.fields import Property, Text
from mainstem.sdk.plugin import Fault, Properties
from mainstem.sdk.task import Outputs, RunnableTask


class PurgeBehavior(Properties):
    """What is deleted: keys, or older versions of them, of which this store keeps none."""

    type: Literal["key", "version"] = "key"
    expired_only: bool = True
    before: Property[Text] | None = None
    keep_amount: Property[int] | None = None


class PurgeKV(RunnableTask):
    """Delete keys of several namespaces, those that have expired unless told otherwise.

    Without `namespaces` and `namespacePattern`: of all that flows of this namespace may change.
    """

    TYPE = "io.kestra.plugin.core.kv.PurgeKV"
    OUTPUTS: ClassVar[Mapping[str, str]] = {"size": "The number of deleted keys."}

    namespaces: Property[list[Text]] | None = None
    namespace_pattern: Property[Text] | None = Field(
        default=None, description="A glob of namespaces, instead of `namespaces`."
    )
    include_child_namespaces: Property[bool] = Property(True, bool)
    key_pattern: Property[Text] | None = Field(default=None, description="A glob of keys.")
    behavior: PurgeBehavior = PurgeBehavior()
    expired_only: Property[bool] | None = Field(
        default=None, json_schema_extra={"deprecated": True}, description="Now in `behavior`."
    )

    def faults(self) -> Iterator[Fault]:
        yield from super().faults()
        if self.namespaces is not None and self.namespace_pattern is not None:
            yield Fault("`namespaces` and `namespacePattern` exclude each other", "namespaces")

    def run(self, ctx: RunContext) -> Outputs:
        if self.behavior.type == "version":
            ctx.log.info("The key-value store keeps no older versions: nothing to delete")
            return {"size": 0}
        size = ctx.kv.purge(self._wanted(ctx))
        ctx.log.info(f"deleted {size} keys")
        return {"size": size}

    def _wanted(self, ctx: RunContext) -> KvPurge:
        old = self.expired_only
        return KvPurge(
            namespaces=ctx.render(self.namespaces) if self.namespaces is not None else (),
            namespace_pattern=_text(ctx, self.namespace_pattern),
            children=ctx.render(self.include_child_namespaces),
            key_pattern=_text(ctx, self.key_pattern),
            expired_only=self.behavior.expired_only if old is None else ctx.render(old),
        )


def _text(ctx: RunContext, given: Property[Text] | None) -> str:
    return ctx.render(given) if given is not None else "*"
