"""Triggers as users see them: state, switching on and off, what they will do and have done."""

import hashlib
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import Connection

from mainstem.bus.inprocess import DUE, EXECUTIONS, TRIGGERS, Bus
from mainstem.clock import Clock
from mainstem.engine.environment import Constants
from mainstem.errors import Conflict, MainstemError
from mainstem.expr import RenderOptions
from mainstem.ids import IdSource, random_id
from mainstem.model.execution import Execution
from mainstem.model.flow_id import FlowId
from mainstem.model.principal import Permission
from mainstem.model.trigger import (
    Backfill,
    Evaluation,
    Outcome,
    TriggerKey,
    TriggerKind,
    TriggerState,
)
from mainstem.sdk.flow import Flow
from mainstem.sdk.schedule import ScheduledTrigger, following
from mainstem.sdk.trigger import FlowTrigger, PollingTrigger, Trigger, WebhookTrigger
from mainstem.services import access, audit
from mainstem.services.backfills import BackfillService
from mainstem.services.executions import ExecutionService
from mainstem.services.firing import Launcher
from mainstem.services.flow_triggers import FlowTriggers
from mainstem.services.flows import FlowService
from mainstem.services.host import HostServices
from mainstem.services.trigger_parts import TriggerParts
from mainstem.services.trigger_scopes import TriggerScopes
from mainstem.services.webhooks import WebhookService
from mainstem.store import backfills as backfill_rows
from mainstem.store import flows as flow_rows
from mainstem.store import triggers as rows
from mainstem.store.database import Database
from mainstem.store.filter_fields import Order
from mainstem.store.triggers import TriggerFilter

__all__ = ["TriggerFilter", "TriggerService"]

_KINDS: tuple[tuple[type[Trigger], TriggerKind], ...] = (
    (ScheduledTrigger, TriggerKind.SCHEDULE),
    (PollingTrigger, TriggerKind.POLL),
    (WebhookTrigger, TriggerKind.WEBHOOK),
    (FlowTrigger, TriggerKind.FLOW),
)
_INSTANT = timedelta(microseconds=1)
_PART = 500


def _no_constants(_namespace: str) -> Constants:
    return Constants()


_MANY = 50


class TriggerService:
    """Keeps one row per trigger of every current flow."""

    def __init__(  # noqa: PLR0913 - the composition root names them all
        self,
        database: Database,
        flows: FlowService,
        executions: ExecutionService,
        host: HostServices,
        options: RenderOptions,
        clock: Clock,
        bus: Bus,
        *,
        constants: Callable[[str], Constants] = _no_constants,
        ids: IdSource = random_id,
    ) -> None:
        scopes = TriggerScopes(host, options, constants, clock)
        launcher = Launcher(executions, clock, ids)
        self.parts = TriggerParts(database, flows, executions, scopes, launcher, clock, ids, bus)
        self.backfills = BackfillService(self.parts)
        self.webhooks = WebhookService(self.parts)
        self._listeners = FlowTriggers(flows, scopes, launcher, clock)
        self._released = threading.local()
        bus.subscribe((EXECUTIONS,), self._after_commit)

    # following flows and executions

    def flows_changed(
        self, tx: Connection, saved: Sequence[Flow], deleted: Sequence[FlowId]
    ) -> None:
        """Follow the flows within the transaction that changes them."""
        # A first sync brings thousands of flows: one question for all instead of one each.
        known = rows.flows_with_any(tx) if len(saved) > _MANY else None
        for flow in saved:
            if known is None or flow.triggers or flow.flow_id in known:
                self._follow(tx, flow)
        for flow_id in deleted:
            self._remove(tx, [state.key for state in rows.of_flow(tx, flow_id)])

    def react(self, tx: Connection, moved: Sequence[Execution]) -> Sequence[Execution]:
        """Executions that Flow triggers start because others changed state.

        Frees the triggers of those that ended, and switches off what `stopAfter` says.
        """
        ended = [item for item in moved if item.trigger is not None and item.state.is_terminal]
        if ended:
            self._stop_after(tx, ended)
            freed = rows.unlock(tx, [item.id for item in ended])
            if freed or any(_has_date(item) for item in ended):
                self._released.any = True
        return self._listeners.react(tx, moved)

    def _after_commit(self, _topic: str) -> None:
        """Wake the scheduler once a transaction that freed a trigger or a slot is through.

        The executor publishes from the thread that committed, hence the thread's own mark.
        """
        if getattr(self._released, "any", False):
            self._released.any = False
            self.parts.bus.publish(TRIGGERS, DUE)

    def _stop_after(self, tx: Connection, ended: Sequence[Execution]) -> None:
        now = self.parts.clock.now()
        known: dict[TriggerKey, TriggerState | None] = {}
        for item in ended:
            assert item.trigger is not None
            key = TriggerKey(item.flow, item.trigger.id)
            if key not in known:
                known[key] = rows.find(tx, key)
            state = known[key]
            if state is None or state.disabled or item.state not in state.stop_after:
                continue
            rows.set_disabled(tx, key, True, None)
            known[key] = None
            reason = f"switched off: execution {item.id} is {item.state} (stopAfter)"
            stopped = Evaluation(key, now, Outcome.SKIPPED, reason, execution_id=item.id)
            rows.add_evaluations(tx, [stopped])

    def _follow(self, tx: Connection, flow: Flow) -> None:
        known = {state.key.id: state for state in rows.of_flow(tx, flow.flow_id)}
        if not flow.triggers and not known:
            return
        head = flow_rows.latest(tx, flow.flow_id)
        pinned = flow.model_copy(update={"revision": head.revision})
        wanted = [self._row(pinned, trigger, known.get(trigger.id)) for trigger in flow.triggers]
        rows.put(tx, [state for state in wanted if state != known.get(state.key.id)])
        kept = {trigger.id for trigger in flow.triggers}
        self._remove(tx, [state.key for name, state in known.items() if name not in kept])

    def _remove(self, tx: Connection, keys: Sequence[TriggerKey]) -> None:
        rows.remove(tx, keys)
        now = self.parts.clock.now()
        backfill_rows.cancel_of(tx, keys, now, "the flow no longer has this trigger")

    def _row(self, flow: Flow, trigger: Trigger, known: TriggerState | None) -> TriggerState:
        """The row of a trigger as it is now; what users and dates left on it stays."""
        state = TriggerState(
            key=TriggerKey(flow.flow_id, trigger.id),
            type=trigger.type,
            kind=next(
                (kind for base, kind in _KINDS if isinstance(trigger, base)), TriggerKind.OTHER
            ),
            revision=flow.revision or 1,
            definition_hash=_hash(trigger),
            asleep=trigger.disabled or flow.disabled,
            stop_after=trigger.stop_after,
        )
        if known is None or known.type != trigger.type:
            return replace(state, next_at=self._first(flow, trigger))
        kept = replace(
            known,
            revision=state.revision,
            definition_hash=state.definition_hash,
            asleep=state.asleep,
            stop_after=state.stop_after,
        )
        woken = known.asleep and not state.asleep
        if known.definition_hash == state.definition_hash and not woken:
            return kept
        return replace(kept, next_at=self._next_of_changed(flow, trigger, known, woken=woken))

    def _first(self, flow: Flow, trigger: Trigger) -> datetime | None:
        if isinstance(trigger, PollingTrigger):
            return self.parts.clock.now()
        if not isinstance(trigger, ScheduledTrigger):
            return None
        try:
            return trigger.first(self.parts.scopes.schedule(flow))
        except MainstemError:  # looked at again, and reported, when it is due
            return self.parts.clock.now()

    def _next_of_changed(
        self, flow: Flow, trigger: Trigger, known: TriggerState, *, woken: bool
    ) -> datetime | None:
        """The next date under the new definition; one that was due already is not lost."""
        if not isinstance(trigger, ScheduledTrigger) or woken:
            return self._first(flow, trigger)
        ctx = self.parts.scopes.schedule(flow)
        waiting = known.next_at is not None and known.next_at <= ctx.now and known.is_on
        since = known.next_at - _INSTANT if waiting and known.next_at else ctx.now
        return following(trigger, ctx, since)

    # reading

    def get(self, flow: FlowId, trigger_id: str) -> TriggerState:
        """Raises NotFound."""
        return self.parts.state(TriggerKey(flow, trigger_id))

    def of_flow(self, flow: FlowId) -> list[TriggerState]:
        """The triggers of a flow, by id."""
        with self.parts.database.read() as tx:
            return rows.of_flow(tx, flow)

    def search(
        self,
        wanted: TriggerFilter,
        *,
        limit: int = 100,
        offset: int = 0,
        orders: Sequence[Order] = (),
    ) -> tuple[list[TriggerState], int]:
        """A part of the list by namespace, flow and id, and the number of all."""
        with self.parts.database.read() as tx:
            return rows.search(tx, wanted, limit=limit, offset=offset, orders=orders)

    def each(self, wanted: TriggerFilter) -> Iterator[TriggerState]:
        """All that match, read in parts."""
        offset = 0
        while True:
            part, _ = self.search(wanted, limit=_PART, offset=offset)
            yield from part
            offset += _PART
            if len(part) < _PART:
                return

    def next_dates(self, flow: FlowId, trigger_id: str, number: int = 5) -> list[datetime]:
        """The next dates of a schedule in its zone; none for other triggers.

        Raises NotFound, or InvalidInput when a condition cannot be asked.
        """
        access.require(Permission.TRIGGER_OPERATE, flow.namespace)
        state = self.get(flow, trigger_id)
        loaded, trigger = self.parts.loaded(state)
        if not isinstance(trigger, ScheduledTrigger):
            return []
        ctx = self.parts.scopes.schedule(loaded)
        start = max(state.next_at or ctx.now, ctx.now) - _INSTANT
        found: list[datetime] = []
        while len(found) < number:
            date = trigger.next(ctx, found[-1] if found else start)
            if date is None or not trigger.holds(ctx, date):
                break
            found.append(date)
        return [date.astimezone(trigger.zone(ctx)) for date in found]

    def evaluations(self, flow: FlowId, trigger_id: str, limit: int = 20) -> list[Evaluation]:
        """What came of looking at it, newest first."""
        with self.parts.database.read() as tx:
            return rows.evaluations(tx, TriggerKey(flow, trigger_id), limit)

    def open_backfills(self) -> dict[TriggerKey, Backfill]:
        """Backfills that run or are paused, by trigger."""
        return {item.key: item for item in self.backfills.all_open()}

    # acting

    def set_disabled(self, flow: FlowId, trigger_id: str, disabled: bool) -> bool:
        """Switch a trigger; False when there is none.

        One that is switched on goes on from now: what it did not fire meanwhile was not missed.
        """
        access.require(Permission.TRIGGER_OPERATE, flow.namespace)
        key = TriggerKey(flow, trigger_id)
        with self.parts.database.read() as tx:
            state = rows.find(tx, key)
        if state is None:
            return False
        next_at = None
        if not disabled:
            loaded, trigger = self.parts.loaded(state)
            next_at = self._resumed(loaded, trigger)
        if disabled != state.disabled:
            with self.parts.database.write() as tx:
                rows.set_disabled(tx, key, disabled, next_at)
                action = "trigger.disable" if disabled else "trigger.enable"
                audit.of_request(tx, action, str(key), flow.namespace)
            self.parts.bus.publish(TRIGGERS, DUE)
        return True

    def _resumed(self, flow: Flow, trigger: Trigger) -> datetime | None:
        if not isinstance(trigger, ScheduledTrigger):
            return self._first(flow, trigger)
        ctx = self.parts.scopes.schedule(flow)
        return following(trigger, ctx, ctx.now)

    def unlock(self, flow: FlowId, trigger_id: str) -> TriggerState:
        """Free a trigger from the execution it waits for; Conflict when it waits for none."""
        access.require(Permission.TRIGGER_OPERATE, flow.namespace)
        state = self.get(flow, trigger_id)
        if state.execution_id is None:
            raise Conflict("Trigger is not locked")
        with self.parts.database.write() as tx:
            rows.unlock(tx, [state.execution_id])
        self.parts.bus.publish(TRIGGERS, DUE)
        return self.get(flow, trigger_id)

    def restart(self, flow: FlowId, trigger_id: str) -> TriggerState:
        """Free a trigger, forget its failures, and go on from now; raises NotFound."""
        state = self.get(flow, trigger_id)
        loaded, trigger = self.parts.loaded(state)
        fresh = replace(
            state,
            execution_id=None,
            failures=0,
            outcome=None,
            reason=None,
            next_at=self._resumed(loaded, trigger),
        )
        with self.parts.database.write() as tx:
            if state.execution_id is not None:
                rows.unlock(tx, [state.execution_id])
            rows.put(tx, [fresh])
        self.parts.bus.publish(TRIGGERS)
        return self.get(flow, trigger_id)

    def forget(self, flow: FlowId, trigger_id: str) -> None:
        """Drop what is known of a trigger; while its flow has it, it begins anew."""
        access.require(Permission.TRIGGER_OPERATE, flow.namespace)
        state = self.get(flow, trigger_id)
        with self.parts.database.write() as tx:
            self._remove(tx, [state.key])
            if (head := flow_rows.heads(tx, [flow]).get(flow)) and not head.deleted:
                self._follow(tx, self.parts.flows.load(flow, head.revision))
        self.parts.bus.publish(TRIGGERS)


def _hash(trigger: Trigger) -> str:
    """Changes with whatever decides about dates and conditions."""
    shown = trigger.model_dump_json(by_alias=True, exclude={"description", "inputs", "labels"})
    return hashlib.sha256(shown.encode()).hexdigest()


def _has_date(item: Execution) -> bool:
    """Whether it is of a schedule, whose backfill may wait for a place."""
    return item.trigger is not None and "date" in item.trigger.variables
