"""API tokens: scoped, expiring, shown once."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from mainstem.clock import Clock
from mainstem.errors import Denied, InvalidInput, NotFound
from mainstem.ids import IdSource
from mainstem.model.principal import (
    Grant,
    Permission,
    Principal,
    PrincipalKind,
    Role,
    lies_in,
)
from mainstem.services import access, audit
from mainstem.services.hashes import hash_secret, new_secret
from mainstem.services.users import check_grants
from mainstem.store import credentials as rows
from mainstem.store import users as user_rows
from mainstem.store.credentials import ApiToken
from mainstem.store.database import Database
from mainstem.store.users import User

__all__ = ["ApiToken", "NewToken", "TokenService", "narrowed"]

_LONGEST_LIFE: Final = timedelta(days=3_660)


@dataclass(frozen=True, slots=True)
class NewToken:
    """What is wanted; a life of None never ends."""

    name: str
    grant: Grant
    life: timedelta | None = timedelta(days=90)


def narrowed(held: tuple[Grant, ...], scope: Grant) -> tuple[Grant, ...]:
    """What a token of this scope may do for an owner with these grants: never more than both."""
    order = list(Role)
    found = set()
    for grant in held:
        role = min(grant.role, scope.role, key=order.index)
        if lies_in(grant.namespace, scope.namespace):
            found.add(Grant(role, grant.namespace))
        elif lies_in(scope.namespace, grant.namespace):
            found.add(Grant(role, scope.namespace))
    return tuple(sorted(found))


def principal_of(token: ApiToken, owner: User | None) -> Principal:
    """Whom the token's requests act for."""
    grants = (token.grant,) if owner is None else narrowed(owner.principal.grants, token.grant)
    name = token.name if owner is None else f"{owner.name} ({token.name})"
    return Principal(token.id, name, PrincipalKind.TOKEN, grants)


class TokenService:
    """Makes, lists and revokes tokens; a user's own, and for admins everybody's."""

    def __init__(self, database: Database, clock: Clock, ids: IdSource) -> None:
        self._database = database
        self._clock = clock
        self._ids = ids
        self._changed: Callable[[], None] = lambda: None

    def watch(self, changed: Callable[[], None]) -> None:
        self._changed = changed

    def create(self, wanted: NewToken) -> tuple[ApiToken, str]:
        """The token and its secret, which cannot be shown again.

        Raises Denied when it could do more than its maker, InvalidInput for a bad name or life.
        """
        who = access.principal()
        name = wanted.name.strip()
        if not name or len(name) > 100:
            raise InvalidInput("A token needs a name of up to 100 characters.")
        if wanted.life is not None and not timedelta(0) < wanted.life <= _LONGEST_LIFE:
            raise InvalidInput("A token lives for 1 to 3660 days, or for ever.")
        check_grants([wanted.grant])
        _check_scope(who, wanted.grant)
        now = self._clock.now()
        secret = new_secret("token")
        token = ApiToken(
            id=self._ids(),
            hash=hash_secret(secret),
            name=name,
            grant=wanted.grant,
            created_by=who.name,
            created_at=now,
            user_id=who.id if who.kind is PrincipalKind.USER else None,
            expires_at=None if wanted.life is None else now + wanted.life,
        )
        with self._database.write() as tx:
            rows.add_token(tx, token)
            detail = {"role": str(wanted.grant), "expires": token.expires_at}
            audit.record(tx, "token.create", name, detail)
        return token, secret

    def visible(self) -> list[ApiToken]:
        """The caller's own; everybody's for who administers users."""
        who = access.principal()
        mine = None if who.may(Permission.USER_ADMIN) else who.id
        with self._database.read() as tx:
            return rows.list_tokens(tx, mine)

    def revoke(self, token_id: str) -> ApiToken:
        """Takes effect at once; raises NotFound for one of somebody else."""
        who = access.principal()
        with self._database.write() as tx:
            token = rows.token(tx, token_id)
            mine = token.user_id == who.id or token.id == who.id
            if not mine and not who.may(Permission.USER_ADMIN):
                raise NotFound(f"there is no token with the id {token_id}")
            rows.remove_token(tx, token_id)
            audit.record(tx, "token.revoke", token.name, {"owner": token.created_by})
        self._changed()
        return token

    def owners(self) -> dict[str, str]:
        """Names of users by id."""
        with self._database.read() as tx:
            return {user.id: user.name for user in user_rows.everybody(tx)}


def _check_scope(who: Principal, grant: Grant) -> None:
    if who.kind is PrincipalKind.TOKEN:
        raise Denied("A token cannot make tokens: sign in as a user.")
    order = list(Role)
    if not any(
        lies_in(grant.namespace, held.namespace)
        and order.index(held.role) >= order.index(grant.role)
        for held in who.grants
    ):
        raise Denied(
            f"You are not {grant.role} in {grant.namespace or 'the whole server'} yourself: choose "
            "a smaller role or a namespace of yours."
        )
