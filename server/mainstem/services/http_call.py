"""The `http()` function of expressions."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from mainstem.errors import InvalidInput, Transient
from mainstem.sdk.addresses import check_uri, hooks

_MOST = 10_000_000
_SECONDS = 10.0


def http_call(options: Mapping[str, object]) -> object:
    """One bounded request; JSON answers come parsed, others as text.

    Raises Denied for the cloud's metadata address, Transient when nobody answers.
    """
    import httpx  # only where an expression asks for it

    uri = str(options.get("uri") or options.get("url") or "")
    check_uri(uri)
    request: dict[str, Any] = {
        "method": str(options.get("method") or "GET"),
        "url": uri,
        "params": options.get("query"),
        "headers": options.get("headers"),
    }
    body = options.get("body")
    if isinstance(body, (dict, list)):
        request["json"] = body
    elif body is not None:
        request["content"] = str(body)
    try:
        with (
            httpx.Client(
                timeout=_SECONDS,
                follow_redirects=True,
                event_hooks=hooks(),
            ) as client,
            client.stream(**request) as answer,
        ):
            body = _bounded(answer.iter_bytes(), uri)
            if answer.is_error:
                raise InvalidInput(f"http(): {uri} answered {answer.status_code}")
            kind, encoding = answer.headers.get("content-type", ""), answer.encoding or "utf-8"
    except httpx.HTTPError as error:
        raise Transient(f"http(): {uri} does not answer: {error}") from error
    text = body.decode(encoding, "replace")
    try:
        return json.loads(text) if "json" in kind else text
    except ValueError as error:
        raise InvalidInput(f"http(): {uri} says it answers JSON, but does not") from error


def _bounded(chunks: Iterable[bytes], uri: str) -> bytes:
    body = bytearray()
    for chunk in chunks:
        body += chunk
        if len(body) > _MOST:
            raise InvalidInput(f"http(): the answer of {uri} is larger than {_MOST} bytes")
    return bytes(body)
