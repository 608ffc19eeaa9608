"""Runs lines of `schedule.jsonl`: triggers in a real server whose clock is moved by hand."""

import re
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any

from mainstem.flowspec.parse import check_properties
from mainstem.model.execution import CORRELATION_ID, Execution
from mainstem.model.state import State
from mainstem.model.trigger import BackfillState, TriggerKey
from mainstem.scheduler.due import next_in_time
from mainstem.sdk.context import RunContext
from mainstem.sdk.flow import Flow
from mainstem.sdk.preconditions import TimeWindow
from mainstem.sdk.registry import Registry
from mainstem.sdk.schedule import ScheduledTrigger, following
from mainstem.sdk.trigger import Found, PollingTrigger, Trigger
from mainstem.services.backfills import NewBackfill
from mainstem.services.firing import Shot
from tests.conformance.moments import moment, resolved
from tests.services.trigger_world import FAIL, FLOW, RETURN, World, date_of

_NOW = datetime(2024, 5, 15, 10, 20, 30, tzinfo=UTC)
_INPUTS = [
    {"id": "testInputs", "type": "STRING", "required": False, "defaults": "test"},
    {"id": "def", "type": "STRING", "required": False, "defaults": "awesome"},
]


class _Polling(PollingTrigger):
    """The corpus's own polling trigger, which always finds something."""

    TYPE = "io.kestra.core.tasks.test.PollingTrigger"

    duration: int = 0

    def poll(self, ctx: RunContext, since: datetime | None) -> Found:
        return Found({})


def run_line(line: dict[str, Any]) -> str | None:
    """None if the line holds, `skipped: …`, or what differs."""
    runner = _KINDS.get(line["kind"])
    return f"skipped: no kind {line['kind']}" if runner is None else runner(line)


def _registry() -> Registry:
    registry = Registry.installed()
    registry.register(_Polling)
    return registry


@contextmanager
def _world(now: datetime, timezone: str = "UTC", *, executor: bool = True) -> Iterator[World]:
    with tempfile.TemporaryDirectory() as folder:
        world = World(
            Path(folder), now=now, timezone=timezone, registry=_registry(), executor=executor
        )
        try:
            yield world
        finally:
            world.close()


def _save(world: World, line: dict[str, Any], now: datetime, **properties: Any) -> str:
    """Save a flow with the line's trigger; returns its id."""
    trigger = resolved(line.get("trigger"), now)
    inputs = line.get("flow_inputs") or (_INPUTS if line["kind"] == "scheduler" else [])
    stops = (trigger or {}).get("stopAfter") or ["SUCCESS"]
    tasks = [FAIL if stops == ["FAILED"] else RETURN]
    world.save(*([trigger] if trigger else []), inputs=inputs, tasks=tasks, **properties)
    return trigger["id"] if trigger else ""


def _schedule(world: World, trigger: str) -> tuple[Flow, ScheduledTrigger, Any]:
    _, flow, found = world.app.triggers.parts.schedule(TriggerKey(FLOW, trigger))
    return flow, found, world.app.triggers.parts.scopes.schedule(flow)


# evaluate


def _evaluate(line: dict[str, Any]) -> str | None:
    now = moment(line["now"], _NOW)
    with _world(now) as world:
        trigger = _save(world, line, now)
        due = moment(line["trigger_date"], now)
        if line.get("backfill"):
            return _evaluate_backfill(line, world, trigger, now)
        world.put(replace(world.state(trigger), next_at=due))
        world.app.scheduler._recovered = True
        world.app.scheduler.tick(now)
        found = world.executions()
        wanted = line["expect"]["execution"]
        if wanted is None:
            return None if not found else f"should not fire, but did for {date_of(found[0])}"
        if not found:
            return "should fire, but did not"
        return _fault(wanted if isinstance(wanted, dict) else {}, found[0])


def _evaluate_backfill(
    line: dict[str, Any], world: World, trigger: str, now: datetime
) -> str | None:
    backfill = line["backfill"]
    start = moment(backfill["currentDate"], now)
    end = moment(re.sub(r"(\.\d{6})\d+", r"\1", backfill.get("end") or "$now"), now)
    _, found, ctx = _schedule(world, trigger)
    at_once = found.on_or_after(ctx, start) == start and start <= end
    wanted = line["expect"]["execution"]
    if backfill.get("paused") or not at_once:
        return None if wanted is None else "should fire, but did not"
    key = TriggerKey(FLOW, trigger)
    labels = backfill.get("labels") or {}
    given = {item["key"]: item["value"] for item in labels} if isinstance(labels, list) else labels
    wish = NewBackfill(key, start, end, inputs=backfill.get("inputs") or {}, labels=given)
    world.app.triggers.backfills.create(wish)
    world.tick()
    if wanted is None:
        return "should not fire, but did"
    return _fault(wanted if isinstance(wanted, dict) else {}, world.executions()[0])


def _fault(wanted: dict[str, Any], execution: Execution) -> str | None:
    variables = dict(execution.trigger.variables) if execution.trigger else {}
    for name, value in (wanted.get("trigger") or {}).items():
        if name == "$absent":
            extra = [item for item in value if item in variables]
            if extra:
                return f"trigger has {extra}"
        elif not _same(variables.get(name), value):
            return f"trigger.{name} should be {value} but is {variables.get(name)}"
    for what, actual in (("inputs", execution.inputs), ("labels", execution.labels)):
        for name, value in (wanted.get(what) or {}).items():
            if actual.get(name) != value:
                return f"{what}.{name} should be {value!r} but is {actual.get(name)!r}"
    if "state" in wanted and execution.state.value != wanted["state"]:
        return f"should be {wanted['state']} but is {execution.state}"
    return None


def _same(actual: object, wanted: object) -> bool:
    if actual is None or not isinstance(wanted, str):
        return actual == wanted
    try:
        return moment(str(actual), _NOW) == moment(wanted, _NOW)
    except ValueError:
        return str(actual).startswith(wanted)


# next and previous


def _next(line: dict[str, Any]) -> str | None:
    now = moment(line["now"], _NOW)
    with _world(now) as world:
        _, trigger, ctx = _schedule(world, _save(world, line, now))
        last = line.get("last")
        after = moment(last, now) if last is not None else None
        found = trigger.first(ctx) if after is None else next_in_time(trigger, ctx, after)
        return _compare(found, line["expect_next"])


def _previous(line: dict[str, Any]) -> str | None:
    now = moment(line["now"], _NOW)
    with _world(now) as world:
        _, trigger, ctx = _schedule(world, _save(world, line, now))
        before = moment(line["last"], now) if line.get("last") else now
        return _compare(trigger.previous(ctx, before), line["expect_previous"])


def _compare(found: datetime | None, wanted: str | None) -> str | None:
    if found is None or wanted is None:
        return None if found is wanted else f"should be {wanted} but is {found}"
    if _same(found.isoformat(), wanted) or found.isoformat().startswith(wanted):
        return None
    return f"should be {wanted} but is {found.isoformat()}"


# the whole scheduler


def _scheduler(line: dict[str, Any]) -> str | None:
    now = moment(line["now"], _NOW) if line.get("now") else _NOW
    expect = dict(line.get("expect") or {})
    region = re.search(r"\[(.+)\]", str(line.get("last") or ""))
    # After the first execution is best seen while it has not ended.
    executor = "expect_after_first_execution" not in line
    with _world(now, region[1] if region else "UTC", executor=executor) as world:
        if expect.get("no_execution"):
            return _refused(world, line, expect)
        trigger = _save(world, line, now)
        _set_last(world, line, trigger, now)
        for name, check in _CHECKS.items():
            if any(key.startswith(name) for key in (*line, *expect)):
                fault = check(world, line, trigger, now)
                if fault:
                    return fault
        known = (*_CHECKS, *_BESIDES)
        unknown = [name for name in expect if not name.startswith(known)]
        return f"skipped: cannot check {', '.join(unknown)}" if unknown else None


def _refused(world: World, line: dict[str, Any], expect: dict[str, Any]) -> str | None:
    """A trigger that cannot be is refused when its flow is saved, naming why."""
    try:
        _save(world, line, world.clock.now())
    except Exception as error:
        said = str(error)
        lacking = [text for text in expect.get("logs_contain") or () if text not in said]
        return f"says {said!r}, not {lacking}" if lacking else None
    return "should be refused"


def _set_last(world: World, line: dict[str, Any], trigger: str, now: datetime) -> None:
    """The row as it would be after its last execution at `last`."""
    given = resolved(line.get("trigger_state"), now)
    if given:
        state = world.state(trigger)
        next_at = moment(given["nextExecutionDate"], now)
        world.put(replace(state, next_at=next_at, disabled=bool(given.get("disabled"))))
    if line.get("last") is None:
        return
    last = moment(line["last"], now)
    _, found, ctx = _schedule(world, trigger)
    after = following(found, ctx, last)
    in_utc = after.astimezone(UTC) if after else None
    world.put(replace(world.state(trigger), last_at=last.astimezone(UTC), next_at=in_utc))


def _after_first(world: World, line: dict[str, Any], trigger: str, now: datetime) -> str | None:
    world.tick()
    state, wanted = world.state(trigger), line["expect_after_first_execution"]
    for name, actual in (("date", state.last_at), ("nextExecutionDate", state.next_at)):
        allowed = wanted[name]
        choices = allowed["$in"] if isinstance(allowed, dict) else [allowed]
        if actual not in [moment(item, now).replace(microsecond=0) for item in choices]:
            return f"{name} should be {allowed} but is {actual}"
    return None


def _at_startup(world: World, line: dict[str, Any], trigger: str, now: datetime) -> str | None:
    world.tick()
    wanted = line["expect_at_startup"].get("nextExecutionDate")
    actual = world.state(trigger).next_at
    return _compare(actual, moment(wanted, now).isoformat() if wanted else None)


def _next_after(world: World, line: dict[str, Any], trigger: str, now: datetime) -> str | None:
    world.tick()
    next_at = world.state(trigger).next_at
    wanted = moment(line["last"], now)
    return None if next_at and next_at > wanted else f"{next_at} should be after {wanted}"


def _runs(world: World, line: dict[str, Any], trigger: str, now: datetime) -> str | None:
    """A backfill in the reference's shape runs its dates with the inputs of the trigger."""
    expect = line["expect"]
    if line.get("backfill"):
        data = resolved(line["backfill"], now)
        start, end = (moment(data[name], now) for name in ("start", "end"))
        wish = NewBackfill(TriggerKey(FLOW, trigger), start, end, inputs=data.get("inputs") or {})
        made = world.app.triggers.backfills.create(wish).id
        backfills = world.app.triggers.backfills
        world.tick_until(lambda: backfills.get(made).state is BackfillState.DONE)
    else:
        world.tick()
    found = world.settle()
    dates = {date_of(item) for item in found}
    if len(dates) < expect.get("distinct_dates_min", 1):
        return f"only the dates {sorted(dates)}"
    if len({item.id for item in found}) < expect.get("distinct_execution_ids_min", 1):
        return f"only {len(found)} executions"
    wanted = expect.get("each_inputs") or {}
    wrong = [item.inputs for item in found if dict(item.inputs) != wanted]
    return f"inputs should be {wanted} but are {wrong[0]}" if wanted and wrong else None


def _initial(world: World, line: dict[str, Any], trigger: str, now: datetime) -> str | None:
    least = moment(line["expect"]["initial_nextExecutionDate_min"], now)
    before = world.state(trigger).next_at
    if before is None or before < least:
        return f"next should be at least {least} but is {before}"
    backfills = world.app.triggers.backfills
    key = TriggerKey(FLOW, trigger)
    made = backfills.create(NewBackfill(key, now - timedelta(hours=3), now))
    slot = backfills.progress(made.id).next_slot
    latest = before.replace(minute=0, second=0, microsecond=0)
    return None if slot and slot <= latest else f"next should be before {latest} but is {slot}"


def _unchanged(world: World, line: dict[str, Any], trigger: str, now: datetime) -> str | None:
    before = world.state(trigger).next_at
    world.tick(timedelta(seconds=line["expect"].get("after_seconds", 3)))
    after = world.state(trigger).next_at
    return None if before == after and not world.executions() else f"moved to {after}"


def _fire(world: World, trigger: str) -> None:
    """Let the trigger fire, at its next date if none has come."""
    next_at = world.state(trigger).next_at
    world.tick(max(next_at - world.clock.now(), timedelta(0)) if next_at else timedelta(0))
    world.wait(lambda: bool(world.executions()))


def _stopped(world: World, line: dict[str, Any], trigger: str, now: datetime) -> str | None:
    _fire(world, trigger)
    world.settle()
    wanted = next(
        value for name, value in line["expect"].items() if name.startswith("after_execution")
    )
    off = wanted["trigger_disabled"]
    if off:
        world.wait(lambda: world.state(trigger).disabled)
    return None if world.state(trigger).disabled is off else "should be switched off"


def _nth(world: World, line: dict[str, Any], trigger: str, now: datetime) -> str | None:
    number = line["expect"]["nth_execution"]
    world.tick_until(lambda: len(world.executions()) >= number)
    actual = date_of(world.executions()[number - 1])
    wanted = line["expect"]["trigger_date"]
    return None if _same(actual, wanted) else f"{number}th should be {wanted} but is {actual}"


def _created(world: World, line: dict[str, Any], trigger: str, now: datetime) -> str | None:
    _fire(world, trigger)
    return None


def _execution(world: World, line: dict[str, Any], trigger: str, now: datetime) -> str | None:
    if not isinstance(line["expect"].get("execution"), dict):
        return None
    _fire(world, trigger)
    (execution, *_) = world.settle()
    wanted = line["expect"]["execution"]
    if wanted.get("flow_revision_not_null") and not execution.revision:
        return "has no revision"
    if "state" in wanted and execution.state is not State(wanted["state"]):
        return f"should be {wanted['state']} but is {execution.state}"
    return None


Check = Callable[[World, dict[str, Any], str, datetime], str | None]
_CHECKS: dict[str, Check] = {
    "expect_after_first_execution": _after_first,
    "expect_at_startup": _at_startup,
    "expect_next_after": _next_after,
    "after_execution_": _stopped,
    "initial_nextExecutionDate_min": _initial,
    "nextExecutionDate": _unchanged,
    "nth_execution": _nth,
    "execution_created": _created,
    "execution": _execution,
    "each_inputs": _runs,
}
# What one of the checks looks at together with its own.
_BESIDES = (
    "distinct_dates_min",
    "distinct_execution_ids_min",
    "trigger_date",
    "after_seconds",
    "after_backfill_set",
)


# labels and windows


def _labels(line: dict[str, Any]) -> str | None:
    with _world(_NOW) as world:
        trigger = Trigger(id="none", type="none")
        labels = {k: v for k, v in line["flow_labels"].items() if not k.startswith("system.")}
        _save(world, {**line, "trigger": None}, _NOW, labels=labels)
        flow = world.app.flows.load(FLOW).model_copy(update={"labels": line["flow_labels"]})
        if line.get("trigger"):
            kind = world.app.registry.find(line["trigger"]["type"])
            data = {**line["trigger"], **_needed(line["trigger"]["type"])}
            problems = check_properties(kind, data, world.app.registry).problems
            if any(item.is_error for item in problems):
                return f"the trigger is refused: {problems}"
            trigger = world.app.registry.build(Trigger, data, None)
        parts = world.app.triggers.parts
        shot = Shot(flow, trigger, {})
        rendering = parts.scopes.rendering(flow)
        saved = world.app.flows.load
        try:
            world.app.flows.load = lambda *_: flow  # type: ignore[method-assign]
            execution = parts.launcher.prepare_or_refuse(
                shot, lambda value, more: rendering(value, {**(line.get("vars") or {}), **more})
            )
        finally:
            world.app.flows.load = saved  # type: ignore[method-assign]
        actual = {k: v for k, v in execution.labels.items() if k != CORRELATION_ID}
        wanted = line["expect_labels"]
        return None if actual == wanted else f"labels should be {wanted} but are {actual}"


def _needed(kind: str) -> dict[str, Any]:
    return {"cron": "0 * * * *"} if kind.endswith("trigger.Schedule") else {}


def _window(line: dict[str, Any]) -> str | None:
    now = moment(line["now"], _NOW) if line.get("now") else _NOW
    data = {name: _clock(value, now) for name, value in line["time_window"].items()}
    window = TimeWindow.model_validate(data)
    wanted = line.get("expect_window")
    if wanted:
        span = window.span(now)
        for name, actual in (("start", span.start), ("end", span.end)):
            if name in wanted and actual != moment(wanted[name], now):
                return f"{name} should be {wanted[name]} but is {actual}"
    return _kept(line.get("expect") or {}, window, now)


def _clock(value: Any, now: datetime) -> Any:
    if isinstance(value, str) and value.startswith("$now"):
        found = moment(value, now)
        return time(found.hour, found.minute, found.second)
    return value


def _kept(expect: dict[str, Any], window: TimeWindow, now: datetime) -> str | None:
    """Whether what is satisfied now counts now, and later; what does not has expired."""
    holds = window.keeps(now, now)
    if "results_kept" in expect and holds is not expect["results_kept"]:
        return f"results should {'' if expect['results_kept'] else 'not '}be kept"
    if "expired_count_now" in expect and (0 if holds else 1) != expect["expired_count_now"]:
        return f"{expect['expired_count_now']} windows should have expired"
    if "expired_count_after_ms" in expect:
        length, number = expect["expired_count_after_ms"]
        later = window.keeps(now, now + timedelta(milliseconds=length))
        if (0 if later else 1) != number:
            return f"{number} windows should have expired after {length} ms"
    return None


_KINDS: dict[str, Callable[[dict[str, Any]], str | None]] = {
    "evaluate": _evaluate,
    "next": _next,
    "previous": _previous,
    "scheduler": _scheduler,
    "trigger_labels": _labels,
    "window": _window,
}
