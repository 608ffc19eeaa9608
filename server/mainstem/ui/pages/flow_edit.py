"""The flow editor: a text area that the server checks, and a view of conflicts.

It works without JavaScript. With it, the text is coloured, checked and drawn while one types.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from fastapi import APIRouter, Request
from starlette.responses import Response

from mainstem.bus.inprocess import FLOWS
from mainstem.errors import Conflict, InvalidInput, MainstemError, NotFound
from mainstem.flowspec.parse import ParsedFlow
from mainstem.flowspec.problems import Problem
from mainstem.gitsync.propose import Edit, Proposal, propose
from mainstem.gitsync.sources import Managed
from mainstem.gitsync.sync import Syncer
from mainstem.model.flow_id import FlowId
from mainstem.model.principal import Permission
from mainstem.sdk.flow import Flow
from mainstem.services import access
from mainstem.services.flows import FlowRevision, InvalidFlow
from mainstem.ui import diff, painting, topology_svg
from mainstem.ui.desk import Desk, desk
from mainstem.ui.flash import redirect
from mainstem.ui.outline import outline
from mainstem.ui.pages.flow import PATH, common, frame_of, shown
from mainstem.ui.render import Crumb, Frame, flow_link, link
from mainstem.ui.security import PostedForm
from mainstem.ui.tidy import tidy

router = APIRouter()
_LARGEST: Final = 1_000_000
_STARTER: Final = """id: {id}
namespace: {namespace}

inputs:
  - id: name
    type: STRING
    defaults: world

tasks:
  - id: hello
    type: io.kestra.plugin.core.log.Log
    message: Hello, {{{{ inputs.name }}}}
"""


@dataclass(frozen=True, slots=True)
class UsedType:
    """A type that the source uses, and what it is for."""

    name: str
    summary: str


def checked(here: Desk, source: str, expected: FlowId | None) -> dict[str, object]:
    """What the editor shows beside a source: problems, drawing, the types in use."""
    parsed = here.services.flows.parse(source)
    problems = [*parsed.problems]
    if parsed.flow is not None and expected is not None and parsed.flow.flow_id != expected:
        text = f"this is flow `{parsed.flow.flow_id}`: id and namespace cannot change"
        problems.append(Problem(None, 1, 1, "identity", text))
    drawn = painting.from_source(source)
    return {
        "found": problems,
        "errors": sum(problem.is_error for problem in problems),
        "drawing": topology_svg.draw(drawn, here.assets.url("icons.svg"), label="Tasks"),
        "types": _types(here, parsed),
        "outline": outline(source),
    }


def _types(here: Desk, parsed: ParsedFlow) -> list[UsedType]:
    if parsed.flow is None:
        return []
    names = sorted(_names(parsed.flow))
    found = []
    for name in names:
        kind = here.services.flows.registry.find(name)
        summary = (kind.__doc__ or "").strip().partition("\n")[0]
        found.append(UsedType(here.services.flows.registry.canonical(name), summary))
    return found


def _names(flow: Flow) -> set[str]:
    return {task.type for task in flow.all_tasks()} | {trigger.type for trigger in flow.triggers}


@router.post("/flows/_check")
def part_check(request: Request, form: PostedForm) -> Response:
    """Problems and drawing of the text under way."""
    here = desk(request)
    namespace, flow_id = str(form.get("namespace") or ""), str(form.get("flow") or "")
    expected = FlowId(namespace, flow_id) if flow_id else None
    context = checked(here, source_of(form), expected)
    return here.renderer.part(request, "flow_check", context)


def source_of(form: Mapping[str, object]) -> str:
    """Browsers send line breaks of two characters."""
    source = str(form.get("source") or "").replace("\r\n", "\n")
    if len(source) > _LARGEST:
        raise InvalidInput(f"a flow may hold {_LARGEST:,} characters")
    return source


@router.get("/flows/new")
def page_new(request: Request, namespace: str = "", id: str = "") -> Response:
    """A new flow from a starter."""
    starter = _STARTER.format(id=id or "my-flow", namespace=namespace or "company.team")
    return _new(request, starter)


def _new(request: Request, source: str, error: str = "", status: int = 200) -> Response:
    here = desk(request)
    context = checked(here, source, None) | {
        "source": source,
        "seen": 0,
        "error": error,
        "action": link("flows", "new"),
        "cancel": link("flows"),
        "expected": None,
        "newer": None,
    }
    frame = Frame("flows", "New flow", (Crumb("Flows", link("flows")),), editor=True)
    return here.renderer.page(request, "flow_new", frame, context, status=status)


@router.post("/flows/new")
def create(request: Request, form: PostedForm) -> Response:
    """Store a flow that is not there yet."""
    source = source_of(form)
    if form.get("act") == "format":
        return _new(request, tidy(source))
    try:
        saved = desk(request).services.flows.save(source, seen=0)
    except (InvalidInput, Conflict) as error:
        status = 409 if isinstance(error, Conflict) else 422
        said = "" if isinstance(error, InvalidFlow) else error.message
        return _new(request, source, said, status)
    return redirect(flow_link(saved.flow.namespace, saved.flow.id), f"Created {saved.flow}")


@router.get(PATH + "/edit")
def page_edit(request: Request, namespace: str, flow_id: str) -> Response:
    """The current source, or that of the revision that the address names."""
    found = shown(desk(request), request, namespace, flow_id)
    return _edit(request, found.id, found.revision.source, found.head.revision)


def _edit(
    request: Request,
    flow_id: FlowId,
    source: str,
    seen: int,
    answer: str | Proposal = "",
    status: int = 200,
) -> Response:
    here = desk(request)
    found = shown(here, request, flow_id.namespace, flow_id.id)
    head = found.head
    context = common(found, "edit") | checked(here, source, flow_id)
    context |= {
        "source": source,
        "seen": head.revision,
        "error": answer if isinstance(answer, str) else "",
        "proposed": None if isinstance(answer, str) else answer,
        "action": f"{found.base}/edit",
        "cancel": found.base,
        "expected": flow_id,
        "conflict": _conflict(here, head, seen, source) if seen != head.revision else None,
        "managed": _managed(here, flow_id),
        "problems": [],
        "newer": None,
    }
    frame = replace(frame_of(found, FLOWS), editor=True)
    return here.renderer.page(request, "flow_edit", frame, context, status=status)


def _managed(here: Desk, flow_id: FlowId) -> Managed | None:
    """The Git source that the flow comes from, if one that is set up owns it."""
    if here.services.syncs is None:
        return None
    return here.services.syncs.registry.managed("flow", flow_id.namespace).get(flow_id.id)


def _conflict(here: Desk, head: FlowRevision, seen: int, source: str) -> dict[str, object] | None:
    """What the others changed, and what this text changes, since both were the same."""
    try:
        base = here.services.flows.revision(head.flow, seen).source
    except NotFound:
        return None
    return {
        "base": seen,
        "theirs": diff.compare(base, head.source),
        "yours": diff.compare(base, source),
        "between": diff.compare(head.source, source),
    }


@router.post(PATH + "/edit")
def save(request: Request, namespace: str, flow_id: str, form: PostedForm) -> Response:
    """Store the text as a new revision, unless another one came in between."""
    here = desk(request)
    identity, source = FlowId(namespace, flow_id), source_of(form)
    text = str(form.get("seen") or "")
    seen = int(text) if text.isdigit() else 0
    if form.get("act") == "format":
        return _edit(request, identity, tidy(source), seen)
    if form.get("act") == "propose":
        return _propose(request, Edit(identity, source, *_words(form, identity)), seen)
    try:
        saved = here.services.flows.save(source, expected=identity, seen=seen)
    except InvalidFlow:
        return _edit(request, identity, source, seen, "", 422)
    except (InvalidInput, Conflict) as error:
        status = 409 if isinstance(error, Conflict) else 422
        return _edit(request, identity, source, seen, error.message, status)
    said = "Nothing changed" if saved.revision == seen else f"Saved as revision {saved.revision}"
    return redirect(flow_link(namespace, flow_id), said)


def _words(form: Mapping[str, object], flow: FlowId) -> tuple[str, str, str]:
    """Message, branch and author of a proposal."""
    message = str(form.get("message") or "").strip() or f"Change flow {flow}"
    return message, str(form.get("branch") or "").strip(), access.principal().name


def _propose(request: Request, wanted: Edit, seen: int) -> Response:
    """Push a branch of the flow's Git source with this text; the answer says where it is."""
    here = desk(request)
    flow, source = wanted.flow, wanted.source
    managed, agent = _managed(here, flow), here.services.syncs
    if managed is None or agent is None:
        return _edit(request, flow, source, seen, "This flow does not come from Git.", 409)
    try:
        access.require(Permission.FLOW_WRITE, flow.namespace)
        syncer = Syncer(agent.shop, agent.registry.get(managed.source).source)
        with agent.only(managed.source):
            made = propose(agent.shop, syncer, wanted)
    except InvalidFlow:
        return _edit(request, flow, source, seen, "", 422)
    except InvalidInput as error:
        return _edit(request, flow, source, seen, error.message, 422)
    except MainstemError as error:
        return _edit(request, flow, source, seen, error.message, 409)
    return _edit(request, flow, source, seen, made)


@router.post(PATH + "/_restore")
def restore(request: Request, namespace: str, flow_id: str, form: PostedForm) -> Response:
    """Make the source of an earlier revision the current one, as a new revision."""
    flows = desk(request).services.flows
    identity = FlowId(namespace, flow_id)
    text = str(form.get("revision") or "")
    wanted = flows.revision(identity, int(text) if text.isdigit() else 0)
    target = flow_link(namespace, flow_id, "revisions")
    try:
        saved = flows.save(wanted.source, expected=identity)
    except (InvalidInput, Conflict) as error:
        return redirect(target, error.message)
    return redirect(target, f"Restored revision {wanted.revision} as {saved.revision}")
