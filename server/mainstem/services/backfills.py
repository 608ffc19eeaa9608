"""Backfills: a schedule's dates of the past, run under a policy; the scheduler fires them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import islice, takewhile
from typing import Final

from mainstem.bus.inprocess import DUE, TRIGGERS
from mainstem.errors import Conflict, InvalidInput, MainstemError
from mainstem.model.principal import Permission
from mainstem.model.trigger import (
    Backfill,
    BackfillPolicy,
    BackfillState,
    PlannedSlot,
    TriggerKey,
    plan_slot,
)
from mainstem.sdk.schedule import ScheduleContext, ScheduledTrigger
from mainstem.services import access, audit
from mainstem.services.executions import check_labels
from mainstem.services.trigger_parts import TriggerParts
from mainstem.store import backfills as rows
from mainstem.store.backfills import SlotCounts

MOST_DATES: Final = 100_000
MOST_SLOTS: Final = 20_000
MOST_ACTIVE: Final = 1_000
_INSTANT: Final = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class NewBackfill:
    """What is wanted; `end` None means now, and moments without a zone are in the trigger's."""

    key: TriggerKey
    start: datetime
    end: datetime | None = None
    policy: BackfillPolicy = BackfillPolicy.MISSING
    newest_first: bool = False
    max_active: int = 1
    inputs: Mapping[str, object] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class BackfillPlan:
    """What a backfill would do, slot by slot in the order of running."""

    start: datetime
    end: datetime
    slots: tuple[PlannedSlot, ...]

    @property
    def runs(self) -> int:
        return sum(slot.runs for slot in self.slots)

    @property
    def skips(self) -> int:
        return len(self.slots) - self.runs


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a backfill is; `eta` is None when nothing can be said."""

    backfill: Backfill
    counts: SlotCounts
    eta: timedelta | None
    next_slot: datetime | None = None

    @property
    def handled(self) -> int:
        """Slots that need no more work."""
        return self.backfill.skipped + self.counts.succeeded + self.counts.failed


class BackfillService:
    """Creates backfills and steers them."""

    def __init__(self, parts: TriggerParts) -> None:
        self._parts = parts

    def preview(self, wanted: NewBackfill) -> BackfillPlan:
        """What would happen to each slot of the window; raises InvalidInput or NotFound."""
        _, flow, trigger = self._parts.schedule(wanted.key)
        ctx = self._parts.scopes.schedule(flow)
        start, end = _window(wanted, trigger, ctx)
        slots = [date.astimezone(UTC) for date in _bounded(trigger, ctx, start, end)]
        with self._parts.database.read() as tx:
            known = rows.slot_runs(tx, wanted.key, start, end)
        if wanted.newest_first:
            slots.reverse()
        planned = tuple(plan_slot(wanted.policy, slot, known.get(slot)) for slot in slots)
        return BackfillPlan(start, end, planned)

    def create(self, wanted: NewBackfill) -> Backfill:
        """Begin a backfill; it works on a schedule that is switched off as well.

        Raises InvalidInput for a bad window, NotFound, or Conflict while another one is open.
        """
        access.require(Permission.TRIGGER_OPERATE, wanted.key.flow.namespace)
        check_labels(wanted.labels)
        if not 1 <= wanted.max_active <= MOST_ACTIVE:
            raise InvalidInput(f"max active must be from 1 to {MOST_ACTIVE}")
        plan = self.preview(wanted)
        parts = self._parts
        item = Backfill(
            id=parts.ids(),
            key=wanted.key,
            start=plan.start,
            end=plan.end,
            created_at=parts.clock.now(),
            total=len(plan.slots),
            policy=wanted.policy,
            newest_first=wanted.newest_first,
            max_active=wanted.max_active,
            inputs=wanted.inputs,
            labels=wanted.labels,
        )
        with parts.database.write() as tx:
            other = rows.open_of(tx, wanted.key)
            if other is not None:
                raise Conflict(
                    f"backfill {other.id} of trigger {wanted.key.id} is {other.state}: wait for it "
                    "or cancel it first"
                )
            rows.add(tx, item)
            place = wanted.key.flow.namespace
            audit.of_request(tx, "backfill.create", f"{wanted.key} {item.id}", place)
        parts.bus.publish(TRIGGERS, DUE)
        return item

    def get(self, backfill_id: str) -> Backfill:
        """Raises NotFound."""
        with self._parts.database.read() as tx:
            return rows.get(tx, backfill_id)

    def of_trigger(self, key: TriggerKey, *, limit: int = 20) -> list[Backfill]:
        """Newest first."""
        with self._parts.database.read() as tx:
            return rows.of_trigger(tx, key, limit=limit)

    def open_of(self, key: TriggerKey) -> Backfill | None:
        """The backfill of a trigger that runs or is paused."""
        with self._parts.database.read() as tx:
            return rows.open_of(tx, key)

    def all_open(self) -> list[Backfill]:
        """Every backfill that runs or is paused, oldest first."""
        with self._parts.database.read() as tx:
            return rows.all_open(tx)

    def progress(self, backfill_id: str) -> Progress:
        """Raises NotFound."""
        with self._parts.database.read() as tx:
            item = rows.get(tx, backfill_id)
            counts = rows.counts(tx, item)
        eta = _eta(item, counts, self._parts.clock.now())
        return Progress(item, counts, eta, self._next_slot(item))

    def _next_slot(self, item: Backfill) -> datetime | None:
        if item.exhausted or not item.state.is_open:
            return None
        try:
            _, flow, trigger = self._parts.schedule(item.key)
            ctx = self._parts.scopes.schedule(flow)
            return next(remaining_slots(item, trigger, ctx), None)
        except MainstemError:
            return None

    def executions(self, backfill_id: str) -> list[str]:
        """Ids of its executions by slot."""
        with self._parts.database.read() as tx:
            return rows.execution_ids(tx, rows.get(tx, backfill_id))

    def pause(self, backfill_id: str) -> Backfill:
        """Fire no further slot; what runs goes on. Raises Conflict when it has ended."""
        return self._turn(backfill_id, BackfillState.PAUSED, "pause")

    def resume(self, backfill_id: str) -> Backfill:
        """Go on where it was paused. Raises Conflict when it has ended."""
        return self._turn(backfill_id, BackfillState.RUNNING, "resume")

    def cancel(self, backfill_id: str, *, kill: bool = False) -> Backfill:
        """End it; its executions end by themselves unless they are to be killed."""
        found = self._turn(backfill_id, BackfillState.CANCELLED, "cancel")
        if kill:
            with self._parts.database.read() as tx:
                running = rows.execution_ids(tx, found, open_only=True)
            for execution_id in running:
                self._parts.executions.kill(execution_id)
        return found

    def _turn(self, backfill_id: str, state: BackfillState, action: str) -> Backfill:
        parts = self._parts
        with parts.database.write() as tx:
            seen = rows.get(tx, backfill_id, to_change=True)
            place = seen.key.flow.namespace
            access.require(Permission.TRIGGER_OPERATE, place)
            audit.of_request(tx, f"backfill.{action}", f"{seen.key} {seen.id}", place)
            if not seen.state.is_open:
                raise Conflict(f"cannot {action} backfill {backfill_id}: it is {seen.state}")
            ended_at = None if state.is_open else parts.clock.now()
            after = replace(seen, state=state, ended_at=ended_at, reason=None)
            rows.save(tx, seen, after)
        parts.bus.publish(TRIGGERS, DUE)
        return after


def _window(
    wanted: NewBackfill, trigger: ScheduledTrigger, ctx: ScheduleContext
) -> tuple[datetime, datetime]:
    zone = trigger.zone(ctx)
    start, end = (
        moment if moment.tzinfo else moment.replace(tzinfo=zone)
        for moment in (wanted.start, wanted.end or ctx.now)
    )
    if end < start:
        raise InvalidInput(f"the window ends ({end.isoformat()}) before it starts: swap them")
    if start > ctx.now:
        raise InvalidInput(
            f"the window starts in the future ({start.isoformat()}): dates to come are fired by "
            "the schedule itself"
        )
    return start.astimezone(UTC), min(end.astimezone(UTC), ctx.now)


def _bounded(
    trigger: ScheduledTrigger, ctx: ScheduleContext, start: datetime, end: datetime
) -> Iterator[datetime]:
    """The slots of a window; raises InvalidInput when they are too many to list."""
    candidates = trigger.candidates_after(ctx, start - _INSTANT)
    within = takewhile(lambda date: date <= end, candidates)
    if any(True for _ in islice(within, MOST_DATES, MOST_DATES + 1)):
        raise InvalidInput(f"the window covers more than {MOST_DATES} dates: choose a shorter one")
    for number, date in enumerate(trigger.dates(ctx, start, end)):
        if number == MOST_SLOTS:
            raise InvalidInput(
                f"the window has more than {MOST_SLOTS} slots: split it into several backfills"
            )
        yield date


def remaining_slots(
    item: Backfill, trigger: ScheduledTrigger, ctx: ScheduleContext
) -> Iterator[datetime]:
    """The slots not yet handled, in the order of the backfill."""
    if item.newest_first:
        end = item.end if item.cursor is None else item.cursor - _INSTANT
        found = trigger.dates_backward(ctx, item.start, end)
    else:
        start = item.start if item.cursor is None else item.cursor + _INSTANT
        found = trigger.dates(ctx, start, item.end)
    return (date.astimezone(UTC) for date in found)


def _eta(item: Backfill, counts: SlotCounts, now: datetime) -> timedelta | None:
    done = item.skipped + counts.succeeded + counts.failed
    if item.state is not BackfillState.RUNNING or not counts.succeeded + counts.failed:
        return None
    return (now - item.created_at) / done * max(item.total - done, 0)
