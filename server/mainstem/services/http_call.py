"""The `http()` function of expressions."""

import json
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

from mainstem.errors import Denied, InvalidInput, Transient

_MOST = 10_000_000
_SECONDS = 10.0
_METADATA = frozenset({"169.254.169.254", "metadata.google.internal", "metadata"})


def http_call(options: Mapping[str, object]) -> object:
    """One bounded request; JSON answers come parsed, others as text.

    Raises Denied for the cloud's metadata address, Transient when nobody answers.
    """
    import httpx  # only where an expression asks for it

    uri = str(options.get("uri") or options.get("url") or "")
    parts = urlsplit(uri)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise InvalidInput(f"http(): `{uri}` is not an http or https address")
    _refuse_metadata(parts.hostname)
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
                event_hooks={"request": [lambda sent: _refuse_metadata(sent.url.host)]},
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


def _refuse_metadata(host: str) -> None:
    """Also asked for every redirect."""
    if host in _METADATA:
        raise Denied("http(): the metadata address of the cloud may not be asked")


def _bounded(chunks: Iterable[bytes], uri: str) -> bytes:
    body = bytearray()
    for chunk in chunks:
        body += chunk
        if len(body) > _MOST:
            raise InvalidInput(f"http(): the answer of {uri} is larger than {_MOST} bytes")
    return bytes(body)
