"""How request bodies are read: unknown names and unsupported fields are refused by name."""

from collections.abc import Mapping
from typing import Annotated, Final, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError

from mainstem.localgcp.bigquery.errors import BigQueryError, invalid, unsupported

REFUSED: Final = "refused_field"


def _refuse(value: object) -> object:
    """Let through what means "not asked for", refuse the rest."""
    if value in (None, False, "", [], {}):
        return None
    raise PydanticCustomError(REFUSED, "unsupported")


Refused = Annotated[object, BeforeValidator(_refuse)]
"""A field that BigQuery has and this emulator does not."""

OutputOnly = object
"""A field the service fills in; clients that send a resource back include it."""


class Wire(BaseModel):
    """A JSON object whose unknown fields are an error."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        coerce_numbers_to_str=True,
        alias_generator=to_camel,
        populate_by_name=True,
    )


M = TypeVar("M", bound=Wire)


def read(model: type[M], body: object) -> M:
    """Read a request body, refusing in the words of Google's JSON front end."""
    if not isinstance(body, Mapping):
        raise BigQueryError("parseError", "Invalid JSON payload received. Expected an object.")
    try:
        return model.model_validate(body)
    except ValidationError as failure:
        raise _refusal(failure) from None


def _refusal(failure: ValidationError) -> BigQueryError:
    first = failure.errors(include_url=False)[0]
    path = ".".join(str(part) for part in first["loc"])
    parent, _, name = path.rpartition(".")
    if first["type"] == "extra_forbidden":
        where = f" at '{parent}'" if parent else ""
        return invalid(
            f'Invalid JSON payload received. Unknown name "{name}"{where}: Cannot find field.',
            path,
        )
    if first["type"] == REFUSED:
        refusal = unsupported(f"the field {path}")
        return BigQueryError("invalid", refusal.message, location=path)
    if first["type"] == "missing":
        return BigQueryError("required", f"Required parameter is missing: {name}", location=path)
    return invalid(f"Invalid value at '{path}': {first['msg']}, {first['input']!r}", path)
