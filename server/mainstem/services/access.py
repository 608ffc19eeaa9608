"""On whose behalf code runs, and the questions that services ask about it.

The web layer sets the caller for each request, and it follows the request into worker threads.
Code that no request started (loops, task runs) acts for the server itself.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar, Token
from dataclasses import dataclass

from mainstem.errors import Denied, NotFound
from mainstem.model.principal import SYSTEM, Permission, Principal, least_role

__all__ = [
    "Caller", "acting_as", "caller", "check_visible", "enter", "leave", "places", "principal",
    "require", "sees",
]  # fmt: skip


@dataclass(slots=True)
class Caller:
    """One request: who sends it, from where, and what it has written to the audit log."""

    principal: Principal
    address: str = ""
    #: How many audit records the request has made.
    records: int = 0
    #: The hash of the session's id, when a cookie proved who it is.
    session: str | None = None


_caller: ContextVar[Caller | None] = ContextVar("caller", default=None)


def caller() -> Caller:
    """The request under way, or the server itself."""
    found = _caller.get()
    return Caller(SYSTEM) if found is None else found


def principal() -> Principal:
    found = _caller.get()
    return SYSTEM if found is None else found.principal


def enter(new: Caller) -> Token[Caller | None]:
    return _caller.set(new)


def leave(token: Token[Caller | None]) -> None:
    _caller.reset(token)


@contextmanager
def acting_as(who: Principal) -> Iterator[None]:
    """Run a block for another principal; for work that a request sets off but does not own."""
    token = _caller.set(Caller(who))
    try:
        yield
    finally:
        _caller.reset(token)


def require(permission: Permission, namespace: str = "") -> None:
    """Raises Denied naming the permission, the place and the role that has it."""
    if not principal().may(permission, namespace):
        raise Denied(refusal(permission, namespace))


def refusal(permission: Permission, namespace: str = "") -> str:
    """What is missing, in one sentence for the reader."""
    place = f"in namespace `{namespace}`" if namespace else "for the whole server"
    return (
        f"You lack the permission `{permission}` {place}: ask an admin for the role "
        f"{least_role(permission)} there."
    )


def sees(permission: Permission, namespace: str) -> bool:
    return principal().may(permission, namespace)


def places(permission: Permission) -> tuple[str, ...] | None:
    """Subtrees that lists may show; None for all."""
    return principal().places(permission)


def check_visible(permission: Permission, namespace: str, missing: str) -> None:
    """Raises NotFound with the words of a thing that does not exist: what is hidden is not told."""
    if not principal().may(permission, namespace):
        raise NotFound(missing)
