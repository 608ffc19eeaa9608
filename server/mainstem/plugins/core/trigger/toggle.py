"""Switching a trigger from within a flow."""

from typing import ClassVar

from mainstem.model.flow_id import FlowId
from mainstem.sdk.context import RunContext
from mainstem.sdk.fields import Property, Text
from mainstem.sdk.task import RunnableTask


class Toggle(RunnableTask):
    """Switch a trigger on or off; without `flowId` and `namespace` one of this flow."""

    TYPE: ClassVar[str] = "io.kestra.plugin.core.trigger.Toggle"
    ALIASES: ClassVar[tuple[str, ...]] = ("io.kestra.core.tasks.trigger.Toggle",)

    trigger: Property[Text]
    flow_id: Property[Text] | None = None
    namespace: Property[Text] | None = None
    enabled: bool = False

    def run(self, ctx: RunContext) -> None:
        own = ctx.flow.id
        namespace = ctx.render(self.namespace) if self.namespace else own.namespace
        flow_id = ctx.render(self.flow_id) if self.flow_id else own.id
        trigger = ctx.render(self.trigger)
        flow = FlowId(namespace, flow_id)
        ctx.executions.set_trigger_disabled(flow, trigger, not self.enabled)
        ctx.log.info(f"trigger {trigger} of {flow} is {'on' if self.enabled else 'off'}")
