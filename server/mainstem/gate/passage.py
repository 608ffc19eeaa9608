"""What the gate knows of one request while it is under way."""

from dataclasses import dataclass, field
from typing import Final

from starlette.types import Scope

from mainstem.gate.permissions import Rule
from mainstem.model.principal import ANONYMOUS
from mainstem.services.access import Caller

_KEY: Final = "mainstem.passage"


@dataclass(slots=True)
class Passage:
    """The caller, the row of the matched route, and whether it let the request through."""

    caller: Caller = field(default_factory=lambda: Caller(ANONYMOUS))
    rule: Rule | None = None
    namespace: str = ""
    allowed: bool = False
    #: Whether a cookie proved who it is; such a request must also prove where it comes from.
    by_cookie: bool = False


def passage_of(scope: Scope) -> Passage:
    """The passage that the middleware began; a request without one is nobody's."""
    found = scope.get(_KEY)
    return found if isinstance(found, Passage) else Passage()


def begin(scope: Scope, passage: Passage) -> None:
    scope[_KEY] = passage
