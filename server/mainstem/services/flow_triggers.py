"""Flow triggers: executions that start because those of other flows changed state.

Everything happens in the transaction that commits the change, so that each change is seen
exactly once whatever dies when.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection

from mainstem.clock import Clock
from mainstem.errors import MainstemError
from mainstem.model.execution import Execution
from mainstem.model.trigger import Evaluation, Outcome, TriggerState
from mainstem.sdk.condition import ConditionContext
from mainstem.sdk.flow import Flow
from mainstem.sdk.preconditions import Gathering
from mainstem.sdk.trigger import FlowTrigger, GatheringCondition
from mainstem.services.firing import Fired, Launcher, Shot
from mainstem.services.flows import FlowService
from mainstem.services.reach import Use
from mainstem.services.trigger_scopes import TriggerScopes, Upstream
from mainstem.store import triggers as rows

_log = logging.getLogger("mainstem.triggers")
_MOST_TOLD: Final = 1_000


@dataclass(frozen=True, slots=True)
class _Listener:
    state: TriggerState
    flow: Flow
    trigger: FlowTrigger


class FlowTriggers:
    """Asks every Flow trigger that is on about executions that changed state."""

    def __init__(
        self, flows: FlowService, scopes: TriggerScopes, launcher: Launcher, clock: Clock
    ) -> None:
        self._flows = flows
        self._scopes = scopes
        self._launcher = launcher
        self._clock = clock
        self._told: set[tuple[str, str]] = set()

    def react(self, tx: Connection, moved: Sequence[Execution]) -> list[Execution]:
        """Insert what these changes start, and return it."""
        listeners = [item for state in rows.listening(tx) if (item := self._listener(state))]
        started = []
        for execution in moved:
            upstream: Upstream | None = None
            for listener in listeners:
                if execution.flow == listener.flow.flow_id:
                    continue
                if execution.state not in listener.trigger.states:
                    continue
                if not self._may_follow(listener, execution):
                    continue
                upstream = upstream or Upstream(tx, execution, self._flow_of)
                fired = self._ask(tx, listener, upstream)
                if fired is not None:
                    started.append(fired)
        return started

    def _may_follow(self, listener: _Listener, execution: Execution) -> bool:
        """Asked before conditions, whose expressions would already look at the execution."""
        own, other = listener.flow.namespace, execution.flow.namespace
        if self._scopes.host.reach.allows(own, other, Use.FOLLOW_FLOW):
            return True
        if (own, other) not in self._told and len(self._told) < _MOST_TOLD:
            self._told.add((own, other))
            _log.info(
                "Flow triggers do not see executions that their namespace may not follow",
                extra={"namespace": own, "other": other},
            )
        return False

    def _listener(self, state: TriggerState) -> _Listener | None:
        try:
            flow = self._flows.load(state.key.flow, state.revision)
        except MainstemError as error:
            _log.warning(
                "a Flow trigger cannot be asked",
                extra={"trigger": str(state.key), "reason": error.message},
            )
            return None
        found = next((item for item in flow.triggers if item.id == state.key.id), None)
        return _Listener(state, flow, found) if isinstance(found, FlowTrigger) else None

    def _flow_of(self, execution: Execution) -> Flow:
        return self._flows.load(execution.flow, execution.revision)

    def _ask(self, tx: Connection, listener: _Listener, upstream: Upstream) -> Execution | None:
        trigger = listener.trigger
        ctx = self._scopes.upstream(listener.flow, upstream)
        plain = [c for c in trigger.conditions if not isinstance(c, GatheringCondition)]
        if not all(_holds(condition.test, ctx, listener) for condition in plain):
            return None
        gatherings = [c.gathering for c in trigger.conditions if isinstance(c, GatheringCondition)]
        if trigger.preconditions is not None:
            gatherings.append(trigger.preconditions.gathering)
        complete = [self._gather(tx, listener, item, ctx) for item in gatherings]
        if not all(complete):
            return None
        for gathering in gatherings:
            if gathering.reset_on_success:
                rows.gather(tx, listener.state.key, gathering.id, {})
        return self._fire(tx, listener, upstream)

    def _gather(
        self, tx: Connection, listener: _Listener, gathering: Gathering, ctx: ConditionContext
    ) -> bool:
        """Note which parts hold for this execution; whether now all of them have held."""
        zone = self._scopes.options.timezone
        now = ctx.now.astimezone(zone)
        before = rows.gathered(tx, listener.state.key, gathering.id)
        window = gathering.window
        kept = {
            name: at
            for name, at in before.items()
            if name in gathering.parts and window.keeps(at.astimezone(zone), now)
        }
        if window.keeps(now, now):
            for name, part in gathering.parts.items():
                if _holds(part, ctx, listener):
                    kept[name] = now
        if kept != before:
            rows.gather(tx, listener.state.key, gathering.id, kept)
        return len(kept) == len(gathering.parts)

    def _fire(self, tx: Connection, listener: _Listener, upstream: Upstream) -> Execution | None:
        key, now = listener.state.key, self._clock.now()
        shot = Shot(listener.flow, listener.trigger, upstream.described())
        base = self._scopes.upstream_rendering(listener.flow, upstream)
        source = f"{upstream.execution.flow} {upstream.execution.id}"
        try:
            # The roots of the shot lack `outputs`, which the upstream's variables have.
            execution = self._launcher.prepare_or_refuse(shot, lambda value, _: base(value, {}))
        except Exception as error:  # whatever it is, the upstream execution must go on
            reason = f"{source}: {_said(error)}"
            failed = Evaluation(key, now, Outcome.FAILED, reason)
            rows.note(tx, key, failed)
            rows.add_evaluations(tx, [failed])
            _log.warning("a Flow trigger failed", extra={"trigger": str(key), "reason": reason})
            return None
        reason = f"{source} is {upstream.execution.state}"
        done = Evaluation(key, now, Outcome.FIRED, reason, execution_id=execution.id)
        self._launcher.insert(tx, Fired(execution))
        rows.note(tx, key, done)
        rows.add_evaluations(tx, [done])
        return execution


def _holds(
    test: Callable[[ConditionContext], bool], ctx: ConditionContext, listener: _Listener
) -> bool:
    """Whether a condition holds; one that cannot be asked does not."""
    try:
        return test(ctx)
    except Exception as error:  # conditions are plug-ins
        _log.warning(
            "a condition cannot be evaluated",
            extra={"trigger": str(listener.state.key), "reason": _said(error)},
        )
        return False


def _said(error: Exception) -> str:
    return error.message if isinstance(error, MainstemError) else repr(error)
