"""ForEachItem: a flow for every batch of a file, as three task runs: split, items, merge."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import ClassVar, Literal

from pydantic import Field, PrivateAttr

from mainstem.errors import InvalidInput
from mainstem.model.flow_id import FlowId
from mainstem.plugins.core.flow.splitting import BatchSize, split_lines
from mainstem.plugins.core.flow.subflow import rendered_inputs, rendered_labels
from mainstem.sdk.context import RunContext
from mainstem.sdk.fields import Property, Text
from mainstem.sdk.flowable import (
    ChildRequest,
    ExecutableTask,
    FlowableTask,
    FlowContext,
    Lane,
    Lanes,
)
from mainstem.sdk.labels import Labels, system_label_faults
from mainstem.sdk.plugin import Fault, Properties
from mainstem.sdk.task import RunnableTask, Task

_TYPE = "io.kestra.plugin.core.flow.ForEachItem"


class Batch(Properties):
    """How lines are put together: by `rows`, by `bytes`, or into so many `partitions`."""

    rows: Property[int] | None = None
    bytes: Property[Text] | None = None
    partitions: Property[int] | None = None
    separator: Property[str] = Field(default="\n", validate_default=True)


class Split(RunnableTask):
    """Cut the items into batch files; gives `splits`, the URI of a file with a URI per line."""

    TYPE: ClassVar[str] = f"{_TYPE}$ForEachItemSplit"

    items: Text
    batch: Batch

    def run(self, ctx: RunContext) -> Mapping[str, object]:
        source = ctx.render_text(self.items)
        if not source.startswith(("kestra://", "mainstem://")):
            raise InvalidInput(
                f"Unable to split the items from {source}, this is not an internal storage URI!"
            )
        size = BatchSize(
            rows=_count(ctx, self.batch.rows),
            size=None if self.batch.bytes is None else ctx.render(self.batch.bytes),
            partitions=_count(ctx, self.batch.partitions),
            separator=ctx.render(self.batch.separator),
        )
        uris = split_lines(ctx.files, source, size)
        listed = "\n".join(uris)
        return {"splits": ctx.files.put_bytes(listed.encode(), "splits.txt")}


def _count(ctx: RunContext, prop: Property[int] | None) -> int | None:
    return None if prop is None else ctx.render(prop)


class Items(ExecutableTask):
    """One child execution for every batch."""

    TYPE: ClassVar[str] = f"{_TYPE}$ForEachItemExecutable"
    MANY: ClassVar[bool] = True
    RETRIES: ClassVar[bool] = False

    namespace: Text
    flow_id: Text
    split_id: str
    revision: int | None = None
    inputs: dict[str, object] = Field(default_factory=dict)
    labels: Labels = Field(default_factory=dict)
    inherit_labels: bool = False
    schedule_date: Property[datetime] | None = None

    def requests(self, ctx: FlowContext) -> Sequence[ChildRequest]:
        flow = FlowId(ctx.render(self.namespace), ctx.render(self.flow_id))
        labels = rendered_labels(self.labels, ctx)
        at = ctx.property(self.schedule_date) if self.schedule_date else None
        return [
            ChildRequest(
                flow=flow,
                inputs=rendered_inputs(self.inputs, ctx, self._extra(ctx, uri, number)),
                labels=labels,
                revision=self.revision,
                schedule_at=at,
                inherit_labels=self.inherit_labels,
            )
            for number, uri in enumerate(self._batches(ctx))
        ]

    def _batches(self, ctx: FlowContext) -> list[str]:
        found = own_outputs(ctx.variables, self.split_id)
        splits = found.get("splits")
        if not isinstance(splits, str):
            raise InvalidInput(f"`{self.split_id}` gave no `splits`, so there is nothing to run")
        return [line for line in ctx.read(splits).splitlines() if line]

    @staticmethod
    def _extra(ctx: FlowContext, uri: str, number: int) -> Mapping[str, object]:
        taskrun = ctx.variables["taskrun"]
        known = taskrun if isinstance(taskrun, Mapping) else {}
        return {"taskrun": {**known, "items": uri, "iteration": number}}


class Merge(RunnableTask):
    """Put the outputs of the children together, in the order of the batches."""

    TYPE: ClassVar[str] = f"{_TYPE}$ForEachItemMergeOutputs"

    items_id: str

    def run(self, ctx: RunContext) -> Mapping[str, object] | None:
        found = own_outputs(ctx.variables, self.items_id)
        base, total = found.get("subflowOutputsBaseUri"), found.get("numberOfBatches")
        if not isinstance(base, str) or not isinstance(total, int):
            return None
        uris = [f"{base}/{number}/outputs.ion" for number in range(total)]
        present = [uri for uri in uris if ctx.files.exists(uri)]
        if not present:
            return None
        with ctx.files.writer("outputs.ion") as merged:
            for uri in present:
                with ctx.files.open(uri) as part:
                    content = part.read()
                merged.write(content if content.endswith(b"\n") else content + b"\n")
        return {"subflowOutputs": merged.uri}


def own_outputs(variables: Mapping[str, object], task_id: str) -> Mapping[str, object]:
    """The outputs of a sibling under the same loop values."""
    outputs = variables.get("outputs")
    level: object = outputs.get(task_id) if isinstance(outputs, Mapping) else None
    for value in reversed(_loop_values(variables)):
        level = level.get(value) if isinstance(level, Mapping) else None
    return level if isinstance(level, Mapping) else {}


def _loop_values(variables: Mapping[str, object]) -> list[str]:
    """The loop values of the ancestors, nearest first."""
    parents = variables.get("parents")
    found = []
    for parent in parents if isinstance(parents, list) else []:
        taskrun = parent.get("taskrun")
        if isinstance(taskrun, Mapping) and isinstance(taskrun.get("value"), str):
            found.append(taskrun["value"])
    return found


class ForEachItem(FlowableTask):
    """Split a file of items into batches and run a flow for each."""

    TYPE: ClassVar[str] = _TYPE
    ALIASES: ClassVar[tuple[str, ...]] = ("io.kestra.core.tasks.flows.ForEachItem",)

    LENDS_VALUE: ClassVar[bool] = True

    items: Text = Field(min_length=1)
    batch: Batch = Field(default_factory=Batch)
    namespace: Text = Field(min_length=1)
    flow_id: Text = Field(min_length=1)
    revision: int | None = None
    inputs: dict[str, object] = Field(default_factory=dict)
    labels: Labels = Field(default_factory=dict)
    inherit_labels: bool = False
    wait: bool = True
    transmit_failed: bool = True
    schedule_date: Property[datetime] | None = None
    restart_behavior: Literal["RETRY_FAILED", "NEW_EXECUTION"] = Field(
        default="NEW_EXECUTION",
        description="Of later versions; a restart makes new executions in either case.",
    )

    def faults(self) -> Iterator[Fault]:
        yield from system_label_faults(self.labels)

    _parts: tuple[Task, ...] = PrivateAttr(default=())

    def model_post_init(self, context: object, /) -> None:
        split_id, items_id = f"{self.id}_split", f"{self.id}_items"
        split = Split(id=split_id, type=Split.TYPE, items=self.items, batch=self.batch)
        items = Items(
            id=items_id,
            type=self.type,
            namespace=self.namespace,
            flow_id=self.flow_id,
            split_id=split_id,
            revision=self.revision,
            inputs=self.inputs,
            labels=self.labels,
            inherit_labels=self.inherit_labels,
            wait=self.wait,
            transmit_failed=self.transmit_failed,
            schedule_date=self.schedule_date,
        )
        merge = Merge(id=f"{self.id}_merge", type=Merge.TYPE, items_id=items_id)
        self._parts = (split, items, merge)

    def main_tasks(self) -> Iterator[Task]:
        return iter(self._parts)

    def lanes(self, ctx: FlowContext) -> Lanes:
        return Lanes([Lane(self._parts)], 1)
