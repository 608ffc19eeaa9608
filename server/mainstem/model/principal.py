"""Who asks, and what they may do where: roles over subtrees of the namespaces."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Permission(StrEnum):
    """What can be allowed; the names appear in refusals and in the audit log."""

    FLOW_READ = "flow:read"
    FLOW_WRITE = "flow:write"
    EXECUTION_READ = "execution:read"
    EXECUTION_OPERATE = "execution:operate"
    EXECUTION_DELETE = "execution:delete"
    TRIGGER_READ = "trigger:read"
    TRIGGER_OPERATE = "trigger:operate"
    KV_READ = "kv:read"
    KV_VALUE = "kv:value"
    KV_WRITE = "kv:write"
    FILE_READ = "file:read"
    FILE_WRITE = "file:write"
    SECRET_READ = "secret:read"  # noqa: S105 - a name
    SECRET_WRITE = "secret:write"  # noqa: S105 - a name
    NAMESPACE_READ = "namespace:read"
    NAMESPACE_WRITE = "namespace:write"
    SYNC_READ = "sync:read"
    SYNC_OPERATE = "sync:operate"
    SYNC_WRITE = "sync:write"
    SYSTEM_READ = "system:read"
    SYSTEM_WRITE = "system:write"
    USER_ADMIN = "user:admin"
    AUDIT_READ = "audit:read"


class Role(StrEnum):
    """From seeing to administering; each holds what the ones before it hold."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    EDITOR = "editor"
    ADMIN = "admin"


_P = Permission
# Values of the KV store are often credentials: who only looks sees names.
_ADDED: Final = {
    Role.VIEWER: {
        _P.FLOW_READ, _P.EXECUTION_READ, _P.TRIGGER_READ, _P.KV_READ, _P.FILE_READ,
        _P.SECRET_READ, _P.NAMESPACE_READ, _P.SYNC_READ, _P.SYSTEM_READ,
    },
    Role.OPERATOR: {_P.EXECUTION_OPERATE, _P.TRIGGER_OPERATE, _P.SYNC_OPERATE, _P.KV_VALUE},
    Role.EDITOR: {
        _P.FLOW_WRITE, _P.EXECUTION_DELETE, _P.KV_WRITE, _P.FILE_WRITE, _P.SECRET_WRITE,
        _P.NAMESPACE_WRITE,
    },
    Role.ADMIN: {_P.SYNC_WRITE, _P.SYSTEM_WRITE, _P.USER_ADMIN, _P.AUDIT_READ},
}  # fmt: skip


def _grown() -> dict[Role, frozenset[Permission]]:
    found: dict[Role, frozenset[Permission]] = {}
    held: frozenset[Permission] = frozenset()
    for role in Role:
        held |= _ADDED[role]
        found[role] = held
    return found


PERMISSIONS_OF: Final = _grown()

#: Permissions about the server as a whole; a grant on a subtree does not give them.
SERVER_WIDE: Final = frozenset(
    {
        _P.SYNC_READ, _P.SYNC_OPERATE, _P.SYNC_WRITE, _P.SYSTEM_READ, _P.SYSTEM_WRITE,
        _P.USER_ADMIN, _P.AUDIT_READ,
    }
)  # fmt: skip


def least_role(permission: Permission) -> Role:
    """The smallest role that has it."""
    return next(role for role in Role if permission in PERMISSIONS_OF[role])


def lies_in(namespace: str, subtree: str) -> bool:
    """Whether a namespace is the top of a subtree or below it; an empty subtree is the server."""
    return not subtree or namespace == subtree or namespace.startswith(f"{subtree}.")


@dataclass(frozen=True, slots=True, order=True)
class Grant:
    """A role in a namespace and all below it; everywhere when the namespace is empty."""

    role: Role
    namespace: str = ""

    def gives(self, permission: Permission) -> bool:
        return permission in PERMISSIONS_OF[self.role]

    def __str__(self) -> str:
        return f"{self.role} in {self.namespace or 'the whole server'}"


class PrincipalKind(StrEnum):
    USER = "user"
    TOKEN = "token"  # noqa: S105 - a name
    LOCAL = "local"
    OPEN = "open"
    ANONYMOUS = "anonymous"
    SYSTEM = "system"


@dataclass(frozen=True, slots=True)
class Principal:
    """Whoever a request or a loop acts for."""

    id: str
    name: str
    kind: PrincipalKind
    grants: tuple[Grant, ...] = ()

    @property
    def is_anonymous(self) -> bool:
        return self.kind is PrincipalKind.ANONYMOUS

    def may(self, permission: Permission, namespace: str = "") -> bool:
        """Whether it is allowed in a namespace, or in the whole server for an empty one."""
        place = "" if permission in SERVER_WIDE else namespace
        return any(
            grant.gives(permission) and lies_in(place, grant.namespace) for grant in self.grants
        )

    def may_somewhere(self, permission: Permission) -> bool:
        """Whether it is allowed in any namespace."""
        if permission in SERVER_WIDE:
            return self.may(permission)
        return any(grant.gives(permission) for grant in self.grants)

    def places(self, permission: Permission) -> tuple[str, ...] | None:
        """Subtrees in which it is allowed; None for everywhere."""
        found = sorted({grant.namespace for grant in self.grants if grant.gives(permission)})
        if "" in found:
            return None
        return tuple(found)


_EVERYTHING: Final = (Grant(Role.ADMIN),)
#: The loops of this program, and flows, which run with the server's own authority.
SYSTEM: Final = Principal("system", "system", PrincipalKind.SYSTEM, _EVERYTHING)
#: Whoever reaches a server that is open on purpose.
OPEN: Final = Principal("open", "anyone on this machine", PrincipalKind.OPEN, _EVERYTHING)
ANONYMOUS: Final = Principal("anonymous", "anonymous", PrincipalKind.ANONYMOUS)
