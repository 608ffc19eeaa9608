"""Routers into an application as plain routes, so that the gate sees each with its whole path."""

from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute

from mainstem.errors import Bug


def include(app: FastAPI, router: APIRouter, prefix: str = "", *, described: bool = True) -> None:
    """Add every route of a router below `prefix`; `described` ones are in the OpenAPI document.

    The framework's own inclusion keeps routers nested, and looks through them on every request.
    """
    for route in router.routes:
        if not isinstance(route, APIRoute):
            raise Bug(f"a router holds {route!r}, which the gate cannot guard")
        app.add_api_route(
            prefix + route.path,
            route.endpoint,
            response_model=route.response_model,
            status_code=route.status_code,
            tags=route.tags,
            dependencies=route.dependencies,
            summary=route.summary,
            description=route.description,
            response_description=route.response_description,
            responses=route.responses,
            deprecated=route.deprecated,
            methods=sorted(route.methods or ()),
            operation_id=route.operation_id,
            response_model_exclude_none=route.response_model_exclude_none,
            include_in_schema=route.include_in_schema and described,
            response_class=route.response_class,
            name=route.name,
            openapi_extra=route.openapi_extra,
        )
