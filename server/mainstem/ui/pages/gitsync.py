"""Git sync: how each source stands, what it brought, and what a sync would change."""

from typing import TYPE_CHECKING

from fastapi import APIRouter, Request
from starlette.responses import Response

from mainstem.errors import MainstemError, NotFound
from mainstem.ui import syncs
from mainstem.ui.desk import desk
from mainstem.ui.flash import redirect
from mainstem.ui.render import Crumb, Frame, link
from mainstem.ui.security import PostedForm

if TYPE_CHECKING:
    from mainstem.gitsync.agent import SyncAgent
    from mainstem.gitsync.sync import SyncResult

router = APIRouter()
CRUMB = Crumb("Git sync", link("gitsync"))


def agent_of(request: Request) -> "SyncAgent":
    """Raises NotFound on a dashboard without a sync agent."""
    agent = desk(request).services.syncs
    if agent is None:
        raise NotFound("no Git source is configured")
    return agent


@router.get("/gitsync")
def page_gitsync(request: Request) -> Response:
    """A card for each source."""
    here = desk(request)
    agent = here.services.syncs
    cards = syncs.sources(agent) if agent else []
    topics = tuple(f"sync:{card.name}" for card in cards)[:10]
    frame = Frame("gitsync", "Git sync", topics=topics)
    return here.renderer.page(request, "gitsync", frame, {"sources": cards})


@router.get("/gitsync/_sources")
def part_sources(request: Request) -> Response:
    """The cards alone."""
    agent = desk(request).services.syncs
    context = {"sources": syncs.sources(agent) if agent else []}
    return desk(request).renderer.part(request, "gitsync_sources", context)


@router.get("/gitsync/{name}")
def page_source(request: Request, name: str) -> Response:
    """One source: conditions, problems, drift, timeline."""
    return _source(request, name)


@router.get("/gitsync/{name}/_source")
def part_source(request: Request, name: str) -> Response:
    """The source's page without its frame."""
    context = _context(request, name, None)
    return desk(request).renderer.part(request, "gitsync_source", context)


@router.get("/gitsync/{name}/syncs/{number}")
def page_run(request: Request, name: str, number: int) -> Response:
    """One sync: its plan, problems and resulting revisions."""
    agent = agent_of(request)
    run = agent.run(name, number)
    status = next((s for s in agent.statuses() if s.name == name), None)
    context = {
        "name": name,
        "run": run,
        "line": syncs.history([run], status.good_commit if status else None)[0],
        "items": syncs.plan_items(run.changes, run.revisions),
    }
    frame = Frame("gitsync", run.commit[:12], (CRUMB, Crumb(name, link("gitsync", name))))
    return desk(request).renderer.page(request, "gitsync_run", frame, context)


@router.post("/gitsync/_sync")
def sync(request: Request, form: PostedForm) -> Response:
    """Ask for a sync now, or show at once what it would do."""
    agent = agent_of(request)
    name = str(form.get("source") or "")
    if not form.get("dry"):
        agent.request(name)
        return redirect(link("gitsync", name), f"Asked for a sync of {name}")
    try:
        result = agent.sync(name, dry_run=True, with_differences=True)
    except MainstemError as error:
        return _source(request, name, notice=f"The dry run of {name} failed: {error}")
    return _source(request, name, result)


@router.post("/gitsync/{name}/_switch")
def switch(request: Request, name: str, form: PostedForm) -> Response:
    """Suspend, resume, go back to a commit, follow the branch again, or discard edits."""
    agent = agent_of(request)
    action = str(form.get("action") or "")
    registry = agent.registry
    try:
        if action == "suspend":
            registry.suspend(name)
            said = f"{name} is suspended"
        elif action == "resume":
            registry.resume(name)
            agent.request(name)
            said = f"{name} is resumed"
        elif action == "pin":
            agent.roll_back(name, str(form.get("commit") or ""))
            said = f"{name} went to {str(form.get('commit'))[:8]} and stays there"
        elif action == "unpin":
            registry.unpin(name)
            agent.request(name, "unpin")
            said = f"{name} follows its branch again"
        elif action == "heal":
            agent.sync(name, heal=True)
            said = f"{name} is as in Git again"
        else:
            raise NotFound(f"there is nothing like `{action}` to do")
    except MainstemError as error:
        return _source(request, name, notice=error.message)
    return redirect(link("gitsync", name), said)


def _source(
    request: Request, name: str, result: "SyncResult | None" = None, notice: str = ""
) -> Response:
    context = {**_context(request, name, result), "notice": notice, "is_live": result is None}
    frame = Frame("gitsync", name, (CRUMB,), topics=(f"sync:{name}",))
    return desk(request).renderer.page(request, "gitsync_source", frame, context)


def _context(request: Request, name: str, result: "SyncResult | None") -> dict[str, object]:
    agent = agent_of(request)
    found = syncs.sources(agent, result, only=agent.registry.get(name).source.name)[0]
    return {
        "s": found,
        "events": agent.events(name, 20),
        "event_look": syncs.event_look,
        "history": syncs.history(agent.history(name, 20), found.commit),
        "drift": agent.drift(name, 50) if found.drifted else [],
        "host": str(request.base_url).rstrip("/").removesuffix("/ui"),
    }
