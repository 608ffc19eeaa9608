"""Triggers that fire when something happens: a call of an address, another flow's execution."""

from collections.abc import Iterator, Mapping
from typing import ClassVar

from mainstem.sdk.plugin import Fault
from mainstem.sdk.trigger import FlowTrigger, GatheringCondition, WebhookTrigger


class Webhook(WebhookTrigger):
    """Run the flow when `/api/v1/executions/webhook/{namespace}/{flow}/{key}` is called."""

    TYPE: ClassVar[str] = "io.kestra.plugin.core.trigger.Webhook"
    ALIASES: ClassVar[tuple[str, ...]] = ("io.kestra.core.models.triggers.types.Webhook",)
    OUTPUTS: ClassVar[Mapping[str, str]] = {
        "body": "The body: a map or list if it is JSON, else text.",
        "headers": "Header names with their values.",
        "parameters": "Query parameters with their values.",
    }

    def faults(self) -> Iterator[Fault]:
        if any(isinstance(item, GatheringCondition) for item in self.conditions):
            kind = "conditions of type MultipleCondition are not supported"
            yield Fault(f"invalid webhook: {kind}", "conditions")


class Flow(FlowTrigger):
    """Run the flow when executions of other flows change state.

    Inputs may use `outputs`, `trigger.outputs` and all else of the execution that fired it.
    """

    TYPE: ClassVar[str] = "io.kestra.plugin.core.trigger.Flow"
    ALIASES: ClassVar[tuple[str, ...]] = ("io.kestra.core.models.triggers.types.Flow",)
    OUTPUTS: ClassVar[Mapping[str, str]] = {
        "executionId": "The execution that fired it.",
        "namespace": "Its namespace.",
        "flowId": "Its flow.",
        "flowRevision": "The revision of its flow.",
        "state": "The state that it entered.",
    }

    def faults(self) -> Iterator[Fault]:
        for item in self.conditions:
            if isinstance(item, GatheringCondition) and not item.gathering.parts:
                yield Fault("a MultipleCondition must have conditions", "conditions", "empty")
