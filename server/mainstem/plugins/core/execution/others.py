"""What a flow may do with other executions: count them, resume them."""

from collections.abc import Iterator, Mapping
from typing import ClassVar

from pydantic import Field

from mainstem.model.flow_id import FlowId
from mainstem.model.state import State
from mainstem.plugins.core.execution.dates import moment
from mainstem.sdk.context import ExecutionQuery, RunContext
from mainstem.sdk.fields import Property, Text
from mainstem.sdk.plugin import Fault, Properties
from mainstem.sdk.task import Outputs, RunnableTask


class CountedFlow(Properties):
    """A flow by name."""

    namespace: Property[Text]
    flow_id: Property[Text]


class Count(RunnableTask):
    """Count executions by flow, and keep the flows whose count satisfies the expression."""

    TYPE = "io.kestra.plugin.core.execution.Count"
    ALIASES = ("io.kestra.core.tasks.executions.Counts",)
    OUTPUTS: ClassVar[Mapping[str, str]] = {
        "results": "A list of `{namespace, flowId, count}` for which the expression is true.",
        "total": "The sum of their counts.",
    }

    flows: list[CountedFlow] | None = None
    namespaces: Property[list[Text]] | None = None
    states: Property[list[State]] | None = None
    start_date: Property[Text] | None = None
    end_date: Property[Text] | None = None
    expression: Text = Field(description="Sees `count`; keeps the flow when it prints `true`.")

    def faults(self) -> Iterator[Fault]:
        if self.flows is None and self.namespaces is None:
            yield Fault("You must provide a list of flows or namespaces", "flows", "required")

    def run(self, ctx: RunContext) -> Outputs:
        results = []
        for flow, count in sorted(self._counts(ctx).items()):
            if str(ctx.render_value(self.expression, {"count": count})).strip() == "true":
                item = {"namespace": flow.namespace, "flowId": flow.id, "count": count}
                results.append(item)
        return {"results": results, "total": sum(int(str(item["count"])) for item in results)}

    def _counts(self, ctx: RunContext) -> dict[FlowId, int]:
        """Of the listed flows, also those without executions; of namespaces, those with."""
        flows = [
            FlowId(ctx.render(item.namespace), ctx.render(item.flow_id))
            for item in self.flows or ()
        ]
        states = ctx.render(self.states) if self.states is not None else ()
        start, end = moment(ctx, self.start_date), moment(ctx, self.end_date)
        if self.namespaces is None:
            query = ExecutionQuery(flows=flows, states=states, start=start, end=end)
            return ctx.executions.count(query)
        found: dict[FlowId, int] = {}
        for name in ctx.render(self.namespaces):
            query = ExecutionQuery(flows, name, states=states, start=start, end=end)
            counted = ctx.executions.count(query)
            found |= {flow: n for flow, n in counted.items() if flow.namespace == name}
        return found


class Resume(RunnableTask):
    """Resume a paused execution; without `executionId` this one."""

    TYPE = "io.kestra.plugin.core.execution.Resume"

    namespace: Property[Text] | None = Field(
        default=None, description="The execution must be of this namespace."
    )
    flow_id: Property[Text] | None = Field(
        default=None, description="The execution must be of this flow."
    )
    execution_id: Property[Text] | None = None
    inputs: dict[str, object] | None = Field(
        default=None, description="Values of the `onResume` inputs of the Pause task."
    )

    def run(self, ctx: RunContext) -> None:
        within = ExecutionQuery(
            namespace=ctx.render(self.namespace) if self.namespace is not None else None,
            flow_id=ctx.render(self.flow_id) if self.flow_id is not None else None,
        )
        own = self.execution_id is None
        wanted = ctx.execution_id if own else ctx.render(self.execution_id or Property("", str))
        inputs = ctx.render_value(self.inputs or {})
        assert isinstance(inputs, dict)
        ctx.executions.resume(wanted, inputs, within)
        ctx.log.info(f"resumed execution {wanted}")
