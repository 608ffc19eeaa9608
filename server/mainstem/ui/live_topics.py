"""Which signals a reader may have: those of what it may look at."""

from collections.abc import Callable, Mapping
from typing import Final

from mainstem.bus.inprocess import EXECUTIONS, FLOWS, TRIGGERS
from mainstem.errors import MainstemError
from mainstem.model.principal import Permission
from mainstem.services import access
from mainstem.ui.desk import Services

#: Names of lists, by what one needs in any namespace.
_LISTS: Final[Mapping[str, Permission]] = {
    EXECUTIONS: Permission.EXECUTION_READ,
    FLOWS: Permission.FLOW_READ,
    TRIGGERS: Permission.TRIGGER_READ,
}


def may_follow(topic: str, services: Services) -> bool:
    """False for what is hidden, is not there, or is no page's business."""
    kind, is_thing, name = topic.partition(":")
    if not is_thing:
        needed = _LISTS.get(topic)
        return needed is not None and access.principal().may_somewhere(needed)
    if kind == "sync":
        return access.sees(Permission.SYNC_READ, "")
    look: Callable[[str], object] | None = {
        "execution": services.executions.get,
        "operation": services.operations.get,
    }.get(kind)
    if look is None:
        return False
    try:
        look(name)
    except MainstemError:
        return False
    return True
