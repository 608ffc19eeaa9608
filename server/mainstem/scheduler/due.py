"""What to do about a date of a schedule that has come. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from mainstem.errors import MainstemError
from mainstem.sdk.schedule import RecoverMissed, ScheduleContext, ScheduledTrigger, following

_INSTANT: Final = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Fire:
    """Start an execution for a date."""

    date: datetime
    next_at: datetime | None


@dataclass(frozen=True, slots=True)
class Skip:
    """Leave a date out."""

    date: datetime
    reason: str
    next_at: datetime | None


@dataclass(frozen=True, slots=True)
class Fail:
    """A condition could not be asked: an execution that is FAILED shows it."""

    date: datetime
    reason: str
    next_at: datetime | None


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing has come yet."""

    next_at: datetime | None


Due = Fire | Skip | Fail | Wait


def decide(trigger: ScheduledTrigger, ctx: ScheduleContext, due_at: datetime) -> Due:
    """Look at the first date from `due_at` on; what is off the dates moves to the next one."""
    date = trigger.on_or_after(ctx, due_at)
    if date is None or date > ctx.now:
        return Wait(date)
    tolerance = trigger.tolerance
    if tolerance is not None and date + tolerance < ctx.now:
        reason = f"late by {ctx.now - date}, more than lateMaximumDelay"
        return Skip(date, reason, next_in_time(trigger, ctx, date))
    try:
        holds = trigger.holds(ctx, date)
    except MainstemError as error:
        return Fail(date, error.message, following(trigger, ctx, date))
    if not holds:
        return Skip(date, "the conditions are false", following(trigger, ctx, date))
    return Fire(date, following(trigger, ctx, date))


def next_in_time(
    trigger: ScheduledTrigger, ctx: ScheduleContext, after: datetime
) -> datetime | None:
    """The next date that is not yet late by more than the trigger bears."""
    tolerance = trigger.tolerance
    if tolerance is not None:
        after = max(after, ctx.now - tolerance - _INSTANT)
    return following(trigger, ctx, after)


def recover(
    trigger: ScheduledTrigger, ctx: ScheduleContext, due_at: datetime, policy: RecoverMissed
) -> datetime | None:
    """Where to go on after a time in which nobody looked: at every date, the last one, or now."""
    if policy == "ALL" or due_at > ctx.now:
        return due_at
    if policy == "NONE":
        return following(trigger, ctx, ctx.now)
    last = trigger.previous(ctx, ctx.now + _INSTANT)
    return due_at if last is None else max(last, due_at)
