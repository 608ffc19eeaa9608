"""Git sources: how they stand, changing them, and what may be asked of them."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Body, Query
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from mainstem.api import wire
from mainstem.api.answers import answers
from mainstem.api.services import ApiServices, Services
from mainstem.errors import NotFound
from mainstem.gitsync.agent import SourceStatus
from mainstem.gitsync.plan import shown as name_of
from mainstem.gitsync.propose import Edit, propose
from mainstem.gitsync.sources import shown
from mainstem.gitsync.sync import Syncer, SyncResult
from mainstem.model.flow_id import FlowId
from mainstem.services import access

router = APIRouter(tags=["git sync"])
_JSON = dict[str, object]
Definition = Annotated[dict[str, Any], Body(description="As in the settings file.")]


class Pin(BaseModel):
    """The commit to go to: all its digits, or enough of one that was live."""

    model_config = ConfigDict(extra="forbid")

    commit: str = Field(pattern=r"^[0-9a-f]{7,64}$")


class ProposedEdit(BaseModel):
    """A flow's new source, for a branch of its repository."""

    model_config = ConfigDict(extra="forbid")

    namespace: str
    flowId: str
    source: str
    message: str = ""
    branch: str = ""


@router.get("/syncs", **answers(list[_JSON]))
def syncs(services: Services) -> list[wire.Json]:
    """Git sources and how they stand."""
    conditions = services.syncs.conditions()
    return [_standing(services, s, conditions.get(s.name, {})) for s in services.syncs.statuses()]


@router.post("/syncs", **answers(_JSON, 409, status=201))
def add_source(definition: Definition, services: Services) -> wire.Json:
    """Set up a source; secrets in it are sealed, and never given back."""
    source = services.syncs.registry.create(definition)
    return shown(services.syncs.registry.get(source.name))


@router.post("/syncs/_test", **answers(_JSON, 404, 502, 503))
def test_source(definition: Definition, services: Services) -> wire.Json:
    """Try to reach a repository without setting anything up."""
    source = services.syncs.registry.validated(definition)
    return {"commit": None if source.push else services.syncs.test(source)}


@router.get("/syncs/{name}", **answers(_JSON, 404))
def sync_source(name: str, services: Services) -> wire.Json:
    """One source: definition without secrets, status, conditions, events, drift."""
    agent = services.syncs
    wanted = agent.registry.get(name).source.name
    status = next((s for s in agent.statuses() if s.name == wanted), None)
    if status is None:
        raise NotFound(f"there is no Git source {name}")
    return {
        **_standing(services, status, agent.conditions().get(name, {})),
        "definition": shown(agent.registry.get(name)),
        "events": [wire_row(asdict(event)) for event in agent.events(name)],
        "drift": [_drifted(entry) for entry in agent.drift(name)],
    }


@router.put("/syncs/{name}", **answers(_JSON, 404, 409))
def change_source(name: str, definition: Definition, services: Services) -> wire.Json:
    """Replace a source that was set up here; secrets left out stay as they are."""
    services.syncs.registry.update(name, definition)
    return shown(services.syncs.registry.get(name))


@router.delete("/syncs/{name}", **answers(None, 404, 409, status=204))
def remove_source(name: str, services: Services) -> None:
    """Forget a source; its flows and files stay."""
    services.syncs.registry.remove(name)


@router.get("/syncs/{name}/history", **answers(list[_JSON], 404))
def sync_history(
    name: str, services: Services, limit: Annotated[int, Query(ge=1, le=200)] = 20
) -> list[wire.Json]:
    """Commits looked at, newest first."""
    return [wire_row(asdict(run)) for run in services.syncs.history(name, limit)]


@router.post("/syncs/{name}", **answers(_JSON, 404, 502, 503))
def sync_now(
    name: str,
    services: Services,
    dryRun: bool = False,
    diff: bool = False,
    heal: bool = False,
) -> wire.Json:
    """Look at a source now; with `dryRun` nothing changes, with `heal` edits here give way."""
    result = services.syncs.sync(name, dry_run=dryRun, heal=heal, with_differences=diff)
    return _result(result)


@router.post("/syncs/{name}/suspend", **answers(_JSON, 404))
def suspend(name: str, services: Services) -> JSONResponse:
    services.syncs.registry.suspend(name)
    return JSONResponse({"source": name, "suspended": True})


@router.post("/syncs/{name}/resume", **answers(_JSON, 404))
def resume(name: str, services: Services) -> JSONResponse:
    services.syncs.registry.resume(name)
    return JSONResponse({"source": name, "suspended": False})


@router.post("/syncs/{name}/pin", **answers(_JSON, 404, 502, 503))
def pin(name: str, wanted: Pin, services: Services) -> wire.Json:
    """Go to a commit of the past and stay there; the answer is that of the sync."""
    return _result(services.syncs.roll_back(name, wanted.commit))


@router.post("/syncs/{name}/unpin", **answers(_JSON, 404, 502, 503))
def unpin(name: str, services: Services) -> wire.Json:
    """Follow the branch again."""
    services.syncs.registry.unpin(name)
    return _result(services.syncs.sync(name, cause="unpin"))


@router.post("/syncs/{name}/propose", **answers(_JSON, 404, 502, 503, status=201))
def propose_edit(name: str, edit: ProposedEdit, services: Services) -> wire.Json:
    """Push a branch with the changed flow, for review where the repository lives."""
    agent = services.syncs
    syncer = Syncer(agent.shop, agent.registry.get(name).source)
    flow = FlowId(edit.namespace, edit.flowId)
    message = edit.message.strip() or f"Change flow {flow}"
    author = access.principal().name
    wanted = Edit(flow, edit.source, message, edit.branch, author)
    with agent.only(name):
        made = propose(agent.shop, syncer, wanted)
    return asdict(made)


def _standing(
    services: ApiServices, status: SourceStatus, conditions: Mapping[str, Any]
) -> wire.Json:
    agent = services.syncs
    controls = agent.registry.controls(status.name)
    looks_at = agent.next_look(status.name)
    return {
        **wire_row(asdict(status)),
        "conditions": [wire_row(asdict(item)) for item in conditions.values()],
        "suspended": controls.suspended_at is not None,
        "pinned": controls.pin,
        "next_look": wire.moment(looks_at) if looks_at else None,
    }


def _result(result: SyncResult) -> wire.Json:
    return {
        "source": result.source,
        "commit": result.commit.sha,
        "applied": result.applied,
        "plan": result.plan.changes(),
        "counts": result.plan.counts(),
        "revisions": dict(result.revisions),
        "warnings": list(result.plan.warnings),
        "problems": [{**asdict(p), "text": str(p)} for p in result.problems],
        "diff": [{**asdict(d), "unified": d.unified()} for d in result.differences],
    }


def _drifted(entry: Any) -> wire.Json:
    return {"kind": entry.kind, "name": name_of(entry), "path": entry.path}


def wire_row(row: Mapping[str, Any]) -> wire.Json:
    """Moments as text."""
    return {
        key: wire.moment(value) if hasattr(value, "isoformat") else value
        for key, value in row.items()
    }
