"""How far flows of one namespace reach into others.

Flows run with the server's authority: without this, who may change flows in one namespace would
have the keys, secrets, files and flows of all.
"""

from collections.abc import Callable, Collection, Mapping
from enum import StrEnum
from typing import Final

from mainstem.errors import Denied
from mainstem.flowspec.namespaces import EVERYONE
from mainstem.model.principal import lies_in
from mainstem.settings import Isolation


class Use(StrEnum):
    """What a flow wants of another namespace, as the refusal says it."""

    READ_SECRET = "read secrets"  # noqa: S105 - words of a refusal
    READ_KEY = "read keys"
    CHANGE_KEY = "change keys"
    READ_FILE = "read files"
    CHANGE_FILE = "change files"
    RUN_FLOW = "run flows"


#: Files are code of everybody who inherits them.
_NEVER_UPWARDS: Final = frozenset({Use.CHANGE_FILE})
_FREE: Final[Mapping[Isolation, frozenset[Use]]] = {
    "strict": frozenset(),
    # Flows written for the reference share files and start subflows across namespaces.
    "secrets": frozenset({Use.RUN_FLOW, Use.READ_FILE, Use.CHANGE_FILE}),
    "open": frozenset(Use),
}


class Reach:
    """A flow reaches its own namespace, those above and those below; not files above.

    Everything else only where the other namespace allows it.
    """

    def __init__(
        self, isolation: Isolation, allowed_in: Callable[[str], Collection[str]] = lambda _: ()
    ) -> None:
        self._free = _FREE[isolation]
        self._allowed_in = allowed_in

    def check(self, own: str, other: str, use: Use) -> None:
        """Raises Denied with what to do, when flows of `own` may not reach into `other`."""
        if use in self._free or lies_in(other, own):
            return
        if lies_in(own, other) and use not in _NEVER_UPWARDS:
            return
        allowed = self._allowed_in(other)
        if any(place == EVERYONE or lies_in(own, place) for place in allowed):
            return
        raise Denied(
            f"Flows of namespace `{own}` may not {use} of namespace `{other}`: who administers "
            f"`{other}` can add `{own}` to its allowedNamespaces; `isolation: open` in the "
            "settings allows it everywhere."
        )
