"""Fires schedules that are due."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final

from sqlalchemy import Connection

from mainstem.bus.inprocess import DUE, TRIGGERS
from mainstem.errors import MainstemError
from mainstem.model.execution import Execution
from mainstem.model.log import Level, LogLine
from mainstem.model.trigger import Evaluation, Outcome, TriggerKind, TriggerState
from mainstem.scheduler.due import Due, Fail, Fire, Skip, Wait, decide, recover
from mainstem.sdk.flow import Flow
from mainstem.sdk.schedule import ScheduleContext, ScheduledTrigger
from mainstem.services.firing import Fired, Shot
from mainstem.services.trigger_parts import TriggerParts
from mainstem.services.triggers import TriggerService
from mainstem.store import logs
from mainstem.store import triggers as rows
from mainstem.store.backfills import NO_BACKFILL, take_slot

_log = logging.getLogger("mainstem.scheduler")

_BATCH: Final = 50
_BACK_OFF: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Step:
    """A trigger as it was seen and as it will be, with what it fires and records."""

    seen: TriggerState
    after: TriggerState
    evaluation: Evaluation | None = None
    fired: Fired | None = None
    slot: datetime | None = None
    note: str | None = None


class Schedules:
    """Plans outside of transactions, commits many triggers in one."""

    def __init__(self, triggers: TriggerService) -> None:
        self._triggers = triggers
        self._parts: TriggerParts = triggers.parts

    def tick(self, states: Sequence[TriggerState]) -> int:
        """Handle schedules that are due; returns how many moved."""
        moved = 0
        for start in range(0, len(states), _BATCH):
            steps = [self._plan(state) for state in states[start : start + _BATCH]]
            moved += commit(self._triggers, steps)
        return moved

    def recover(self, states: Sequence[TriggerState]) -> None:
        """Apply `recoverMissedSchedules` to what came due while nobody looked."""
        steps = []
        for state in states:
            if state.kind is not TriggerKind.SCHEDULE or state.next_at is None:
                continue
            step = self._recovered(state, state.next_at)
            if step is not None:
                steps.append(step)
        commit(self._triggers, steps)

    def _recovered(self, state: TriggerState, due_at: datetime) -> Step | None:
        try:
            trigger, ctx, _ = self._load(state)
            policy = trigger.recover_missed_schedules or "ALL"
            next_at = recover(trigger, ctx, due_at, policy)
        except MainstemError:
            return None  # reported when it is looked at
        if next_at == due_at:
            return None
        reason = f"missed while no scheduler ran (recoverMissedSchedules: {policy})"
        skipped = Evaluation(state.key, ctx.now, Outcome.SKIPPED, reason, due_at)
        after = _noted(replace(state, next_at=_utc(next_at)), skipped)
        return Step(state, after, skipped)

    def _load(self, state: TriggerState) -> tuple[ScheduledTrigger, ScheduleContext, Flow]:
        flow, trigger = self._parts.loaded(state)
        assert isinstance(trigger, ScheduledTrigger)
        return trigger, self._parts.scopes.schedule(flow), flow

    def _plan(self, state: TriggerState) -> Step:
        assert state.next_at is not None
        try:
            trigger, ctx, flow = self._load(state)
            return self._step(state, trigger, ctx, flow, decide(trigger, ctx, state.next_at))
        except MainstemError as error:
            return broken(state, self._parts.clock.now(), error.message)

    def _step(
        self,
        state: TriggerState,
        trigger: ScheduledTrigger,
        ctx: ScheduleContext,
        flow: Flow,
        due: Due,
    ) -> Step:
        moved = replace(state, next_at=_utc(due.next_at), failures=0)
        match due:
            case Wait():
                return Step(state, moved)
            case Skip(date, reason):
                skipped = Evaluation(state.key, ctx.now, Outcome.SKIPPED, reason, _utc(date))
                return Step(state, _noted(moved, skipped), skipped)
            case Fail(date, reason):
                message = f"Unable to evaluate the Schedule trigger '{trigger.id}': {reason}"
                shot = Shot(flow, trigger, {"date": date.isoformat()})
                return _shot(state, moved, self._parts.launcher.failed(shot, message), date, ctx)
            case Fire(date):
                shot = Shot(flow, trigger, trigger.variables(ctx, date))
                step = _shot(
                    state, moved, self._parts.launcher.prepare(shot, ctx.render), date, ctx
                )
                return _unlocked(step) if trigger.allow_concurrent else step


def _shot(
    seen: TriggerState, moved: TriggerState, fired: Fired, date: datetime, ctx: ScheduleContext
) -> Step:
    outcome = Outcome.FAILED if fired.error else Outcome.FIRED
    slot = _utc(date)
    evaluation = Evaluation(seen.key, ctx.now, outcome, fired.error or "", slot, fired.execution.id)
    lock = None if fired.error else fired.execution.id
    after = _noted(replace(moved, last_at=slot, execution_id=lock), evaluation)
    return Step(seen, after, evaluation, fired, slot)


def _unlocked(step: Step) -> Step:
    """The trigger does not wait for what it fired."""
    return replace(step, after=replace(step.after, execution_id=None))


def _noted(state: TriggerState, evaluation: Evaluation) -> TriggerState:
    return replace(
        state,
        evaluated_at=evaluation.at,
        outcome=evaluation.outcome,
        reason=evaluation.reason or None,
    )


def broken(state: TriggerState, now: datetime, message: str) -> Step:
    """A trigger that cannot even be looked at is tried again, ever more seldom."""
    message = f"trigger {state.key} cannot be looked at: {message}"
    failures = state.failures + 1
    wait = min(_BACK_OFF * 2 ** min(failures - 1, 6), timedelta(hours=1))
    failed = Evaluation(state.key, now, Outcome.FAILED, message, state.next_at)
    after = _noted(replace(state, next_at=now + wait, failures=failures), failed)
    return Step(state, after, failed, note=message)


def commit(triggers: TriggerService, steps: Sequence[Step]) -> int:
    """Write what still stands, each trigger for itself, in one transaction; then announce it."""
    if not steps:
        return 0
    parts = triggers.parts
    started: list[Execution] = []
    with parts.database.write() as tx:
        done = [step for step in steps if _write(tx, triggers, step, started)]
        rows.add_evaluations(tx, [step.evaluation for step in done if step.evaluation])
    if started:
        parts.executions.announce(started)
    if done:
        parts.bus.publish(TRIGGERS, DUE)
    for step in done:
        _tell(step)
    return len(done)


def _write(tx: Connection, triggers: TriggerService, step: Step, started: list[Execution]) -> bool:
    if not rows.move(tx, step.seen, step.after):
        return False
    if step.note is not None:
        _log_line(tx, triggers, step, step.note)
    if step.fired is None:
        return True
    execution = step.fired.execution
    if step.slot is not None and not take_slot(
        tx, step.seen.key, step.slot, execution.id, NO_BACKFILL
    ):
        rows.unlock(tx, [execution.id])
        return False
    triggers.parts.launcher.insert(tx, step.fired)
    if step.fired.error is None:
        started.append(execution)
    else:
        started.extend(triggers.react(tx, [execution]))
    return True


def _log_line(tx: Connection, triggers: TriggerService, step: Step, message: str) -> None:
    key = step.seen.key
    now = triggers.parts.clock.now()
    line = LogLine(at=now, level=Level.ERROR, message=message, trigger_id=key.id)
    logs.add_lines(tx, [(line, key.flow)])


def _tell(step: Step) -> None:
    found = step.evaluation
    if found is None:
        return
    level = logging.WARNING if found.outcome is Outcome.FAILED else logging.INFO
    _log.log(
        level,
        "a trigger was evaluated",
        extra={
            "trigger": str(found.key),
            "outcome": found.outcome.value,
            "slot": found.slot.isoformat() if found.slot else None,
            "execution": found.execution_id,
            "reason": found.reason or None,
        },
    )


def _utc(moment: datetime | None) -> datetime | None:
    return None if moment is None else moment.astimezone(UTC)
