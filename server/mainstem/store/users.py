"""Users and their grants."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, RowMapping, delete, func, insert, select, update

from mainstem.errors import NotFound
from mainstem.model.principal import Grant, Principal, PrincipalKind, Role
from mainstem.store.tables_users import grants, links, sessions, tokens, users

#: Grants that an admin gave, and those that follow from an identity provider's groups.
BY_HAND = "admin"
BY_MAPPING = "mapping"


@dataclass(frozen=True, slots=True)
class User:
    """Somebody who may sign in; `source` says who checks that: a password, oidc or iap."""

    id: str
    name: str
    display_name: str
    created_at: datetime
    source: str = "password"
    subject: str | None = None
    password_hash: str | None = None
    disabled: bool = False
    signed_in_at: datetime | None = None
    grants: tuple[Grant, ...] = ()
    mapped: tuple[Grant, ...] = ()

    def __repr__(self) -> str:
        return f"User({self.name})"

    @property
    def principal(self) -> Principal:
        return Principal(
            self.id, self.name, PrincipalKind.USER, tuple(sorted({*self.grants, *self.mapped}))
        )


def add(tx: Connection, user: User) -> None:
    tx.execute(insert(users), [_row(user)])
    set_grants(tx, user.id, user.grants, BY_HAND)
    set_grants(tx, user.id, user.mapped, BY_MAPPING)


def change(tx: Connection, user: User) -> None:
    """Write the user's own columns; grants are written by `set_grants`."""
    tx.execute(update(users).where(users.c.id == user.id).values(_row(user)))


def set_grants(tx: Connection, user_id: str, given: Iterable[Grant], origin: str) -> None:
    """Replace the grants of one origin."""
    tx.execute(delete(grants).where(grants.c.user_id == user_id, grants.c.origin == origin))
    best: dict[str, Role] = {}
    order = list(Role)
    for grant in given:
        known = best.get(grant.namespace)
        if known is None or order.index(grant.role) > order.index(known):
            best[grant.namespace] = grant.role
    rows = [
        {"user_id": user_id, "namespace": place, "origin": origin, "role": role.value}
        for place, role in best.items()
    ]
    if rows:
        tx.execute(insert(grants), rows)


def get(tx: Connection, user_id: str) -> User:
    """Raises NotFound."""
    found = _users(tx, users.c.id == user_id)
    if not found:
        raise NotFound(f"there is no user with the id {user_id}")
    return found[0]


def by_name(tx: Connection, name: str) -> User | None:
    found = _users(tx, users.c.name == name)
    return found[0] if found else None


def by_subject(tx: Connection, source: str, subject: str) -> User | None:
    found = _users(tx, (users.c.source == source) & (users.c.subject == subject))
    return found[0] if found else None


def everybody(tx: Connection) -> list[User]:
    """By name."""
    return _users(tx, None)


def count(tx: Connection) -> int:
    return tx.execute(select(func.count()).select_from(users)).scalar_one()


def signed_in(tx: Connection, user_id: str, at: datetime) -> None:
    tx.execute(update(users).where(users.c.id == user_id).values(signed_in_at=at))


def remove(tx: Connection, user_id: str) -> None:
    """The user with grants, sessions, tokens and links; the audit log keeps the name."""
    for table in (grants, sessions, tokens, links):
        tx.execute(delete(table).where(table.c.user_id == user_id))
    tx.execute(delete(users).where(users.c.id == user_id))


def _users(tx: Connection, condition: object) -> list[User]:
    query = select(users).order_by(users.c.name)
    if condition is not None:
        query = query.where(condition)  # type: ignore[arg-type]
    rows = tx.execute(query).mappings().all()
    by_user: dict[str, list[RowMapping]] = {}
    held = select(grants)
    if len(rows) == 1:
        held = held.where(grants.c.user_id == rows[0]["id"])
    if rows:
        for row in tx.execute(held).mappings():
            by_user.setdefault(row["user_id"], []).append(row)
    return [_from(row, by_user.get(row["id"], [])) for row in rows]


def _row(user: User) -> dict[str, object]:
    return {
        "id": user.id,
        "name": user.name,
        "display_name": user.display_name,
        "password_hash": user.password_hash,
        "source": user.source,
        "subject": user.subject,
        "disabled": user.disabled,
        "created_at": user.created_at,
        "signed_in_at": user.signed_in_at,
    }


def _from(row: RowMapping, held: Sequence[RowMapping]) -> User:
    def of(origin: str) -> tuple[Grant, ...]:
        return tuple(
            sorted(Grant(Role(g["role"]), g["namespace"]) for g in held if g["origin"] == origin)
        )

    return User(
        id=row["id"],
        name=row["name"],
        display_name=row["display_name"],
        created_at=row["created_at"],
        source=row["source"],
        subject=row["subject"],
        password_hash=row["password_hash"],
        disabled=row["disabled"],
        signed_in_at=row["signed_in_at"],
        grants=of(BY_HAND),
        mapped=of(BY_MAPPING),
    )
