"""Answers of other people's services: read within bounds, their errors in their own words."""

import json
from typing import Any, Final

from mainstem.sdk.context import TaskFailed

_SHOWN: Final = 500


def read_bounded(answer: Any, most: int) -> bytes:
    """The body of a streamed httpx answer; raises TaskFailed beyond `most` bytes."""
    parts, size = [], 0
    for chunk in answer.iter_bytes():
        size += len(chunk)
        if size > most:
            raise TaskFailed(f"{answer.url} answered with more than {most} bytes")
        parts.append(chunk)
    return b"".join(parts)


def json_object(content: bytes) -> dict[str, Any] | None:
    """The body as a JSON object; None when it is anything else."""
    try:
        found = json.loads(content)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def said(content: bytes) -> str:
    """The message of an error body, in whichever form a service has it."""
    found = json_object(content) or {}
    for name in ("error", "message", "detail", "status"):
        value = found.get(name)
        if isinstance(value, dict):
            value = value.get("user_message") or value.get("message")
        if isinstance(value, str) and value:
            return value[:_SHOWN]
    return content.decode("utf-8", "replace").strip()[:_SHOWN]
