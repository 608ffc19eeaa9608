"""A real server over SQLite whose clock and scheduler are moved by hand."""

import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import yaml

from mainstem.app import App
from mainstem.bus.inprocess import EXECUTIONS, TRIGGERS
from mainstem.clock import FrozenClock
from mainstem.model.execution import Execution
from mainstem.model.flow_id import FlowId
from mainstem.model.state import State
from mainstem.model.trigger import TriggerKey, TriggerState
from mainstem.sdk.registry import Registry
from mainstem.services.backfills import NewBackfill
from mainstem.services.search import ExecutionFilter
from mainstem.settings import Settings
from mainstem.store import triggers as rows

NOW = datetime(2024, 5, 15, 10, 20, 30, tzinfo=UTC)
FLOW = FlowId("company", "taxi")
SCHEDULE = "io.kestra.plugin.core.trigger.Schedule"
RETURN = {"id": "out", "type": "io.kestra.plugin.core.debug.Return", "format": "done"}
PAUSE = {"id": "hold", "type": "io.kestra.plugin.core.flow.Pause"}
FAIL = {"id": "fail", "type": "io.kestra.plugin.core.execution.Fail"}


def schedule(cron: str = "0 * * * *", **properties: object) -> dict[str, object]:
    """An hourly schedule `s` unless told otherwise."""
    return {"id": "s", "type": SCHEDULE, "cron": cron, **properties}


class World:
    """One App; its executor runs, its scheduler ticks when told to."""

    def __init__(
        self,
        folder: Path,
        *,
        now: datetime = NOW,
        timezone: str = "UTC",
        registry: Registry | None = None,
        executor: bool = True,
    ) -> None:
        self.clock = FrozenClock(now)
        settings = Settings(state_dir=folder, timezone=timezone)
        self.app = App(settings, clock=self.clock, environment={}, registry=registry)
        self.folder = folder
        self._changed = threading.Event()
        self.app.bus.subscribe((EXECUTIONS, TRIGGERS), lambda _topic: self._changed.set())
        if executor and self.app.cluster is not None:
            self.app.cluster.start()
        elif executor:
            self.app.executor.start()

    def close(self) -> None:
        self.app.stop()

    # making

    def save(
        self,
        *triggers: Mapping[str, object],
        flow: FlowId = FLOW,
        tasks: list[dict[str, object]] | None = None,
        **properties: object,
    ) -> None:
        """Save a flow with these triggers; one task that succeeds unless told otherwise."""
        source = {
            "id": flow.id,
            "namespace": flow.namespace,
            **properties,
            "tasks": tasks or [RETURN],
            "triggers": [dict(item) for item in triggers],
        }
        self.app.flows.save(yaml.safe_dump({k: v for k, v in source.items() if v}))

    def backfill(
        self, start: str, end: str, trigger: str = "s", **properties: object
    ) -> NewBackfill:
        moments = (datetime.fromisoformat(start), datetime.fromisoformat(end))
        return NewBackfill(TriggerKey(FLOW, trigger), *moments, **properties)  # type: ignore[arg-type]

    # moving

    def tick(self, by: timedelta = timedelta(0)) -> None:
        """Move the clock and tick once."""
        self.app.scheduler.tick(self.clock.advance(by))

    def tick_until(self, is_done: Callable[[], bool], timeout: float = 10) -> None:
        """Tick whenever something changes, until it is so."""

        def moved() -> bool:
            self.app.scheduler.tick(self.clock.now())
            return is_done()

        self.wait(moved, timeout)

    def wait(self, is_so: Callable[[], bool], timeout: float = 10) -> None:
        """Wait for it, looking again at each signal."""
        deadline = threading.Event()
        timer = threading.Timer(timeout, lambda: (deadline.set(), self._changed.set()))
        timer.start()
        try:
            while not is_so():
                assert not deadline.is_set(), "it did not happen in time"
                self._changed.wait(0.5)
                self._changed.clear()
        finally:
            timer.cancel()

    def settle(self) -> list[Execution]:
        """Wait until every execution has ended or is paused; returns them by slot or start."""
        self.wait(lambda: all(_is_settled(item) for item in self.executions()))
        return self.executions()

    # looking

    def executions(self, flow: FlowId | None = FLOW) -> list[Execution]:
        """By date of the trigger, else by start."""
        wanted = ExecutionFilter(flows=(flow,)) if flow else ExecutionFilter()
        found = self.app.search.page(wanted, limit=1000).executions
        return sorted(found, key=lambda item: (date_of(item), item.history.started_at))

    def state(self, trigger: str = "s", flow: FlowId = FLOW) -> TriggerState:
        return self.app.triggers.get(flow, trigger)

    def put(self, state: TriggerState) -> None:
        """Overwrite the row of a trigger."""
        with self.app.database.write() as tx:
            rows.put(tx, [state])


def date_of(execution: Execution) -> str:
    """The date that its trigger fired for."""
    variables = execution.trigger.variables if execution.trigger else {}
    return str(variables.get("date", ""))


def _is_settled(execution: Execution) -> bool:
    return execution.state.is_terminal or execution.state in (State.PAUSED, State.QUEUED)
