"""What the gate knows of one request while it is under way."""

from collections.abc import Awaitable, Callable
from typing import Final

from starlette.types import Scope

from mainstem.gate.authenticate import Found, address_of
from mainstem.gate.permissions import Rule
from mainstem.model.principal import ANONYMOUS, Principal
from mainstem.services.access import Caller
from mainstem.services.hashes import hash_secret

_KEY: Final = "mainstem.passage"
#: Raises Refused for credentials that do not hold; nobody's request gives the anonymous caller.
Authenticate = Callable[[Scope], Awaitable[Found]]


class Passage:
    """The caller, the row of the matched route, and whether it let the request through.

    Credentials are looked at when a route wants them: what a public route is sent along with is
    its own business, and costs nothing.
    """

    def __init__(self, scope: Scope, authenticate: Authenticate | None) -> None:
        self.caller = Caller(ANONYMOUS, address_of(scope))
        self.rule: Rule | None = None
        #: The matched route as it is written; unlike the address it holds no key of a webhook.
        self.template = ""
        self.namespace = ""
        self.allowed = False
        #: Whether the gate itself has answered.
        self.answered = False
        #: Whether the browser sends the proof by itself, and the request must prove its origin.
        self.ambient = False
        self._authenticate = authenticate
        self._scope = scope

    @property
    def principal(self) -> Principal:
        return self.caller.principal

    async def identify(self) -> None:
        """Find out who it is, once; raises Refused."""
        authenticate, self._authenticate = self._authenticate, None
        if authenticate is None:
            return
        found = await authenticate(self._scope)
        self.caller.principal = found.principal
        self.ambient = found.ambient
        if found.session:
            self.caller.session = hash_secret(found.session)


def passage_of(scope: Scope) -> Passage:
    """The passage that the middleware began; a request without one is nobody's."""
    found = scope.get(_KEY)
    return found if isinstance(found, Passage) else Passage(scope, None)


def begin(scope: Scope, authenticate: Authenticate) -> Passage:
    passage = Passage(scope, authenticate)
    scope[_KEY] = passage
    return passage
