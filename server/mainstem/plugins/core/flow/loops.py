"""The Each family: the same tasks for every value of a list."""

import json
from collections.abc import Iterator, Sequence
from typing import ClassVar

from pydantic import Field

from mainstem.errors import InvalidInput
from mainstem.expr import to_json
from mainstem.sdk.flowable import FlowableTask, FlowContext, Lane, Lanes
from mainstem.sdk.task import AnyTask, Task

Values = str | list[object]


def loop_values(given: Values, ctx: FlowContext) -> list[str]:
    """Distinct values as text, in the order of their first place.

    Text renders to a JSON array. A list has its texts rendered, its integers made text and its
    maps rendered; any other element is refused. What is no text becomes JSON text.
    """
    written = not isinstance(given, str)
    listed = _parsed(ctx.render(given)) if isinstance(given, str) else given
    return list(dict.fromkeys(loop_texts(listed, ctx, written=written)))


def loop_texts(listed: list[object], ctx: FlowContext, *, written: bool) -> list[str]:
    """The values as text; those `written` in the flow are rendered first."""
    listed = _rendered(listed, ctx) if written else listed
    missing = sum(1 for value in listed if value is None)
    if missing:
        shown = ", ".join("null" if value is None else _text(value) for value in listed)
        raise InvalidInput(f"Found '{missing}' null values on Each, with values=[{shown}]")
    return [_text(value) for value in listed]


def _parsed(text: str) -> list[object]:
    try:
        found = json.loads(text)
    except ValueError as error:
        raise InvalidInput(f"The values of a loop must be a JSON array: {error}") from error
    if not isinstance(found, list):
        raise InvalidInput("The values of a loop must be a JSON array, not another kind of JSON")
    return found


def _rendered(given: list[object], ctx: FlowContext) -> list[object]:
    return [_element(value, ctx) for value in given]


def _element(value: object, ctx: FlowContext) -> object:
    if isinstance(value, str):
        return ctx.render(value)
    if isinstance(value, dict):
        return ctx.render_value(value)
    if value is None or (isinstance(value, int) and not isinstance(value, bool)):
        return value
    raise InvalidInput(f"Unknown value element type: {type(value).__name__}")


def _text(value: object) -> str:
    return value if isinstance(value, str) else to_json(value)


def _lanes(tasks: Sequence[Task], values: Sequence[str]) -> list[Lane]:
    return [Lane(tasks, value, iteration=number) for number, value in enumerate(values)]


class EachSequential(FlowableTask):
    """All tasks for one value after another; now `ForEach`."""

    TYPE: ClassVar[str] = "io.kestra.plugin.core.flow.EachSequential"
    ALIASES: ClassVar[tuple[str, ...]] = ("io.kestra.core.tasks.flows.EachSequential",)
    DEPRECATED: ClassVar[bool] = True

    value: Values
    tasks: tuple[AnyTask, ...] = ()

    def main_tasks(self) -> Iterator[Task]:
        return iter(self.tasks)

    def lanes(self, ctx: FlowContext) -> Lanes:
        return Lanes(_lanes(self.tasks, loop_values(self.value, ctx)), 1)


class EachParallel(FlowableTask):
    """Every task for every value at once, at most `concurrent` of them (0: all); now `ForEach`."""

    TYPE: ClassVar[str] = "io.kestra.plugin.core.flow.EachParallel"
    ALIASES: ClassVar[tuple[str, ...]] = ("io.kestra.core.tasks.flows.EachParallel",)
    DEPRECATED: ClassVar[bool] = True

    value: Values
    tasks: tuple[AnyTask, ...] = Field(min_length=1)
    concurrent: int = Field(default=0, ge=0)

    def main_tasks(self) -> Iterator[Task]:
        return iter(self.tasks)

    def lanes(self, ctx: FlowContext) -> Lanes:
        values = loop_values(self.value, ctx)
        singles = [(task,) for task in self.tasks]
        lanes = [
            Lane(one, value, iteration=number)
            for number, value in enumerate(values)
            for one in singles
        ]
        return Lanes(lanes, self.concurrent)


class ForEach(FlowableTask):
    """All tasks for each value, `concurrencyLimit` values at once (1: in turn, 0: all)."""

    TYPE: ClassVar[str] = "io.kestra.plugin.core.flow.ForEach"

    values: Values
    concurrency_limit: int = Field(default=1, ge=0)
    tasks: tuple[AnyTask, ...] = ()

    def main_tasks(self) -> Iterator[Task]:
        return iter(self.tasks)

    def lanes(self, ctx: FlowContext) -> Lanes:
        return Lanes(_lanes(self.tasks, loop_values(self.values, ctx)), self.concurrency_limit)
