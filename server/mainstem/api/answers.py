"""What routes answer, for their description and in bytes."""

import json
from collections.abc import Iterator
from typing import IO, Any, Final, get_args, get_origin

from fastapi.responses import Response, StreamingResponse
from pydantic import BaseModel

from mainstem.api.models import ErrorBody

_ERRORS: Final = {
    400: "The request cannot be read.",
    401: "Who asks is not known.",
    403: "A permission is missing.",
    404: "There is no such thing.",
    409: "Its state forbids it; look again.",
    410: "It existed, but its time is over.",
    413: "More than the server takes at once.",
    422: "The request must be corrected.",
    502: "Something outside must be put right first.",
    503: "The server is not ready; try again.",
}
_CHUNK: Final = 1 << 16


def answers(
    model: object = None, *errors: int, status: int = 200, media: str | None = None
) -> dict[str, Any]:
    """The keywords of a route that answers `model`, or bytes of a media type.

    What is answered is not validated on the way out: the tests hold answers against the
    description instead. Models are only named here, since making their schemas would cost every
    start what few ever read.
    """
    responses: dict[int | str, Any] = {status: _described("Done.", model, media)}
    for code in (400, 401, 403, *errors, 422):
        responses[code] = _described(_ERRORS[code], ErrorBody, None)
    return {"response_model": None, "responses": responses, "status_code": status}


def also(status: int, text: str, model: object) -> dict[int | str, Any]:
    """One more answer of a route."""
    return {status: _described(text, model, None)}


def _described(text: str, model: object, media: str | None) -> dict[str, Any]:
    if media is not None:
        is_text = media.startswith("text/")
        schema = {"type": "string"} if is_text else {"type": "string", "format": "binary"}
        return {"description": text, "content": {media: {"schema": schema}}}
    if model is None:
        return {"description": text}
    return {"description": text, "content": {"application/json": {"schema": _schema(model)}}}


def _schema(model: object) -> dict[str, Any]:
    """A reference to a model by name; lists and maps of such."""
    origin, inner = get_origin(model), get_args(model)
    if origin is list:
        return {"type": "array", "items": _schema(inner[0])}
    if origin is dict:
        return {"type": "object", "additionalProperties": True}
    if model is str:
        return {"type": "string"}
    return {"$ref": f"#/components/schemas/{getattr(model, '__name__', model)}"}


ERRORS: Final = {code: _described(text, ErrorBody, None) for code, text in _ERRORS.items()}
INVALID: Final = 422


# Made once: `dumps` with options makes one for each call.
_ENCODER: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=str)


class JsonAnswer(Response):
    """JSON of values that are plain already."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        return _ENCODER.encode(content).encode("utf-8", "replace")


def attachment(chunks: Iterator[bytes] | Iterator[str], name: str, media: str) -> StreamingResponse:
    """A download that is made while it is sent."""
    return StreamingResponse(
        chunks,
        media_type=media,
        headers={
            "Content-Disposition": f'attachment; filename="{safe_name(name)}"',
            "X-Content-Type-Options": "nosniff",
        },
    )


def chunks_of(file: IO[bytes]) -> Iterator[bytes]:
    """A file in parts; it is closed at the end."""
    with file:
        while chunk := file.read(_CHUNK):
            yield chunk


def safe_name(name: str) -> str:
    """A file name that fits a header."""
    return "".join(c if c.isascii() and c.isprintable() and c not in '"\\' else "_" for c in name)


class Body(BaseModel):
    """The base of bodies that clients send: what is not known is not looked at."""

    model_config = {"extra": "ignore", "frozen": True}
