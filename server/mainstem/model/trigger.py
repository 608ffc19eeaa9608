"""Triggers at work: how one stands, what its evaluations gave, and backfills of its past."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from mainstem.model.flow_id import FlowId
from mainstem.model.state import State


@dataclass(frozen=True, slots=True, order=True)
class TriggerKey:
    """A trigger of a flow; prints as `namespace.flow/trigger`."""

    flow: FlowId
    id: str

    def __str__(self) -> str:
        return f"{self.flow}/{self.id}"


class TriggerKind(StrEnum):
    """What makes a trigger fire."""

    SCHEDULE = "schedule"
    POLL = "poll"
    WEBHOOK = "webhook"
    FLOW = "flow"
    OTHER = "other"


class Outcome(StrEnum):
    """How an evaluation ended."""

    FIRED = "FIRED"
    SKIPPED = "SKIPPED"
    FAILED = "FAILED"
    NOTHING = "NOTHING"


@dataclass(frozen=True, slots=True)
class TriggerState:
    """One trigger of a current flow.

    `disabled` is the switch that users, Toggle and stopAfter turn; `asleep` means that the flow
    or its source switch it off. While `execution_id` runs, the trigger is locked. `next_at` is
    the date to fire next, or when to poll next.
    """

    key: TriggerKey
    type: str
    kind: TriggerKind
    revision: int
    definition_hash: str
    disabled: bool = False
    asleep: bool = False
    next_at: datetime | None = None
    last_at: datetime | None = None
    evaluated_at: datetime | None = None
    outcome: Outcome | None = None
    reason: str | None = None
    execution_id: str | None = None
    failures: int = 0
    stop_after: tuple[State, ...] = ()

    @property
    def is_on(self) -> bool:
        return not (self.disabled or self.asleep)


@dataclass(frozen=True, slots=True)
class Evaluation:
    """One look at a trigger that came to something; `slot` is the date it was about."""

    key: TriggerKey
    at: datetime
    outcome: Outcome
    reason: str = ""
    slot: datetime | None = None
    execution_id: str | None = None


class BackfillState(StrEnum):
    """DONE means that every slot was handled and the executions have ended."""

    RUNNING = "RUNNING"
    PAUSED = "PAUSED"
    DONE = "DONE"
    CANCELLED = "CANCELLED"

    @property
    def is_open(self) -> bool:
        return self in (BackfillState.RUNNING, BackfillState.PAUSED)


class BackfillPolicy(StrEnum):
    """Which slots of the window run: those without an execution, also failed ones, or all."""

    MISSING = "missing"
    FAILED = "failed"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class Backfill:
    """A schedule's dates in a window of the past, both ends included, fired one after another.

    `cursor` is the slot handled last; `total` counts the slots of the window when it was made.
    """

    id: str
    key: TriggerKey
    start: datetime
    end: datetime
    created_at: datetime
    total: int
    state: BackfillState = BackfillState.RUNNING
    policy: BackfillPolicy = BackfillPolicy.MISSING
    newest_first: bool = False
    max_active: int = 1
    inputs: Mapping[str, object] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    cursor: datetime | None = None
    exhausted: bool = False
    fired: int = 0
    skipped: int = 0
    ended_at: datetime | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class PlannedSlot:
    """What a backfill would do with one slot, and why."""

    slot: datetime
    runs: bool
    reason: str
    execution_id: str | None = None
    state: State | None = None


@dataclass(frozen=True, slots=True)
class SlotRun:
    """The latest execution of a slot; without a state it was deleted since."""

    slot: datetime
    execution_id: str
    state: State | None


_UNSUCCESSFUL = frozenset({State.FAILED, State.KILLED, State.CANCELLED})


def plan_slot(policy: BackfillPolicy, slot: datetime, known: SlotRun | None) -> PlannedSlot:
    """Whether a backfill runs a slot of which this execution is known."""
    if known is None:
        return PlannedSlot(slot, True, "has no execution")
    shown = known.state.value if known.state else "deleted"
    seen = (known.execution_id, known.state)
    if policy is BackfillPolicy.ALL:
        return PlannedSlot(slot, True, f"runs again, was {shown}", *seen)
    if policy is BackfillPolicy.FAILED and known.state in _UNSUCCESSFUL:
        return PlannedSlot(slot, True, f"runs again, was {shown}", *seen)
    return PlannedSlot(slot, False, f"has an execution ({shown})", *seen)
