"""Flows as requests name them."""

from typing import Annotated

from fastapi import Body, Request
from pydantic import Field
from starlette.datastructures import QueryParams

from mainstem.api import answers
from mainstem.api.query import parse_tree
from mainstem.model.flow_id import FlowId
from mainstem.model.query import Group, Leaf, Op
from mainstem.services.flow_catalog import FlowFilter

MOST_IDS = 10_000


class FlowName(answers.Body):
    """A flow by name."""

    namespace: str = Field(max_length=150)
    id: str = Field(max_length=100)

    @property
    def key(self) -> FlowId:
        return FlowId(self.namespace, self.id)


FlowNames = Annotated[list[FlowName], Body(max_length=MOST_IDS)]


def flow_filter(request: Request) -> FlowFilter:
    """The filter of a list of flows; raises InvalidInput naming a bad parameter."""
    params: QueryParams = request.query_params
    members: list[Leaf | Group] = [
        Leaf("labels", Op.EQUALS, item) for item in params.getlist("labels")
    ]
    members += [Leaf("scope", Op.IN, params[name]) for name in ("scope",) if params.get(name)]
    tree = parse_tree(params)
    if tree is not None:
        members.append(tree)
    return FlowFilter(
        namespace=params.get("namespace") or None,
        text=params.get("q", "").strip().strip("*") or None,
        where=Group(tuple(members)) if members else None,
    )
