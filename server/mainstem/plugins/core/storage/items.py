"""Items of a file, one Ion value a line: filtering and deduplication."""

from array import array
from collections.abc import Iterator, Mapping
from typing import ClassVar, Final, Literal

from pydantic import Field

from mainstem.errors import InvalidInput
from mainstem.expr import ExpressionError, truthy
from mainstem.expr.errors import Fault as ExpressionFault
from mainstem.expr.ion import from_ion
from mainstem.sdk.context import RunContext
from mainstem.sdk.fields import Property, Text
from mainstem.sdk.task import Outputs, RunnableTask

_LONGEST: Final = 100_000_000


class ItemsTask(RunnableTask):
    """Common properties of tasks over items."""

    from_: Property[Text]

    def lines(self, ctx: RunContext, uri: str) -> Iterator[bytes]:
        with ctx.files.open(uri) as file:
            while line := file.readline(_LONGEST):
                if len(line) == _LONGEST:
                    raise InvalidInput(f"an item of {uri} is longer than {_LONGEST} bytes")
                yield line.rstrip(b"\r\n")

    def item(self, line: bytes, number: int) -> Mapping[str, object]:
        """The map a line holds; its entries are the variables of the expression."""
        try:
            found = from_ion(line.decode(), all_rows=False)
        except (ExpressionFault, UnicodeDecodeError) as error:
            raise InvalidInput(f"line {number} is not an Ion or JSON value") from error
        if not isinstance(found, Mapping):
            raise InvalidInput(f"line {number} is not a map")
        return found


class DeduplicateItems(ItemsTask):
    """Keep the last item of each key; the order of the file stays."""

    TYPE = "io.kestra.plugin.core.storage.DeduplicateItems"
    ALIASES = ("io.kestra.core.tasks.storages.DeduplicateItems",)
    OUTPUTS: ClassVar[Mapping[str, str]] = {
        "uri": "The file of the kept items.",
        "numKeys": "The number of different keys.",
        "processedItemsTotal": "The number of items read.",
        "droppedItemsTotal": "The number of items dropped.",
    }

    expr: Text = Field(description="Gives the key; sees the entries of the item.")

    def run(self, ctx: RunContext) -> Outputs:
        source = ctx.render(self.from_)
        last: dict[str, int] = {}
        total = 0
        for total, line in enumerate(self.lines(ctx, source), 1):
            last[str(ctx.render_value(self.expr, self.item(line, total)))] = total
        kept = array("Q", sorted(last.values()))
        with ctx.files.writer("deduplicated.ion") as file:
            wanted = iter(kept)
            following = next(wanted, None)
            for number, line in enumerate(self.lines(ctx, source), 1):
                if number == following:
                    file.write(line + b"\n")
                    following = next(wanted, None)
        return {
            "uri": file.uri,
            "numKeys": len(last),
            "processedItemsTotal": total,
            "droppedItemsTotal": total - len(kept),
        }


class FilterItems(ItemsTask):
    """Keep the items for which the condition is true, or drop them."""

    TYPE = "io.kestra.plugin.core.storage.FilterItems"
    ALIASES = ("io.kestra.core.tasks.storages.FilterItems",)
    OUTPUTS: ClassVar[Mapping[str, str]] = {
        "uri": "The file of the kept items.",
        "processedItemsTotal": "The number of items read.",
        "droppedItemsTotal": "The number of items dropped.",
    }

    filter_condition: Text = Field(
        description="Sees the entries of the item; empty text, `false` and `0` are false."
    )
    filter_type: Literal["INCLUDE", "EXCLUDE"] = "INCLUDE"
    error_or_null_behavior: Literal["FAIL", "INCLUDE", "EXCLUDE"] = Field(
        default="FAIL", description="What becomes of an item that the condition fails on."
    )

    def run(self, ctx: RunContext) -> Outputs:
        total = dropped = 0
        source = ctx.render(self.from_)
        with ctx.files.writer("filtered.ion") as file:
            for total, line in enumerate(self.lines(ctx, source), 1):
                if self._is_kept(ctx, self.item(line, total)):
                    file.write(line + b"\n")
                else:
                    dropped += 1
        return {"uri": file.uri, "processedItemsTotal": total, "droppedItemsTotal": dropped}

    def _is_kept(self, ctx: RunContext, item: Mapping[str, object]) -> bool:
        try:
            holds = truthy(str(ctx.render_value(self.filter_condition, item)))
        except ExpressionError:
            if self.error_or_null_behavior == "FAIL":
                raise
            return self.error_or_null_behavior == "INCLUDE"
        return holds is (self.filter_type == "INCLUDE")
