"""Subflow: another flow as a task."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import ClassVar, Literal

from pydantic import AliasChoices, Field

from mainstem.errors import InvalidInput
from mainstem.expr import Scope, render_value
from mainstem.model.flow_id import FlowId
from mainstem.sdk.fields import Property, Text
from mainstem.sdk.flowable import ChildEnd, ChildRequest, ExecutableTask, FlowContext
from mainstem.sdk.labels import Labels, system_label_faults
from mainstem.sdk.plugin import Fault


def rendered_labels(labels: Labels, ctx: FlowContext) -> dict[str, str]:
    """The labels of a child, keys and values rendered."""
    return {ctx.render(key): ctx.render(value) for key, value in labels.items()}


def rendered_inputs(
    inputs: Mapping[str, object], ctx: FlowContext, extra: Mapping[str, object] | None = None
) -> Mapping[str, object]:
    """Inputs of a child, rendered with the parent's variables."""
    found = ctx.render_value(dict(inputs), extra)
    if not isinstance(found, dict):
        raise InvalidInput("The inputs of a subflow must be a map")
    return found


class Subflow(ExecutableTask):
    """Run another flow; with `wait` its end, state and outputs become this task's."""

    TYPE: ClassVar[str] = "io.kestra.plugin.core.flow.Subflow"
    ALIASES: ClassVar[tuple[str, ...]] = (
        "io.kestra.core.tasks.flows.Subflow",
        "io.kestra.core.tasks.flows.Flow",
    )

    namespace: Text = Field(min_length=1)
    flow_id: Text
    revision: int | Property[int] | None = None
    inputs: dict[str, object] = Field(default_factory=dict)
    labels: Labels = Field(default_factory=dict)
    inherit_labels: bool = False
    outputs: dict[str, object] | None = Field(
        default=None,
        json_schema_extra={"deprecated": True},
        description="Now the `outputs` of the flow that is called.",
    )
    schedule_date: Property[datetime] | None = Field(
        default=None, validation_alias=AliasChoices("scheduleDate", "scheduleOn")
    )

    restart_behavior: Literal["RETRY_FAILED", "NEW_EXECUTION"] = Field(
        default="NEW_EXECUTION",
        description="Of later versions; a restart makes a new execution in either case.",
    )

    def faults(self) -> Iterator[Fault]:
        yield from system_label_faults(self.labels)

    @property
    def wants_variables(self) -> bool:
        return self.outputs is not None and self.wait

    def requests(self, ctx: FlowContext) -> Sequence[ChildRequest]:
        revision = self.revision
        return [
            ChildRequest(
                flow=FlowId(ctx.render(self.namespace), ctx.render(self.flow_id)),
                inputs=rendered_inputs(self.inputs, ctx),
                labels=rendered_labels(self.labels, ctx),
                revision=ctx.property(revision) if isinstance(revision, Property) else revision,
                schedule_at=ctx.property(self.schedule_date) if self.schedule_date else None,
                inherit_labels=self.inherit_labels,
            )
        ]

    def outputs_of(self, ctx: FlowContext, end: ChildEnd) -> Mapping[str, object] | None:
        if self.outputs is None:
            return end.outputs
        scope = Scope(end.variables or {})
        return {key: render_value(value, scope) for key, value in self.outputs.items()}
