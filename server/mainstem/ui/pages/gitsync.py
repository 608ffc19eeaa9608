"""Git sync: how each source stands, what it brought, and what a sync would change."""

from typing import TYPE_CHECKING

from fastapi import APIRouter, Request
from starlette.responses import Response

from mainstem.errors import MainstemError, NotFound
from mainstem.ui import syncs
from mainstem.ui.desk import desk
from mainstem.ui.flash import redirect
from mainstem.ui.render import Frame, link
from mainstem.ui.security import PostedForm

if TYPE_CHECKING:
    from mainstem.gitsync.agent import SyncAgent
    from mainstem.gitsync.sync import SyncResult

router = APIRouter()


@router.get("/gitsync")
def page_gitsync(request: Request) -> Response:
    """A card for each source."""
    return _page(request, None, "")


@router.get("/gitsync/_sources")
def part_sources(request: Request) -> Response:
    """The cards alone."""
    agent = desk(request).services.syncs
    context = {"sources": syncs.sources(agent) if agent else []}
    return desk(request).renderer.part(request, "gitsync_sources", context)


@router.post("/gitsync/_sync")
def sync(request: Request, form: PostedForm) -> Response:
    """Ask for a sync now, or show at once what it would do."""
    agent = desk(request).services.syncs
    name = str(form.get("source") or "")
    if agent is None:
        raise NotFound("no Git source is configured")
    if not form.get("dry"):
        agent.request(name)
        return redirect(link("gitsync"), f"Asked for a sync of {name}")
    try:
        result = agent.sync(name, dry_run=True)
    except MainstemError as error:
        return _page(request, None, f"The dry run of {name} failed: {error}")
    return _page(request, result, "")


def _page(request: Request, result: "SyncResult | None", notice: str) -> Response:
    here = desk(request)
    agent: SyncAgent | None = here.services.syncs
    cards = syncs.sources(agent, result) if agent else []
    topics = tuple(f"sync:{card.name}" for card in cards)[:10]
    context = {"sources": cards, "notice": notice, "is_live": result is None}
    return here.renderer.page(
        request, "gitsync", Frame("gitsync", "Git sync", topics=topics), context
    )
