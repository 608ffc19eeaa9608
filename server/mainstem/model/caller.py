"""On whose behalf code runs.

The web layer sets the caller of each request, and it follows the request into worker threads.
Code that no request started (loops, task runs) acts for the server itself.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar, Token
from dataclasses import dataclass
from functools import wraps
from typing import ParamSpec, TypeVar

from mainstem.model.principal import SYSTEM, Permission, Principal, lies_in

P = ParamSpec("P")
R = TypeVar("R")


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


def as_server(function: Callable[P, R]) -> Callable[P, R]:
    """Run a function with the server's authority: what flows say is not what their caller may."""

    @wraps(function)
    def widened(*args: P.args, **kwargs: P.kwargs) -> R:
        if _caller.get() is None:
            return function(*args, **kwargs)
        with acting_as(SYSTEM):
            return function(*args, **kwargs)

    return widened


def visible_subtrees() -> tuple[str, ...] | None:
    """Subtrees of namespaces that the caller may see; None for everything."""
    found = _caller.get()
    return None if found is None else found.principal.places(Permission.NAMESPACE_READ)


def is_visible(namespace: str) -> bool:
    """Whether the caller may see what lies in a namespace."""
    places = visible_subtrees()
    return places is None or any(lies_in(namespace, place) for place in places)
