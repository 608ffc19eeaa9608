"""Users: making them, their roles, their passwords, and the first admin."""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Final

from sqlalchemy import Connection

from mainstem.clock import Clock
from mainstem.errors import Conflict, InvalidInput, NotFound
from mainstem.ids import IdSource
from mainstem.model.flow_id import NAMESPACE
from mainstem.model.principal import Grant, Permission, Principal, PrincipalKind, Role
from mainstem.services import access, audit
from mainstem.services.hashes import hash_secret, new_secret
from mainstem.services.passwords import check_password, hash_password, is_password
from mainstem.store import credentials
from mainstem.store import users as rows
from mainstem.store.credentials import Link
from mainstem.store.database import Database
from mainstem.store.users import User

__all__ = ["User", "UserService", "check_grants", "parse_grant"]

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9._@+-]{0,199}")
LINK_LIFE: Final = timedelta(hours=24)
Changed = Callable[[], None]


def check_name(name: str) -> str:
    """The name in small letters; raises InvalidInput."""
    wanted = name.strip().lower()
    if not _NAME.fullmatch(wanted):
        raise InvalidInput(
            f"`{name}` is not a user name: small letters, digits and . _ @ + - are allowed"
        )
    return wanted


def parse_grant(text: str) -> Grant:
    """`role` or `role:namespace`; raises InvalidInput."""
    name, _, namespace = text.partition(":")
    try:
        role = Role(name.strip().lower())
    except ValueError as error:
        known = ", ".join(Role)
        raise InvalidInput(f"`{name}` is not a role (known: {known})") from error
    return check_grants([Grant(role, namespace.strip())])[0]


def check_grants(given: Iterable[Grant]) -> tuple[Grant, ...]:
    """Raises InvalidInput for something that is no namespace."""
    found = tuple(given)
    for grant in found:
        if grant.namespace and not NAMESPACE.fullmatch(grant.namespace):
            raise InvalidInput(f"`{grant.namespace}` is not a namespace")
    return found


class UserService:
    """Who may sign in, and as what."""

    def __init__(self, database: Database, clock: Clock, ids: IdSource) -> None:
        self._database = database
        self._clock = clock
        self._ids = ids
        self._changed: Changed = lambda: None

    def watch(self, changed: Changed) -> None:
        """Have `changed` called after every change of rights, to forget what was remembered."""
        self._changed = changed

    # reading

    def count(self) -> int:
        with self._database.read() as tx:
            return rows.count(tx)

    def everybody(self) -> list[User]:
        with self._database.read() as tx:
            return rows.everybody(tx)

    def get(self, user_id: str) -> User:
        """Raises NotFound."""
        with self._database.read() as tx:
            return rows.get(tx, user_id)

    def by_name(self, name: str) -> User:
        """Raises NotFound."""
        with self._database.read() as tx:
            found = rows.by_name(tx, name.strip().lower())
        if found is None:
            raise NotFound(f"there is no user {name}")
        return found

    def knows(self, name: str) -> bool:
        """Whether somebody has this name."""
        with self._database.read() as tx:
            return rows.by_name(tx, name.strip().lower()) is not None

    # making and changing

    def create(
        self,
        name: str,
        password: str | None,
        grants: Sequence[Grant],
        *,
        display_name: str = "",
    ) -> User:
        """Raises Conflict for a taken name, InvalidInput for a poor password."""
        user = self._new(name, password, grants, display_name)
        with self._database.write() as tx:
            self._add(tx, user)
        return user

    def create_first(self, name: str, password: str) -> User | None:
        """The first admin, unless there is a user already."""
        user = self._new(name, password, [Grant(Role.ADMIN)], "")
        with self._database.write() as tx:
            if rows.count(tx):
                return None
            self._add(tx, user)
            credentials.drop_links(tx, None)
        return user

    def _new(
        self, name: str, password: str | None, grants: Sequence[Grant], display_name: str
    ) -> User:
        wanted = check_name(name)
        if password is not None:
            check_password(password, wanted)
        return User(
            id=self._ids(),
            name=wanted,
            display_name=display_name.strip()[:250] or wanted,
            created_at=self._clock.now(),
            password_hash=None if password is None else hash_password(password),
            grants=check_grants(grants),
        )

    def _add(self, tx: Connection, user: User) -> None:
        if rows.by_name(tx, user.name) is not None:
            raise Conflict(f"there is a user {user.name} already")
        rows.add(tx, user)
        audit.record(tx, "user.create", user.name, {"roles": [str(g) for g in user.grants]})

    def set_grants(self, user_id: str, grants: Sequence[Grant]) -> User:
        """Replace the roles given by hand; Conflict when nobody would be left to administer."""
        wanted = check_grants(grants)
        with self._database.write() as tx:
            user = replace(rows.get(tx, user_id), grants=wanted)
            rows.set_grants(tx, user_id, wanted, rows.BY_HAND)
            _check_admins(tx)
            audit.record(tx, "user.roles", user.name, {"roles": [str(g) for g in wanted]})
        self._changed()
        return user

    def set_disabled(self, user_id: str, disabled: bool) -> User:
        """Lock a user out at once, or let them in again."""
        with self._database.write() as tx:
            user = replace(rows.get(tx, user_id), disabled=disabled)
            rows.change(tx, user)
            if disabled:
                credentials.end_sessions_of(tx, user_id)
            _check_admins(tx)
            audit.record(tx, "user.disable" if disabled else "user.enable", user.name)
        self._changed()
        return user

    def remove(self, user_id: str) -> None:
        """The user with sessions and tokens."""
        with self._database.write() as tx:
            user = rows.get(tx, user_id)
            rows.remove(tx, user_id)
            _check_admins(tx)
            audit.record(tx, "user.delete", user.name)
        self._changed()

    # passwords

    def set_password(self, user_id: str, password: str, *, keep_session: str = "") -> None:
        """A new password ends the user's other sessions."""
        with self._database.read() as tx:
            user = rows.get(tx, user_id)
        check_password(password, user.name)
        hashed = hash_password(password)
        with self._database.write() as tx:
            self._put_password(tx, user_id, hashed, keep_session)
        self._changed()

    def _put_password(self, tx: Connection, user_id: str, hashed: str, keep: str = "") -> User:
        user = replace(rows.get(tx, user_id), password_hash=hashed)
        rows.change(tx, user)
        credentials.end_sessions_of(tx, user_id, but=keep)
        credentials.drop_links(tx, user_id)
        audit.record(tx, "user.password", user.name)
        return user

    def change_password(self, user_id: str, old: str, new: str, *, keep_session: str = "") -> None:
        """By the user; raises InvalidInput for a wrong old one."""
        user = self.get(user_id)
        if user.source != "password":
            raise InvalidInput("You sign in elsewhere: there is no password to change here.")
        if not is_password(user.password_hash, old):
            raise InvalidInput("The old password is wrong.")
        self.set_password(user_id, new, keep_session=keep_session)

    # one-time links

    def first_link(self) -> str | None:
        """What makes the first admin, once; None when there are users. Older ones end."""
        secret = new_secret("link")
        with self._database.write() as tx:
            if rows.count(tx):
                return None
            credentials.drop_links(tx, None)
            credentials.add_link(tx, self._link(secret, None))
        return secret

    def password_link(self, user_id: str) -> str:
        """What lets the user choose a password, once. Older ones end."""
        secret = new_secret("link")
        with self._database.write() as tx:
            user = rows.get(tx, user_id)
            if user.source != "password":
                raise Conflict(f"{user.name} signs in elsewhere: a password would be of no use")
            credentials.drop_links(tx, user_id)
            credentials.add_link(tx, self._link(secret, user_id))
            audit.record(tx, "user.link", user.name)
        return secret

    def _link(self, secret: str, user_id: str | None) -> Link:
        now = self._clock.now()
        by = access.principal().name
        return Link(hash_secret(secret), user_id, by, now, now + LINK_LIFE)

    def of_link(self, secret: str) -> User | None:
        """Whose password it sets, None for the first admin's; raises NotFound when it is over."""
        with self._database.read() as tx:
            return self._holder(tx, secret)

    def _holder(self, tx: Connection, secret: str) -> User | None:
        found = credentials.link(tx, hash_secret(secret))
        over = found is None or found.expires_at <= self._clock.now()
        if over or found is None or (found.user_id is None and rows.count(tx)):
            raise NotFound(
                "This link has been used or is too old. Ask an admin for a new one; before there "
                "is one, a restart of the server prints it."
            )
        return None if found.user_id is None else rows.get(tx, found.user_id)

    def redeem(self, secret: str, password: str, name: str = "") -> User:
        """Set the password, or make the first admin called `name`; the link is used up.

        Raises NotFound, or InvalidInput for a poor password, which leaves the link as it is.
        """
        holder = self.of_link(secret)
        user = self._new(name, password, [Grant(Role.ADMIN)], "") if holder is None else holder
        if holder is not None:
            check_password(password, holder.name)
        hashed = user.password_hash if holder is None else hash_password(password)
        with (
            access.acting_as(Principal("link", user.name, PrincipalKind.USER)),
            self._database.write() as tx,
        ):
            self._holder(tx, secret)
            credentials.use_link(tx, hash_secret(secret))
            if holder is None:
                self._add(tx, user)
                return user
            changed = self._put_password(tx, holder.id, hashed or "")
        self._changed()
        return changed

    # identity providers

    def sign_in_external(
        self, source: str, subject: str, name: str, display_name: str, mapped: Sequence[Grant]
    ) -> User:
        """The user behind an identity that was verified, made at the first sight of it.

        Raises Conflict when the name belongs to a user who signs in another way.
        """
        with self._database.read() as tx:
            known = rows.by_subject(tx, source, subject)
        if known is not None and set(known.mapped) == set(mapped):
            return known
        with self._database.write() as tx:
            known = rows.by_subject(tx, source, subject)
            if known is None:
                known = self._external(tx, source, subject, name, display_name)
                with access.acting_as(known.principal):
                    self._add(tx, known)
            rows.set_grants(tx, known.id, mapped, rows.BY_MAPPING)
            found = rows.get(tx, known.id)
        self._changed()
        return found

    def _external(
        self, tx: Connection, source: str, subject: str, name: str, display_name: str
    ) -> User:
        wanted = check_name(name)
        if rows.by_name(tx, wanted) is not None:
            raise Conflict(
                f"There is a user {wanted} already who signs in another way. An admin can delete "
                "or rename that user first."
            )
        return User(
            id=self._ids(),
            name=wanted,
            display_name=display_name[:250] or wanted,
            created_at=self._clock.now(),
            source=source,
            subject=subject,
        )


def _check_admins(tx: Connection) -> None:
    """Raises Conflict when no enabled user could administer users any more."""
    if not any(
        user.principal.may(Permission.USER_ADMIN)
        for user in rows.everybody(tx)
        if not user.disabled
    ):
        raise Conflict("Somebody must remain who administers the whole server.")
