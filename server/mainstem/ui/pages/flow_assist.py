"""What helps to write a flow: what may come next and what it means, layout, newer revisions."""

from collections.abc import Sequence
from dataclasses import asdict

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response

from mainstem.errors import NotFound
from mainstem.model.flow_id import FlowId
from mainstem.services.plugin_catalog import PluginCatalog, PluginDoc, all_properties
from mainstem.ui.completion import suggestions
from mainstem.ui.desk import Desk, desk
from mainstem.ui.pages.flow import PATH
from mainstem.ui.pages.flow_edit import source_of
from mainstem.ui.security import PostedForm
from mainstem.ui.tidy import tidy
from mainstem.ui.yaml_place import ITEM, Place, place

router = APIRouter()


@router.post("/flows/_complete")
def part_complete(request: Request, form: PostedForm) -> Response:
    """What may be written where the cursor stands."""
    here = desk(request)
    found = _place(form)
    if found is None:
        return JSONResponse({"from": 0, "options": []})
    doc = _doc(here.services.plugins, found.type)
    inherited = frozenset(p.name for p in doc.properties if p.inherited) if doc else frozenset()
    options = suggestions(here.services.plugins.flow_schema(), found, inherited)
    return JSONResponse({"from": found.column, "options": [asdict(option) for option in options]})


def _place(form: PostedForm) -> Place | None:
    line, column = (str(form.get(name) or "") for name in ("line", "column"))
    if not (line.isdecimal() and column.isdecimal()):
        return None
    return place(source_of(form), int(line), int(column))


def _doc(catalog: PluginCatalog, name: str | None) -> PluginDoc | None:
    if name is None:
        return None
    try:
        return catalog.doc(name)
    except NotFound:
        return None


@router.post("/flows/_docs")
def part_docs(request: Request, form: PostedForm) -> Response:
    """The type that the cursor stands in, and its properties, the one under the cursor marked."""
    here = desk(request)
    found = _place(form)
    context = _docs(here, found) if found else {"doc": None}
    return here.renderer.part(request, "flow_docs", context)


def _docs(here: Desk, found: Place) -> dict[str, object]:
    inner = [(found.type, found.key or found.word)]
    inner += [(step.type, step.name) for step in reversed(found.path) if step.name != ITEM]
    for kind, key in inner:
        if doc := _doc(here.services.plugins, kind):
            return {"doc": doc, "properties": _own(doc), "under": key}
    return {"doc": None}


def _own(doc: PluginDoc) -> Sequence[object]:
    return [item for item in all_properties(doc) if not item.inherited]


@router.post("/flows/_format")
def part_format(form: PostedForm) -> Response:
    """The text with an even layout."""
    return JSONResponse({"source": tidy(source_of(form))})


@router.get(PATH + "/_newer")
def part_newer(request: Request, namespace: str, flow_id: str, seen: int = 0) -> Response:
    """A notice once a newer revision than the one being edited is there."""
    here = desk(request)
    flow = FlowId(namespace, flow_id)
    head = here.services.flows.revision(flow)
    newer = head if head.revision > seen else None
    context: dict[str, object] = {"newer": newer, "seen": seen, "expected": flow}
    return here.renderer.part(request, "flow_newer", context)
