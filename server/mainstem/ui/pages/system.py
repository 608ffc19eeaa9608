"""System: loops, workers and what waits for them, facts, and all of it as a file."""

import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from datetime import datetime

from fastapi import APIRouter, Request
from starlette.responses import Response

from mainstem.errors import Conflict, NotFound
from mainstem.model.state import ACTIVE, State
from mainstem.services.search import ExecutionFilter
from mainstem.services.workers import StoredWorker
from mainstem.ui import format as words
from mainstem.ui.desk import Desk, Part, desk
from mainstem.ui.downloads import attachment
from mainstem.ui.flash import redirect
from mainstem.ui.render import Frame, link
from mainstem.ui.security import PostedForm

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


@dataclass(frozen=True, slots=True)
class WorkerLine:
    """A worker with how it is doing."""

    worker: StoredWorker
    family: str
    icon: str
    word: str


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


@router.post("/system/_drain")
def drain(request: Request, form: PostedForm) -> Response:
    """Let a worker finish what it has and take nothing more, or go on."""
    draining = form.get("draining") == "true"
    try:
        desk(request).services.workers.drain(str(form.get("worker") or ""), draining=draining)
    except (Conflict, NotFound) as error:
        return redirect(link("system"), error.message)
    said = "The worker takes nothing more" if draining else "The worker takes jobs again"
    return redirect(link("system"), said)


@router.get("/system/_diagnostics")
def diagnostics(request: Request) -> Response:
    """What the page says and the figures behind it, for a report; nothing of it is secret."""
    here = desk(request)
    now = here.clock.now()
    services = here.services
    found = {
        "at": now,
        "facts": dict(services.facts),
        "services": services.parts(),
        "workers": services.workers.workers(),
        "queue": services.workers.queue(),
        "figures": services.measures.stored(now),
    }
    content = json.dumps(_plain(found), indent=2).encode()
    name = f"mainstem-diagnostics-{now:%Y-%m-%dT%H-%M-%S}.json"
    return attachment(name, io.BytesIO(content), len(content))


def _plain(value: object) -> object:
    """Objects by the names of their fields; whatever JSON lacks as it prints."""
    if is_dataclass(value):
        return {item.name: _plain(getattr(value, item.name)) for item in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value if isinstance(value, int | float | str | None) else str(value)


def _workers(here: Desk, now: datetime) -> list[WorkerLine]:
    workers = here.services.workers
    return [_worker(worker, now, workers.lost_seconds) for worker in workers.workers()]


def _worker(worker: StoredWorker, now: datetime, lost_seconds: float) -> WorkerLine:
    quiet = (now - worker.seen_at).total_seconds()
    look = ("success", "check", "Running")
    if quiet > lost_seconds:
        look = ("failed", "x", f"Silent for {words.duration(quiet)}")
    elif worker.draining:
        look = ("warning", "pause", "Draining" if worker.busy else "Drained")
    return WorkerLine(worker, *look)


def _context(here: Desk) -> dict[str, object]:
    now = here.clock.now()
    workers = here.services.workers
    return {
        "workers": _workers(here, now),
        "can_drain": workers.can_drain,
        "queue": workers.queue(),
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
