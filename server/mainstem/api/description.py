"""The OpenAPI document, made when it is first asked for."""

from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic.json_schema import models_json_schema

from mainstem.api import models
from mainstem.api.answers import ERRORS, INVALID

_TEMPLATE: Final = "#/components/schemas/{model}"
_ABOUT: Final = (
    "The API of Mainstem, in the shape of the reference's. Addresses below `/api/v1/` can also be "
    "written `/api/v1/main/`, with the only tenant there is. Lists take `page`, `size` and `sort`; "
    "their filters can be written plainly (`namespace=a`) or as a tree "
    "(`filters[namespace][PREFIX]=a`). Errors have one shape."
)
_SECURITY: Final = {
    "basic": {"type": "http", "scheme": "basic", "description": "User and password, or a token."},
    "token": {"type": "http", "scheme": "bearer", "description": "An API token."},
}


def description(app: FastAPI) -> dict[str, Any]:
    """The document with the schemas that routes only name."""
    if app.openapi_schema is None:
        found = get_openapi(
            title=app.title, version=app.version, description=_ABOUT, routes=app.routes
        )
        components = found.setdefault("components", {})
        components.setdefault("schemas", {}).update(_schemas())
        components["securitySchemes"] = _SECURITY
        for path in found["paths"].values():
            for operation in path.values():
                _add_errors(operation["responses"])
        components["schemas"].pop("HTTPValidationError", None)
        components["schemas"].pop("ValidationError", None)
        found["security"] = [{name: []} for name in _SECURITY]
        app.openapi_schema = found
    return app.openapi_schema


def _add_errors(responses: dict[str, Any]) -> None:
    """The errors that any route may answer, where it does not describe its own."""
    if "401" in responses:
        return
    for code, described in ERRORS.items():
        if str(code) not in responses or code == INVALID:
            responses[str(code)] = described


def _schemas() -> dict[str, Any]:
    kinds = [
        kind
        for kind in vars(models).values()
        if isinstance(kind, type) and issubclass(kind, models.Model) and kind is not models.Model
    ]
    _, found = models_json_schema(
        [(kind, "serialization") for kind in kinds], ref_template=_TEMPLATE
    )
    schemas: dict[str, Any] = found["$defs"]
    return schemas
