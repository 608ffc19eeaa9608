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
    FOLLOW_FLOW = "follow executions"
    READ_EXECUTION = "look at executions"
    CHANGE_EXECUTION = "resume or kill executions"
    PURGE = "delete executions or logs"
    SWITCH_TRIGGER = "switch triggers"


_CREDENTIALS: Final = frozenset({Use.READ_SECRET, Use.READ_KEY, Use.CHANGE_KEY})
#: What a namespace holds is everybody's who inherits it: those below only read and run it.
_NEVER_UPWARDS: Final = frozenset(
    {Use.CHANGE_KEY, Use.CHANGE_FILE, Use.CHANGE_EXECUTION, Use.PURGE, Use.SWITCH_TRIGGER}
)
_FREE: Final[Mapping[Isolation, frozenset[Use]]] = {
    "strict": frozenset(),
    # Flows written for the reference share everything else across namespaces.
    "secrets": frozenset(Use) - _CREDENTIALS,
    "open": frozenset(Use),
}
#: Flows written for the reference keep what they share in the namespace above them.
_UPWARDS: Final[Mapping[Isolation, frozenset[Use]]] = {
    "strict": frozenset(Use) - _NEVER_UPWARDS,
    "secrets": frozenset(Use),
    "open": frozenset(Use),
}


class Reach:
    """A flow reaches its own namespace and those below; strictly, those above only to read and run.

    Everything else only where the other namespace allows it.
    """

    def __init__(
        self, isolation: Isolation, allowed_in: Callable[[str], Collection[str]] = lambda _: ()
    ) -> None:
        self._free = _FREE[isolation]
        self._upwards = _UPWARDS[isolation]
        self._allowed_in = allowed_in

    def allows(self, own: str, other: str, use: Use) -> bool:
        """Whether flows of `own` may reach into `other`."""
        if use in self._free or lies_in(other, own):
            return True
        if lies_in(own, other) and use in self._upwards:
            return True
        allowed = self._allowed_in(other)
        return any(place == EVERYONE or lies_in(own, place) for place in allowed)

    def check(self, own: str, other: str, use: Use) -> None:
        """Raises Denied with what to do, when flows of `own` may not reach into `other`."""
        if self.allows(own, other, use):
            return
        raise Denied(
            f"Flows of namespace `{own}` may not {use} of namespace `{other}`: who administers "
            f"`{other}` can add `{own}` to its allowedNamespaces; `isolation: open` in the "
            "settings allows it everywhere."
        )

    def bound(self, own: str, other: str | None, use: Use) -> str | None:
        """The namespace that a search of such flows looks in; None is every one.

        A search that names none stays at home where `use` does not cross. Raises Denied.
        """
        if other is None:
            return None if use in self._free else own
        self.check(own, other, use)
        return other
