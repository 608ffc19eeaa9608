"""Inputs and uploads of requests that start or resume executions."""

from typing import Final

from fastapi import Request
from starlette.datastructures import UploadFile

from mainstem.errors import InvalidInput, TooLarge

LARGEST_UPLOAD: Final = 1_000_000_000
Form = tuple[dict[str, object], dict[str, tuple[str, bytes]]]
_FORMS: Final = ("multipart/form-data", "application/x-www-form-urlencoded")
# What the description of the API says of a form whose fields the flow declares.
DESCRIBED: Final = {
    "requestBody": {
        "content": {
            "multipart/form-data": {
                "schema": {"type": "object", "additionalProperties": True},
                "example": {"taxi": "green"},
            },
            "application/json": {"schema": {"type": "object", "additionalProperties": True}},
        }
    }
}


async def read_form(request: Request) -> Form:
    """Inputs and uploads; a repeated field gives a list."""
    kind = request.headers.get("content-type", "")
    if kind.startswith("application/json"):
        return await _json_inputs(request), {}
    if not kind.startswith(_FORMS):
        return {}, {}
    inputs: dict[str, object] = {}
    files: dict[str, tuple[str, bytes]] = {}
    async with request.form(max_files=100, max_fields=1000) as form:
        for name, value in form.multi_items():
            if isinstance(value, UploadFile):
                content = await value.read(LARGEST_UPLOAD + 1)
                if len(content) > LARGEST_UPLOAD:
                    raise TooLarge(f"`{name}` is larger than {LARGEST_UPLOAD} bytes")
                target = value.filename if name == "files" and value.filename else name
                files[target] = (value.filename or name, content)
            elif name in inputs:
                known = inputs[name]
                inputs[name] = [*(known if isinstance(known, list) else [known]), value]
            else:
                inputs[name] = value
    return inputs, files


async def _json_inputs(request: Request) -> dict[str, object]:
    try:
        body = await request.json()
    except (ValueError, RecursionError) as error:
        raise InvalidInput("the body is not JSON") from error
    if not isinstance(body, dict):
        raise InvalidInput("the body must be a map of inputs")
    return body
