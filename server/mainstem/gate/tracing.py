"""The id of a request, under which the log tells of everything done for it."""

import re
from dataclasses import dataclass
from typing import Final

from starlette.datastructures import Headers
from starlette.types import Scope

from mainstem.ids import random_id

HEADER: Final = "x-request-id"
#: What others may choose goes into the log as it is.
_WELL_FORMED: Final = re.compile(r"[A-Za-z0-9._-]{8,64}")
_TRACE: Final = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}")
_NO_TRACE: Final = "0" * 32


@dataclass(frozen=True, slots=True)
class Trace:
    """The request's id, and that of the trace that a W3C `traceparent` names."""

    request: str
    trace: str | None = None

    def fields(self) -> dict[str, object]:
        return {"request": self.request, **({"trace": self.trace} if self.trace else {})}


def trace_of(scope: Scope) -> Trace:
    """The caller's id if it is well formed, else a new one."""
    headers = Headers(scope=scope)
    given = headers.get(HEADER, "")
    parent = _TRACE.fullmatch(headers.get("traceparent", ""))
    trace = parent.group(1) if parent is not None and parent.group(1) != _NO_TRACE else None
    return Trace(given if _WELL_FORMED.fullmatch(given) else random_id(), trace)
