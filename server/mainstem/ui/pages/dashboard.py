"""The dashboard: how things have gone, what runs, what failed, what comes next."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Final

from fastapi import APIRouter, Request
from starlette.responses import Response

from mainstem.errors import InvalidInput
from mainstem.model.state import ACTIVE, State
from mainstem.services.flows import FlowRevision
from mainstem.services.search import ExecutionFilter
from mainstem.telemetry import request_id
from mainstem.ui import charts, preferences, syncs
from mainstem.ui.desk import Desk, desk
from mainstem.ui.filters import PERIODS
from mainstem.ui.pages.executions import with_notes
from mainstem.ui.render import Frame, link, query_string
from mainstem.ui.triggers import TriggerLine, by_flow

router = APIRouter()
_log = logging.getLogger("mainstem.ui")
_SHOWN: Final = 6
# Enough for a mean, and read in milliseconds however long the period is.
_AMONG: Final = 5_000
_WORDS: Final = (("24h", "24 hours"), ("7d", "7 days"), ("30d", "30 days"))
#: Slots of the chart: how many, and how a slot is called.
_SLOTS: Final = {
    "1h": (30, "%H:%M"),
    "24h": (48, "%H:%M"),
    "7d": (42, "%a %H:%M"),
    "30d": (30, "%d %b"),
}


@dataclass(frozen=True, slots=True)
class Card:
    """A part of the page that may fail alone; `failed` is the id under which the log has why."""

    content: object = None
    failed: str = ""


@dataclass(frozen=True)
class Asked:
    """What the reader wants to see; flows and triggers are read once for all cards."""

    here: Desk
    period: str
    namespace: str
    now: datetime

    @cached_property
    def counts(self) -> Mapping[State, int]:
        """Executions of the period by state."""
        return self.here.services.search.count_by_state(self.wanted)

    @cached_property
    def all_flows(self) -> Sequence[FlowRevision]:
        """Every current flow."""
        return self.here.services.flows.all()

    @property
    def flows(self) -> Sequence[FlowRevision]:
        """Those of the chosen namespace and of the ones below it."""
        inside = f"{self.namespace}."
        return [
            flow
            for flow in self.all_flows
            if not self.namespace or f"{flow.flow.namespace}.".startswith(inside)
        ]

    @cached_property
    def triggers(self) -> Sequence[TriggerLine]:
        """Those of the chosen namespace."""
        found = by_flow(self.here, self.flows) if self.flows else {}
        return [line for lines in found.values() for line in lines]

    @property
    def start(self) -> datetime:
        return self.now - PERIODS[self.period]

    @property
    def wanted(self) -> ExecutionFilter:
        return ExecutionFilter(namespace=self.namespace or None, start=self.start)

    @property
    def query(self) -> str:
        return query_string({"period": self.period, "namespace": self.namespace})


@router.get("/")
def page_dashboard(request: Request) -> Response:
    """The first page."""
    here = desk(request)
    asked = _asked(here, request)
    context = _context(here, request, asked) | {
        "periods": _WORDS,
        "namespaces": sorted({item.flow.namespace for item in asked.all_flows}),
        "refresh": f"{link('_dashboard')}{asked.query}",
    }
    topics = ["executions"]
    if here.services.syncs is not None:
        topics += [f"sync:{source.name}" for source in here.services.syncs.sources][:8]
    frame = Frame("dashboard", "Dashboard", topics=topics)
    return here.renderer.page(request, "dashboard", frame, context)


@router.get("/_dashboard")
def part_dashboard(request: Request) -> Response:
    """All cards."""
    here = desk(request)
    asked = _asked(here, request)
    return here.renderer.part(request, "dashboard", _context(here, request, asked))


def _asked(here: Desk, request: Request) -> Asked:
    period = request.query_params.get("period") or "24h"
    if period not in PERIODS:
        raise InvalidInput(f"`{period}` is not a period: choose one of {', '.join(PERIODS)}")
    return Asked(here, period, request.query_params.get("namespace", ""), here.clock.now())


def _context(here: Desk, request: Request, asked: Asked) -> dict[str, object]:
    zone = preferences.read(request).timezone
    return {
        "period": asked.period,
        "namespace": asked.namespace,
        "first_run": _card(lambda: _first_run(here, asked)).content,
        "summary": _card(lambda: _summary(here, asked)),
        "bars": _card(lambda: _bars(here, asked, lambda at: at.astimezone(zone))),
        "failures": _card(lambda: _latest(here, asked, (State.FAILED, State.WARNING))),
        "running": _card(lambda: _open(here, asked)),
        "upcoming": _card(lambda: _upcoming(asked)),
        "slowest": _card(lambda: _slowest(here, asked)),
        "syncs": _card(lambda: _syncs(here)),
    }


def _card(load: Callable[[], object]) -> Card:
    try:
        return Card(load())
    except Exception:
        _log.exception("a card of the dashboard failed")
        return Card(failed=request_id() or "-")


def _first_run(here: Desk, asked: Asked) -> list[dict[str, object]] | None:
    """A checklist until the first execution exists."""
    if asked.counts or here.services.search.page(ExecutionFilter(), limit=1).executions:
        return None
    flows = here.services.flows.namespaces()
    has_source = here.services.syncs is not None and bool(here.services.syncs.sources)
    return [
        {
            "title": "Connect a Git repository", "done": has_source or bool(flows),
            "text": "Flows and files come out of Git, as one set for each commit.",
            "href": link("gitsync"), "action": "Git sync",
        },
        {
            "title": "Get the first flow", "done": bool(flows),
            "text": "Put a YAML file into the folder flows of the repository.",
            "href": link("flows"), "action": "Flows",
        },
        {
            "title": "Run it", "done": False,
            "text": "Execute a flow by hand, or wait for its schedule.",
            "href": link("flows"), "action": "Choose a flow",
        },
    ]  # fmt: skip


def _summary(here: Desk, asked: Asked) -> dict[str, object]:
    counts = asked.counts
    still_open = here.services.search.count_by_state(
        ExecutionFilter(namespace=asked.namespace or None, states=tuple(ACTIVE))
    )
    ended = sum(n for state, n in counts.items() if state.is_terminal)
    load = here.services.load() if here.services.load else None
    return {
        "succeeded": counts.get(State.SUCCESS, 0) + counts.get(State.WARNING, 0),
        "ended": ended,
        "failed": counts.get(State.FAILED, 0),
        "failed_note": f"and {counts[State.KILLED]} killed" if counts.get(State.KILLED) else "",
        "running": sum(n for state, n in still_open.items() if state.is_running),
        "running_note": f"{load[0]} of {load[1]} worker places used" if load else "",
        "queued": still_open.get(State.QUEUED, 0) + still_open.get(State.CREATED, 0),
        "flows": len(asked.flows),
        "triggers": len(asked.triggers),
    }


def _bars(here: Desk, asked: Asked, local: Callable[[datetime], datetime]) -> dict[str, object]:
    number, pattern = _SLOTS[asked.period]
    length = PERIODS[asked.period] / number
    start = _rounded(asked.now, length) - length * (number - 1)
    found = here.services.search.slots(asked.wanted, start=start, length=length, number=number)
    slots = [
        charts.Slot(
            local(slot.start).strftime(pattern),
            slot.counts,
            link("executions", since=asked.period, namespace=asked.namespace),
        )
        for slot in found
    ]
    head, rows = charts.bars_table(slots)
    return {
        "drawing": charts.stacked_bars(slots, label="Executions by time and state"),
        "head": head,
        "rows": rows,
    }


def _rounded(moment: datetime, length: timedelta) -> datetime:
    seconds = length.total_seconds()
    return datetime.fromtimestamp(moment.timestamp() // seconds * seconds, moment.tzinfo)


def _latest(here: Desk, asked: Asked, states: Sequence[State]) -> object:
    wanted = ExecutionFilter(namespace=asked.namespace or None, states=states, start=asked.start)
    return with_notes(here, here.services.search.page(wanted, limit=_SHOWN).executions)


def _open(here: Desk, asked: Asked) -> object:
    wanted = ExecutionFilter(namespace=asked.namespace or None, states=tuple(ACTIVE))
    return with_notes(here, here.services.search.page(wanted, limit=_SHOWN).executions)


def _upcoming(asked: Asked) -> list[TriggerLine]:
    dated = [(line.next_at, line) for line in asked.triggers if line.next_at and line.is_on]
    dated.sort(key=lambda pair: pair[0])
    return [line for _, line in dated[:_SHOWN]]


def _slowest(here: Desk, asked: Asked) -> list[dict[str, object]]:
    return [
        {
            "namespace": item.flow.namespace, "id": item.flow.id,
            "count": item.count, "seconds": item.mean,
        }
        for item in here.services.search.slowest(asked.wanted, _SHOWN, _AMONG)
    ]  # fmt: skip


def _syncs(here: Desk) -> list[dict[str, object]]:
    if here.services.syncs is None:
        return []
    return [
        {
            "name": line.name, "commit": line.commit, "message": line.message,
            "at": line.checked_at or line.at, "family": line.look.family,
            "icon": line.look.icon, "word": line.look.word,
        }
        for line in syncs.sources(here.services.syncs)
    ]  # fmt: skip
