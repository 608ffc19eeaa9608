"""Triggers as pages list them: when they fire in words, and how they stand."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Final

import yaml

from mainstem.model.flow_id import FlowId
from mainstem.model.trigger import Backfill, Outcome, TriggerKey, TriggerKind, TriggerState
from mainstem.services.flows import FlowRevision
from mainstem.services.triggers import TriggerFilter
from mainstem.ui import cron
from mainstem.ui.desk import Desk
from mainstem.ui.topology import icon_for

_MOST: Final = 5_000
_LATE: Final = timedelta(minutes=1)


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


@dataclass(frozen=True, slots=True)
class TriggerLine:
    """One trigger of a flow as declared, with the state it is in; `known` is False without one."""

    namespace: str
    flow_id: str
    id: str
    type: str
    icon: str
    words: str
    cron: str = ""
    zone: str = ""
    inputs: Mapping[str, object] = field(default_factory=dict)
    known: bool = False
    asleep: bool = False
    disabled: bool = False
    is_schedule: bool = False
    late: bool = False
    next_at: datetime | None = None
    last_at: datetime | None = None
    evaluated_at: datetime | None = None
    outcome: str = ""
    execution_id: str | None = None
    backfill: Backfill | None = None

    @property
    def flow(self) -> FlowId:
        return FlowId(self.namespace, self.flow_id)

    @property
    def is_on(self) -> bool:
        return self.known and not self.disabled and not self.asleep


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


def by_flow(
    here: Desk, flows: Sequence[FlowRevision] | None = None
) -> Mapping[FlowId, Sequence[TriggerLine]]:
    """The triggers of every current flow, or of those given, by two questions in all."""
    service = here.services.triggers
    states, _ = service.search(TriggerFilter(), limit=_MOST)
    return _joined(here, flows or here.services.flows.all(), states)


def of_flow(here: Desk, revision: FlowRevision) -> Sequence[TriggerLine]:
    """The triggers of one flow."""
    states = here.services.triggers.of_flow(revision.flow)
    return _joined(here, [revision], states)[revision.flow]


def _joined(
    here: Desk, flows: Sequence[FlowRevision], states: Sequence[TriggerState]
) -> Mapping[FlowId, Sequence[TriggerLine]]:
    by_key = {state.key: state for state in states}
    open_backfills = here.services.triggers.open_backfills()
    now = here.clock.now()
    return {
        item.flow: [
            _line(item.flow, d, by_key.get(key), open_backfills.get(key), now)
            for d in declared(item.source)
            for key in [TriggerKey(item.flow, d.id)]
        ]
        for item in flows
    }


def _line(
    flow: FlowId,
    given: Declared,
    state: TriggerState | None,
    backfill: Backfill | None,
    now: datetime,
) -> TriggerLine:
    plain = TriggerLine(
        flow.namespace, flow.id, given.id, given.type, given.icon, given.words, given.cron,
        given.zone, given.inputs, disabled=given.disabled,
    )  # fmt: skip
    if state is None:
        return plain
    late = state.is_on and not state.execution_id and state.next_at is not None
    return replace(
        plain,
        known=True,
        asleep=state.asleep,
        disabled=state.disabled or state.asleep,
        is_schedule=state.kind is TriggerKind.SCHEDULE,
        late=late and state.next_at is not None and now - state.next_at > _LATE,
        next_at=state.next_at if state.is_on else None,
        last_at=state.last_at,
        evaluated_at=state.evaluated_at,
        outcome=outcome(state.outcome, state.reason),
        execution_id=state.execution_id,
        backfill=backfill,
    )


def outcome(result: Outcome | None, reason: str | None) -> str:
    """What an evaluation came to, in one line."""
    if result is None:
        return ""
    word = {"FIRED": "fired", "SKIPPED": "skipped", "FAILED": "failed", "NOTHING": "nothing new"}
    return f"{word[result.value]}: {reason}" if reason else word[result.value]
