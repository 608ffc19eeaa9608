"""The questions that services ask about whoever they act for."""

from mainstem.errors import Denied, NotFound
from mainstem.model.caller import (
    Caller,
    acting_as,
    as_server,
    caller,
    enter,
    leave,
    principal,
)
from mainstem.model.principal import Permission, least_role

__all__ = [
    "Caller", "acting_as", "as_server", "caller", "check_visible", "enter", "leave", "places",
    "principal", "refusal", "require", "sees",
]  # fmt: skip


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
