"""Triggers as pages list them: when they fire in words, and how they stand."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache

import yaml

from mainstem.model.flow_id import FlowId
from mainstem.ui import cron
from mainstem.ui.desk import Desk
from mainstem.ui.topology import icon_for


@dataclass(frozen=True, slots=True)
class Declared:
    """A trigger as its flow's source declares it."""

    id: str
    type: str
    icon: str
    words: str
    disabled: bool = False
    cron: str = ""
    zone: str = ""
    inputs: Mapping[str, object] = field(default_factory=dict)

    @property
    def is_schedule(self) -> bool:
        return bool(self.cron)


@dataclass(frozen=True, slots=True)
class TriggerLine:
    """One trigger of a flow."""

    namespace: str
    flow_id: str
    id: str
    type: str
    icon: str
    words: str
    disabled: bool = False
    next_at: datetime | None = None
    last_at: datetime | None = None
    cron: str = ""
    zone: str = ""
    inputs: Mapping[str, object] = field(default_factory=dict)


@lru_cache(maxsize=512)
def declared(source: str) -> tuple[Declared, ...]:
    """The triggers of a flow's source; what cannot be read is left out."""
    try:
        content = yaml.load(source, Loader=yaml.CSafeLoader)  # it is a safe loader
    except yaml.YAMLError:
        return ()
    listed = content.get("triggers") if isinstance(content, Mapping) else None
    if not isinstance(listed, Sequence) or isinstance(listed, str):
        return ()
    return tuple(_declared(item) for item in listed if isinstance(item, Mapping))


def _declared(item: Mapping[str, object]) -> Declared:
    type_name = str(item.get("type", ""))
    expression = str(item.get("cron") or "")
    inputs = item.get("inputs")
    return Declared(
        id=str(item.get("id", "?")),
        type=type_name,
        icon=icon_for(type_name),
        words=_words(type_name, expression, item),
        disabled=item.get("disabled") is True,
        cron=expression,
        zone=str(item.get("timezone") or ""),
        inputs=inputs if isinstance(inputs, Mapping) else {},
    )


def _words(type_name: str, expression: str, item: Mapping[str, object]) -> str:
    short = type_name.rpartition(".")[2]
    if expression:
        return cron.describe(expression)
    if short == "Webhook":
        return "When its address is called"
    if short == "Flow":
        return "When other flows change state"
    if interval := item.get("interval"):
        return f"{short}, looks every {interval}"
    return short


def by_flow(here: Desk) -> Mapping[FlowId, Sequence[TriggerLine]]:
    """The triggers of every current flow."""
    return {
        item.flow: [
            TriggerLine(
                item.flow.namespace, item.flow.id, d.id, d.type, d.icon, d.words,
                d.disabled or item.disabled, cron=d.cron, zone=d.zone, inputs=d.inputs,
            )
            for d in declared(item.source)
        ]
        for item in here.services.flows.all()
    }  # fmt: skip
