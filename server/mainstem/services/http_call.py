"""The `http()` function of expressions."""

from collections.abc import Mapping
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
    if parts.hostname in _METADATA:
        raise Denied("http(): the metadata address of the cloud may not be asked")
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
        answer = httpx.request(timeout=_SECONDS, follow_redirects=True, **request)
    except httpx.HTTPError as error:
        raise Transient(f"http(): {uri} does not answer: {error}") from error
    if answer.is_error:
        raise InvalidInput(f"http(): {uri} answered {answer.status_code}")
    if len(answer.content) > _MOST:
        raise InvalidInput(f"http(): the answer of {uri} is larger than {_MOST} bytes")
    if "json" in answer.headers.get("content-type", ""):
        return answer.json()
    return answer.text
