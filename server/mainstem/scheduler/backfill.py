"""Fires the slots of backfills, each as many at a time as it may."""

import logging
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import islice
from typing import Final

from sqlalchemy import Connection

from mainstem.bus.inprocess import DUE, TRIGGERS
from mainstem.errors import MainstemError
from mainstem.model.execution import Execution
from mainstem.model.trigger import Backfill, BackfillState, plan_slot
from mainstem.sdk.flow import Flow
from mainstem.sdk.schedule import ScheduleContext, ScheduledTrigger
from mainstem.services.backfills import remaining_slots
from mainstem.services.firing import Fired, Shot
from mainstem.services.triggers import TriggerService
from mainstem.store import backfills as rows

_log = logging.getLogger("mainstem.scheduler")

_BATCH: Final = 50
LABEL: Final = "system.backfill"


@dataclass(slots=True)
class _Round:
    """What one look at a backfill comes to."""

    shots: list[tuple[datetime, Fired]] = field(default_factory=list)
    skipped: int = 0
    cursor: datetime | None = None
    exhausted: bool = False


class Backfills:
    """Goes through every backfill that runs; a paused one is not even looked at."""

    def __init__(self, triggers: TriggerService) -> None:
        self._triggers = triggers
        self._parts = triggers.parts

    def tick(self) -> bool:
        """Whether some backfill could go on at once."""
        with self._parts.database.read() as tx:
            found = rows.running(tx)
        return any([self._advance(item) for item in found])

    def _advance(self, item: Backfill) -> bool:
        with self._parts.database.read() as tx:
            active = rows.open_executions(tx, item)
        room = min(item.max_active - active, _BATCH)
        if item.exhausted:
            return self._finish(item) if active == 0 else False
        if room <= 0:
            return False
        try:
            round_ = self._look(item, room)
        except MainstemError as error:
            self._hold(item, error.message)
            return False
        return self._commit(item, round_)

    def _look(self, item: Backfill, room: int) -> _Round:
        """Go through the next slots until there is no more room."""
        _, flow, trigger = self._parts.schedule(item.key)
        if flow.disabled:
            raise _disabled(item)
        ctx = self._parts.scopes.schedule(flow)
        found = _Round(cursor=item.cursor, exhausted=True)
        for slot in islice(remaining_slots(item, trigger, ctx), _BATCH * 4):
            if len(found.shots) == room:
                found.exhausted = False
                break
            found.cursor = slot
            if self._runs(item, slot):
                found.shots.append((slot, self._shot(item, flow, trigger, ctx, slot)))
            else:
                found.skipped += 1
        else:
            found.exhausted = len(found.shots) + found.skipped < _BATCH * 4
        return found

    def _runs(self, item: Backfill, slot: datetime) -> bool:
        with self._parts.database.read() as tx:
            known = rows.slot_runs(tx, item.key, slot, slot)
        return plan_slot(item.policy, slot, known.get(slot)).runs

    def _shot(
        self,
        item: Backfill,
        flow: Flow,
        trigger: ScheduledTrigger,
        ctx: ScheduleContext,
        slot: datetime,
    ) -> Fired:
        variables = trigger.variables(ctx, slot.astimezone(trigger.zone(ctx)))
        shot = Shot(flow, trigger, variables, item.inputs, item.labels, {LABEL: item.id})
        return self._parts.launcher.prepare(shot, ctx.render)

    def _commit(self, item: Backfill, found: _Round) -> bool:
        """Write the slots, their executions and the cursor; nothing if it was changed since."""
        started: list[Execution] = []
        after = replace(
            item,
            cursor=found.cursor,
            exhausted=found.exhausted,
            fired=item.fired + len(found.shots),
            skipped=item.skipped + found.skipped,
        )
        with self._parts.database.write() as tx:
            if not rows.save(tx, item, after):
                return True
            for slot, fired in found.shots:
                self._write(tx, item, slot, fired, started)
        self._parts.executions.announce(started)
        self._parts.bus.publish(TRIGGERS, DUE)
        _log.info(
            "a backfill went on",
            extra={"backfill": item.id, "fired": len(found.shots), "skipped": found.skipped},
        )
        return found.exhausted or not found.shots

    def _write(
        self,
        tx: Connection,
        item: Backfill,
        slot: datetime,
        fired: Fired,
        started: list[Execution],
    ) -> None:
        if not rows.take_slot(tx, item.key, slot, fired.execution.id, item.id):
            return
        self._parts.launcher.insert(tx, fired)
        if fired.error is None:
            started.append(fired.execution)
        else:
            started.extend(self._triggers.react(tx, [fired.execution]))

    def _finish(self, item: Backfill) -> bool:
        after = replace(item, state=BackfillState.DONE, ended_at=self._parts.clock.now())
        self._save(item, after)
        return False

    def _hold(self, item: Backfill, reason: str) -> None:
        """Pause what cannot go on without somebody's help, so that no slot is lost."""
        self._save(item, replace(item, state=BackfillState.PAUSED, reason=reason))
        _log.warning("a backfill was paused", extra={"backfill": item.id, "reason": reason})

    def _save(self, seen: Backfill, after: Backfill) -> None:
        with self._parts.database.write() as tx:
            rows.save(tx, seen, after)
        self._parts.bus.publish(TRIGGERS, DUE)


def _disabled(item: Backfill) -> MainstemError:
    return MainstemError(f"flow {item.key.flow} is disabled: enable it and resume the backfill")
