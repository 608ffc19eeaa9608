"""Loop: the same tasks for every value, each iteration in a context of its own."""

import json
from collections.abc import Iterator, Mapping
from typing import ClassVar, Literal

from pydantic import Field

from mainstem.errors import InvalidInput
from mainstem.expr import to_json, truthy
from mainstem.model.execution import TaskRun
from mainstem.model.state import State
from mainstem.plugins.core.flow.loops import loop_texts
from mainstem.sdk.fields import Property, Text
from mainstem.sdk.flowable import Done, FlowableTask, FlowContext, Lane, Lanes, Tally
from mainstem.sdk.inputs import FlowOutput
from mainstem.sdk.task import AnyTask, Task

_TYPE = "io.kestra.plugin.core.flow.Loop"
_BROKEN = "brokeOff"
_ENDED_BADLY = frozenset({State.FAILED, State.KILLED, State.CANCELLED})


class LoopIteration(FlowableTask):
    """The tasks for one value; its outputs are what the loop gives for it."""

    TYPE: ClassVar[str] = f"{_TYPE}$Iteration"

    tasks: tuple[AnyTask, ...]
    outputs: tuple[FlowOutput, ...] = ()
    break_when: Property[str] | None = None

    def main_tasks(self) -> Iterator[Task]:
        return iter(self.tasks)

    def lanes(self, ctx: FlowContext) -> Lanes:
        return Lanes([Lane(self.tasks)], 1)

    def conclude(self, ctx: FlowContext, tally: Tally) -> State | Done:
        state = tally.worst()
        given: Mapping[str, object] = {}
        if self.outputs and state not in _ENDED_BADLY:
            rendered = {item.id: ctx.render_typed(item.value) for item in self.outputs}
            given = ctx.coerce_outputs(self.outputs, rendered)
        outputs: dict[str, object] = {"outputs": given} if given else {}
        if self.break_when is not None and self._breaks(ctx, state, given):
            outputs[_BROKEN] = True
        return Done(state, outputs) if outputs else state

    def _breaks(self, ctx: FlowContext, state: State, given: Mapping[str, object]) -> bool:
        assert self.break_when is not None
        execution = ctx.variables["execution"]
        execution_id = execution.get("id") if isinstance(execution, Mapping) else None
        seen = {"executionId": execution_id, "state": state.value, "outputs": given}
        return truthy(str(ctx.render_value(self.break_when.raw, {"iteration": seen})))


class Loop(FlowableTask):
    """Run `tasks` for every value; they see `item.value`, `item.index` and `item.parent`.

    Outputs of the tasks stay inside. What `outputs` declares is at `outputs.<id>.outputs`, one
    entry for each iteration.
    """

    TYPE: ClassVar[str] = _TYPE
    ISOLATES: ClassVar[bool] = True

    values: Text | list[object] | dict[str, object]
    concurrency_limit: int = Field(default=1, ge=0)
    transmit_failed: bool = True
    outputs: tuple[FlowOutput, ...] = ()
    fetch_type: Literal["AUTO", "FETCH", "STORE"] = "AUTO"
    break_when: Property[str] | None = None
    tasks: tuple[AnyTask, ...] = Field(min_length=1)

    def main_tasks(self) -> Iterator[Task]:
        yield self._iteration()

    def _iteration(self) -> LoopIteration:
        return LoopIteration(
            id=f"{self.id}_iteration",
            type=LoopIteration.TYPE,
            tasks=self.tasks,
            errors=self.errors,
            outputs=self.outputs,
            break_when=self.break_when,
        )

    def error_tasks(self) -> tuple[Task, ...]:
        return ()

    def opening(self, ctx: FlowContext) -> Mapping[str, object]:
        values = _values(self.values, ctx)
        found: dict[str, object] = {"iterationCount": len(values)}
        if any(key is not None for key, _ in values):
            found["keys"] = [key for key, _ in values]
        return found

    def lanes(self, ctx: FlowContext) -> Lanes:
        one = (self._iteration(),)
        lanes = [
            Lane(one, value, iteration=number)
            for number, (_, value) in enumerate(_values(self.values, ctx))
        ]
        return Lanes(lanes, self.concurrency_limit, self._stops)

    def _stops(self, iteration: TaskRun) -> bool:
        """After a failure that counts, or when told to break off, no iteration is begun."""
        failed = iteration.state in _ENDED_BADLY and self.transmit_failed
        return failed or bool((iteration.outputs or {}).get(_BROKEN))

    def conclude(self, ctx: FlowContext, tally: Tally) -> Done:
        ended = [run for run in ctx.children() if run.state.is_terminal]
        found: dict[str, object] = {"runningIterations": 0, "terminatedIterations": len(ended)}
        if self.outputs:
            rows = _rows(ended, ctx.outputs.get("keys"))
            stored = self.fetch_type == "STORE" or (
                self.fetch_type == "AUTO" and _uri(self.values, ctx) is not None
            )
            found["outputs"] = ctx.store("outputs.ion", rows) if stored else rows
        state = tally.worst()
        if state in _ENDED_BADLY and not self.transmit_failed:
            state = State.SUCCESS
        return Done(state, found)


def _rows(ended: list[TaskRun], keys: object) -> list[Mapping[str, object]]:
    """What each iteration gave, in the order of the values."""
    found: list[Mapping[str, object]] = []
    for run in sorted(ended, key=lambda run: run.iteration or 0):
        index = run.iteration or 0
        item: dict[str, object] = {"value": run.value, "iteration": index}
        if isinstance(keys, list):
            item["key"] = keys[index]
        given = (run.outputs or {}).get("outputs")
        if isinstance(given, Mapping):
            found.append({"item": item, "outputs": given})
    return found


Keyed = list[tuple[str | None, str]]


def _values(given: str | list[object] | dict[str, object], ctx: FlowContext) -> Keyed:
    """Every value as text, with its key where the values are a map; equal ones are kept."""
    uri = _uri(given, ctx)
    if uri is not None:
        return [(None, line) for line in ctx.read(uri).splitlines() if line.strip()]
    if isinstance(given, str):
        rendered = ctx.render_typed(given)
        listed = _parsed(rendered) if isinstance(rendered, str) else rendered
    else:
        listed = given if isinstance(given, list) else ctx.render_value(given)
    if isinstance(listed, Mapping):
        return [
            (str(key), value if isinstance(value, str) else to_json(value))
            for key, value in listed.items()
        ]
    if not isinstance(listed, (list, tuple)):
        raise InvalidInput("The values of a loop must be a list, a map or a file of lines")
    return [(None, text) for text in loop_texts(list(listed), ctx, written=listed is given)]


def _uri(given: object, ctx: FlowContext) -> str | None:
    """The file that the values are read from, when they are one."""
    if not isinstance(given, str):
        return None
    text = ctx.render(given).strip()
    return text if text.startswith(("kestra://", "mainstem://")) else None


def _parsed(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError as error:
        raise InvalidInput(f"The values of a loop must be JSON or a file's URI: {error}") from error
