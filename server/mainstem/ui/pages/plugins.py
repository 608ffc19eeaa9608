"""What flows can be made of: groups, search, and the docs of each type."""

from collections.abc import Sequence

from fastapi import APIRouter, Request
from starlette.responses import Response

from mainstem.services.plugin_catalog import PropertyDoc, all_properties, example, install_line
from mainstem.services.plugin_catalog import group_of as group_name
from mainstem.ui import highlight
from mainstem.ui.desk import desk
from mainstem.ui.render import Crumb, Frame, link

router = APIRouter()
_FLOWS_SHOWN = 20


@router.get("/plugins")
def page_plugins(request: Request) -> Response:
    """Every group, or what is found; with how many flows use each type."""
    here = desk(request)
    catalog = here.services.plugins
    text = request.query_params.get("q", "").strip()
    context: dict[str, object] = {
        "q": text,
        "counts": {name: len(flows) for name, flows in catalog.usage().flows.items()},
        "groups": [] if text else catalog.groups(),
        "found": catalog.find(text) if text else [],
    }
    return here.renderer.page(request, "plugins", Frame("plugins", "Plugins"), context)


@router.get("/plugins/{name}")
def page_plugin(request: Request, name: str) -> Response:
    """One type: what it does, an example, properties, outputs, and the flows that use it."""
    here = desk(request)
    catalog = here.services.plugins
    doc = catalog.doc(name)
    flows = catalog.usage().flows.get(doc.type, ())
    text = example(doc)
    group = group_name(doc.type)
    context: dict[str, object] = {
        "doc": doc,
        "install": install_line(group),
        "example": text,
        "lines": highlight.lines(text),
        "own": _rows([p for p in all_properties(doc) if not p.inherited]),
        "inherited": _rows([p for p in doc.properties if p.inherited]),
        "flows": flows[:_FLOWS_SHOWN],
        "flow_count": len(flows),
    }
    crumbs = (Crumb("Plugins", link("plugins")), Crumb(group, f"{link('plugins')}#{group}"))
    return here.renderer.page(request, "plugin", Frame("plugins", doc.title, crumbs), context)


def _rows(properties: Sequence[PropertyDoc], above: str = "") -> list[tuple[str, PropertyDoc]]:
    """Properties with their whole names, those inside others below them."""
    found = []
    for item in properties:
        name = f"{above}{item.name}"
        found.append((name, item))
        found += _rows(item.properties, f"{name}.")
    return found
