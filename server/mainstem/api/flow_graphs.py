"""Routes that show how tasks follow each other, and how flows start each other."""

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool

from mainstem.api import models, wire
from mainstem.api.answers import JsonAnswer, answers
from mainstem.api.bodies import text_body
from mainstem.api.filters import Revision
from mainstem.api.services import Services
from mainstem.errors import InvalidInput
from mainstem.flowspec.source import load
from mainstem.model.flow_id import FlowId
from mainstem.services.dependencies import FlowGraph
from mainstem.services.graph import graph_of

lists = APIRouter(tags=["flows"])
router = APIRouter(tags=["flows"])


@lists.post("/flows/graph", **answers(models.GraphModel, 413))
async def graph_of_source(request: Request) -> wire.Json:
    """The graph of a flow that is not stored, with or without problems."""
    text = await text_body(request)

    def draw() -> wire.Json:
        source = load(text)
        if not isinstance(source.data, dict):
            faults = "; ".join(remark.message for remark in source.remarks)
            raise InvalidInput(f"the body is not a flow: {faults or 'it must be a map'}")
        return graph_of(wire.json_of(source.data))

    return await run_in_threadpool(draw)


@router.get("/flows/{namespace}/{flow_id}/graph", **answers(models.GraphModel, 404))
def graph(
    namespace: str, flow_id: str, services: Services, revision: Revision = None
) -> JsonAnswer:
    """Tasks and triggers as nodes, with edges and clusters."""
    found = services.flows.revision(FlowId(namespace, flow_id), revision)
    return JsonAnswer(graph_of(wire.plain_flow(found.source)))


@router.get("/flows/{namespace}/{flow_id}/dependencies", **answers(models.Dependencies, 404))
def dependencies(
    namespace: str,
    flow_id: str,
    services: Services,
    destinationOnly: bool = False,
    expandAll: bool = False,
) -> wire.Json:
    """Flows that start this one or are started by it; with `expandAll` theirs as well."""
    found = services.dependencies.of_flow(
        FlowId(namespace, flow_id),
        downstream_only=destinationOnly,
        depth=None if expandAll else 1,
    )
    return _topology(found)


@lists.get("/namespaces/{namespace}/dependencies", **answers(models.Dependencies))
def namespace_dependencies(namespace: str, services: Services) -> wire.Json:
    """How the flows of a namespace and below start each other."""
    return _topology(services.dependencies.of_namespace(namespace))


def _topology(found: FlowGraph) -> wire.Json:
    return {
        "nodes": [
            {
                "uid": _uid(node),
                "namespace": node.namespace,
                "id": node.id,
                "missing": node in found.missing,
            }
            for node in found.nodes
        ],
        "edges": [
            {
                "source": _uid(edge.source),
                "target": _uid(edge.target),
                "relation": edge.relation.value,
                "by": edge.by,
            }
            for edge in found.edges
        ],
    }


def _uid(flow: FlowId) -> str:
    return f"main_{flow.namespace}_{flow.id}"
