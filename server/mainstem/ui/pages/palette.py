"""Search and go to: pages, flows, executions by id; ranked on the server."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from fastapi import APIRouter, Request
from starlette.responses import Response

from mainstem.services.search import ExecutionFilter
from mainstem.ui.desk import Desk, desk
from mainstem.ui.render import Frame, execution_link, flow_link, link
from mainstem.ui.states import look

router = APIRouter()
_PAGES: Final = (
    ("Dashboard", "/ui/", "layout-dashboard"),
    ("Flows", link("flows"), "workflow"),
    ("Executions", link("executions"), "list-checks"),
    ("Failed executions", link("executions", state="FAILED"), "x"),
    ("Running executions", link("executions", state="RUNNING"), "play"),
    ("Logs", link("logs"), "scroll-text"),
    ("Errors in logs", link("logs", level="ERROR"), "scroll-text"),
    ("Triggers", link("triggers"), "zap"),
    ("Namespaces", link("namespaces"), "folder-tree"),
    ("Git sync", link("gitsync"), "git-branch"),
    ("System", link("system"), "server"),
    ("Settings", link("settings"), "settings"),
)
_MOST: Final = 8


@dataclass(frozen=True, slots=True)
class Item:
    """One place to go to."""

    label: str
    href: str
    icon: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    """Places of one kind; `first` says that it stands on top."""

    title: str
    items: Sequence[Item]
    first: bool = False


@router.get("/palette")
def page_palette(request: Request) -> Response:
    """The same search as a page of its own, for readers without scripts."""
    frame = Frame("", "Search and go to")
    return desk(request).renderer.page(request, "palette", frame, _context(request))


@router.get("/palette/_results")
def part_results(request: Request) -> Response:
    """What the palette lists while one types."""
    return desk(request).renderer.part(request, "palette", _context(request))


def _context(request: Request) -> dict[str, object]:
    text = request.query_params.get("q", "").strip()
    return {"q": text, "groups": groups(desk(request), text)}


def groups(here: Desk, text: str) -> list[Group]:
    """Flows and executions first when something was typed, pages first otherwise."""
    pages = [Item(label, href, icon) for label, href, icon in _PAGES if rank(text, label)]
    found = [("Flows", _flows(here, text)), ("Executions", _executions(here, text))]
    order = [*found, ("Pages", pages)] if text else [("Pages", pages), *found]
    filled = [(title, items) for title, items in order if items]
    return [Group(title, items, i == 0) for i, (title, items) in enumerate(filled)]


def _flows(here: Desk, text: str) -> list[Item]:
    flows = here.services.flows.all()
    ranked = [(rank(text, f"{f.flow.id} {f.flow.namespace}"), f) for f in flows]
    best = sorted(((r, f) for r, f in ranked if r), key=lambda pair: (-pair[0], pair[1].flow))
    items = []
    for _, item in best[:_MOST]:
        flow = item.flow
        items.append(Item(flow.id, flow_link(flow.namespace, flow.id), "workflow", flow.namespace))
    if text and len(best) == 1 and not best[0][1].disabled:
        flow = best[0][1].flow
        href = flow_link(flow.namespace, flow.id, "execute")
        items.append(Item(f"Execute {flow.id}", href, "play", flow.namespace))
    return items


def _executions(here: Desk, text: str) -> list[Item]:
    wanted = ExecutionFilter(text=text.lstrip("#") or None)
    found = here.services.search.page(wanted, limit=_MOST if text else 5).executions
    return [
        Item(
            f"{e.id[:8]}  {e.flow.id}",
            execution_link(e.flow.namespace, e.flow.id, e.id),
            look(e.state).icon,
            look(e.state).word,
        )
        for e in found
    ]


def rank(text: str, label: str) -> int:
    """How well a label answers; 0 is not at all. Letters in order suffice, words count more."""
    wanted, given = text.lower(), label.lower()
    if not wanted or given.startswith(wanted):
        return 4
    if wanted in given:
        return 3
    if all(word in given for word in wanted.split()):
        return 2
    position = 0
    for letter in wanted.replace(" ", ""):
        position = given.find(letter, position) + 1
        if not position:
            return 0
    return 1
