"""Routers into an application as plain routes, so that the gate sees each with its whole path."""

from copy import copy

from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute
from fastapi.utils import generate_unique_id
from starlette.routing import compile_path

from mainstem.errors import Bug


def include(app: FastAPI, router: APIRouter, prefix: str = "", *, described: bool = True) -> None:
    """Add every route of a router below `prefix`; `described` ones are in the OpenAPI document.

    The framework's own inclusion keeps routers nested, and looks through them on every request;
    its making of a route anew takes a millisecond for each.
    """
    for route in router.routes:
        if not isinstance(route, APIRoute):
            raise Bug(f"a router holds {route!r}, which the gate cannot guard")
        moved = copy(route)
        moved.path = prefix + route.path
        moved.path_regex, moved.path_format, moved.param_convertors = compile_path(moved.path)
        moved.unique_id = route.operation_id or generate_unique_id(moved)
        moved.include_in_schema = route.include_in_schema and described
        app.router.routes.append(moved)
