"""System: the loops of this process, its load and its facts."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from fastapi import APIRouter, Request
from starlette.responses import Response

from mainstem.model.state import ACTIVE, State
from mainstem.services.search import ExecutionFilter
from mainstem.ui import format as words
from mainstem.ui.desk import Desk, Part, desk
from mainstem.ui.render import Frame

router = APIRouter()
_SILENT = 3


@dataclass(frozen=True, slots=True)
class PartLine:
    """A loop with how it is doing."""

    name: str
    family: str
    icon: str
    word: str
    seen_at: datetime | None
    note: str


@router.get("/system")
def page_system(request: Request) -> Response:
    """Everything about this server."""
    here = desk(request)
    return here.renderer.page(request, "system", Frame("system", "System"), _context(here))


@router.get("/system/_status")
def part_status(request: Request) -> Response:
    """The same without its frame."""
    here = desk(request)
    return here.renderer.part(request, "system", _context(here))


def _context(here: Desk) -> dict[str, object]:
    now = here.clock.now()
    return {
        "services": [part_line(part, now) for part in here.services.parts()],
        "figures": _figures(here),
        "facts": list(here.services.facts.items()),
    }


def part_line(part: Part, now: datetime) -> PartLine:
    """A loop is late when it has missed three of its rounds, and failing when the last one did."""
    quiet = (now - part.seen_at).total_seconds() if part.seen_at else None
    if part.error:
        return PartLine(part.name, "failed", "x", "Failing", part.seen_at, part.error)
    if quiet is None:
        return PartLine(part.name, "neutral", "circle", "Starting", None, part.note)
    if quiet > max(_SILENT * part.interval_seconds, 10):
        note = f"silent for {words.duration(quiet)}"
        return PartLine(part.name, "warning", "triangle-alert", "Late", part.seen_at, note)
    return PartLine(part.name, "success", "check", "Running", part.seen_at, part.note)


def _figures(here: Desk) -> Sequence[dict[str, str]]:
    counts = here.services.search.count_by_state(ExecutionFilter(states=tuple(ACTIVE)))
    running = sum(n for state, n in counts.items() if state.is_running)
    figures = [
        _figure("Running", words.number(running), "executions", "running", "play"),
        _figure("Queued", words.number(counts.get(State.QUEUED, 0)), "executions", "", "clock"),
        _figure(
            "Paused", words.number(counts.get(State.PAUSED, 0)), "executions", "paused", "pause"
        ),
    ]
    if here.services.load is not None:
        busy, places = here.services.load()
        note = words.percent(busy, places)
        figures.append(_figure("Worker places", f"{busy} / {places}", note, "", "server"))
    pages = here.live.streams
    figures.append(_figure("Live pages", words.number(pages), "browser tabs", "", "eye"))
    return figures


def _figure(label: str, text: str, note: str, family: str, symbol: str) -> dict[str, str]:
    return {"label": label, "text": text, "note": note, "family": family, "symbol": symbol}
