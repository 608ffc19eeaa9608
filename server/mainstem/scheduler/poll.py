"""Polling triggers: looks outside in threads of their own, one at a time per trigger."""

import logging
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final, Protocol

from mainstem.bus.inprocess import DUE, TRIGGERS
from mainstem.errors import MainstemError
from mainstem.model.log import LogLine
from mainstem.model.trigger import Evaluation, Outcome, TriggerKey, TriggerState
from mainstem.scheduler.schedules import Step, broken, commit
from mainstem.sdk.context import RunContext
from mainstem.sdk.flow import Flow
from mainstem.sdk.trigger import Found, PollingTrigger
from mainstem.services.firing import Fired, Shot
from mainstem.services.triggers import TriggerService
from mainstem.store import logs
from mainstem.telemetry import about

_log = logging.getLogger("mainstem.scheduler")

_THREADS: Final = 4
_LONGEST: Final = timedelta(hours=1)


class PollRoom(Protocol):
    """Where one poll happens: what the trigger may use, and the lines it leaves."""

    @property
    def ctx(self) -> RunContext: ...
    def close(self) -> Sequence[LogLine]: ...


MakeRoom = Callable[[Flow, PollingTrigger, str], PollRoom]


class Polls:
    """Starts polls that are due; each writes its own end."""

    def __init__(self, triggers: TriggerService, make_room: MakeRoom) -> None:
        self._triggers = triggers
        self._parts = triggers.parts
        self._make_room = make_room
        self._lock = threading.Lock()
        self._busy: set[TriggerKey] = set()
        self._pool: ThreadPoolExecutor | None = None

    def tick(self, states: Sequence[TriggerState]) -> None:
        """Begin to look for those that nobody is looking for yet."""
        for state in states:
            with self._lock:
                if state.key in self._busy:
                    continue
                self._busy.add(state.key)
            self._threads().submit(self._poll, state)

    def close(self) -> None:
        """Wait for the polls at hand."""
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)
            self._pool = None

    def _threads(self) -> ThreadPoolExecutor:
        if self._pool is None:
            self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="mainstem-poll")
        return self._pool

    def _poll(self, state: TriggerState) -> None:
        try:
            with about(trigger=str(state.key)):
                self._polled(state)
        finally:
            with self._lock:
                self._busy.discard(state.key)
            self._parts.bus.publish(TRIGGERS, DUE)

    def _polled(self, state: TriggerState) -> None:
        try:
            commit(self._triggers, [self._look(state)])
        except Exception:
            _log.exception("a poll was lost")

    def _look(self, state: TriggerState) -> Step:
        try:
            flow, trigger = self._parts.loaded(state)
        except MainstemError as error:
            return broken(state, self._parts.clock.now(), error.message)
        assert isinstance(trigger, PollingTrigger)
        try:
            if not self._holds(flow, trigger):
                return self._nothing(state, trigger, "the conditions are false")
        except MainstemError as error:
            message = f"Unable to evaluate the conditions of trigger '{trigger.id}': "
            failed = self._parts.launcher.failed(Shot(flow, trigger, {}), message + error.message)
            return self._fired(state, trigger, failed)
        try:
            execution_id = self._parts.ids()
            found = self._ask(flow, trigger, state, execution_id)
        except Exception as error:  # triggers are plug-ins
            reason = error.message if isinstance(error, MainstemError) else repr(error)
            return self._failed(state, trigger, reason)
        if found is None:
            return self._nothing(state, trigger, "nothing new")
        shot = Shot(flow, trigger, found.variables, execution_id=execution_id)
        rendering = self._parts.scopes.rendering(flow)
        return self._fired(state, trigger, self._parts.launcher.prepare(shot, rendering))

    def _holds(self, flow: Flow, trigger: PollingTrigger) -> bool:
        ctx = self._parts.scopes.condition(flow, {})
        return all(condition.test(ctx) for condition in trigger.conditions)

    def _ask(
        self, flow: Flow, trigger: PollingTrigger, state: TriggerState, execution_id: str
    ) -> Found | None:
        room = self._make_room(flow, trigger, execution_id)
        try:
            return trigger.poll(room.ctx, state.evaluated_at)
        finally:
            lines = [(line, flow.flow_id) for line in room.close()]
            if lines:
                with self._parts.database.write() as tx:
                    logs.add_lines(tx, lines)

    def _nothing(self, state: TriggerState, trigger: PollingTrigger, reason: str) -> Step:
        now = self._parts.clock.now()
        after = replace(
            state,
            next_at=now + trigger.interval,
            evaluated_at=now,
            outcome=Outcome.NOTHING,
            reason=reason,
            failures=0,
        )
        return Step(state, after)

    def _fired(self, state: TriggerState, trigger: PollingTrigger, fired: Fired) -> Step:
        now = self._parts.clock.now()
        outcome = Outcome.FAILED if fired.error else Outcome.FIRED
        failures = state.failures + 1 if fired.error else 0
        evaluation = Evaluation(
            state.key, now, outcome, fired.error or "", None, fired.execution.id
        )
        after = replace(
            state,
            next_at=_later(now, trigger, failures),
            last_at=now,
            evaluated_at=now,
            outcome=outcome,
            reason=fired.error,
            execution_id=(None if fired.error or trigger.allow_concurrent else fired.execution.id),
            failures=failures,
        )
        return Step(state, after, evaluation, fired)

    def _failed(self, state: TriggerState, trigger: PollingTrigger, reason: str) -> Step:
        now = self._parts.clock.now()
        failures = state.failures + 1
        evaluation = Evaluation(state.key, now, Outcome.FAILED, reason)
        after = replace(
            state,
            next_at=_later(now, trigger, failures),
            evaluated_at=now,
            outcome=Outcome.FAILED,
            reason=reason,
            failures=failures,
        )
        return Step(state, after, evaluation, note=f"the poll failed: {reason}")


def _later(now: datetime, trigger: PollingTrigger, failures: int) -> datetime:
    """After the interval, which doubles with each failure in a row up to an hour."""
    longest = max(_LONGEST, trigger.interval)
    doubled: int = 2 ** min(max(failures - 1, 0), 10)
    return now + min(trigger.interval * doubled, longest)
