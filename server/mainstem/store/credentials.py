"""Sessions, API tokens and one-time links, all found by the hash of what their holder shows."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, RowMapping, delete, insert, select, update

from mainstem.errors import NotFound
from mainstem.model.principal import Grant, Role
from mainstem.store.tables_users import links, sessions, tokens


@dataclass(frozen=True, slots=True)
class Session:
    """A browser that has signed in."""

    hash: str
    user_id: str
    created_at: datetime
    seen_at: datetime
    expires_at: datetime
    address: str = ""
    agent: str = ""


@dataclass(frozen=True, slots=True)
class ApiToken:
    """A program's credential; its owner's rights bound it, if it has an owner."""

    id: str
    hash: str
    name: str
    grant: Grant
    created_by: str
    created_at: datetime
    user_id: str | None = None
    expires_at: datetime | None = None
    used_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Link:
    """Lets its holder set a user's password once; without a user, make the first admin."""

    hash: str
    user_id: str | None
    created_by: str
    created_at: datetime
    expires_at: datetime


# sessions


def add_session(tx: Connection, item: Session) -> None:
    row = {
        "hash": item.hash,
        "user_id": item.user_id,
        "created_at": item.created_at,
        "seen_at": item.seen_at,
        "expires_at": item.expires_at,
        "address": item.address[:64],
        "agent": item.agent[:250],
    }
    tx.execute(insert(sessions), [row])


def session(tx: Connection, hashed: str) -> Session | None:
    row = tx.execute(select(sessions).where(sessions.c.hash == hashed)).mappings().first()
    return None if row is None else Session(**row)


def sessions_of(tx: Connection, user_id: str) -> list[Session]:
    """Latest use first."""
    query = select(sessions).where(sessions.c.user_id == user_id)
    rows = tx.execute(query.order_by(sessions.c.seen_at.desc())).mappings()
    return [Session(**row) for row in rows]


def session_seen(tx: Connection, hashed: str, at: datetime) -> None:
    tx.execute(update(sessions).where(sessions.c.hash == hashed).values(seen_at=at))


def end_session(tx: Connection, hashed: str) -> bool:
    return tx.execute(delete(sessions).where(sessions.c.hash == hashed)).rowcount > 0


def end_sessions_of(tx: Connection, user_id: str, *, but: str = "") -> int:
    gone = (sessions.c.user_id == user_id) & (sessions.c.hash != but)
    return tx.execute(delete(sessions).where(gone)).rowcount


def end_expired_sessions(tx: Connection, now: datetime, seen_since: datetime) -> int:
    over = (sessions.c.expires_at <= now) | (sessions.c.seen_at <= seen_since)
    return tx.execute(delete(sessions).where(over)).rowcount


# tokens


def add_token(tx: Connection, item: ApiToken) -> None:
    row = {
        "id": item.id,
        "hash": item.hash,
        "name": item.name,
        "user_id": item.user_id,
        "created_by": item.created_by,
        "role": item.grant.role.value,
        "namespace": item.grant.namespace,
        "created_at": item.created_at,
        "expires_at": item.expires_at,
        "used_at": item.used_at,
    }
    tx.execute(insert(tokens), [row])


def token_by_hash(tx: Connection, hashed: str) -> ApiToken | None:
    row = tx.execute(select(tokens).where(tokens.c.hash == hashed)).mappings().first()
    return None if row is None else _token(row)


def token(tx: Connection, token_id: str) -> ApiToken:
    """Raises NotFound."""
    row = tx.execute(select(tokens).where(tokens.c.id == token_id)).mappings().first()
    if row is None:
        raise NotFound(f"there is no token with the id {token_id}")
    return _token(row)


def list_tokens(tx: Connection, user_id: str | None = None) -> list[ApiToken]:
    """Newest first; of one user if given."""
    query = select(tokens).order_by(tokens.c.created_at.desc(), tokens.c.id)
    if user_id is not None:
        query = query.where(tokens.c.user_id == user_id)
    return [_token(row) for row in tx.execute(query).mappings()]


def token_used(tx: Connection, token_id: str, at: datetime) -> None:
    tx.execute(update(tokens).where(tokens.c.id == token_id).values(used_at=at))


def remove_token(tx: Connection, token_id: str) -> None:
    tx.execute(delete(tokens).where(tokens.c.id == token_id))


def _token(row: RowMapping) -> ApiToken:
    return ApiToken(
        id=row["id"],
        hash=row["hash"],
        name=row["name"],
        grant=Grant(Role(row["role"]), row["namespace"]),
        created_by=row["created_by"],
        created_at=row["created_at"],
        user_id=row["user_id"],
        expires_at=row["expires_at"],
        used_at=row["used_at"],
    )


# links


def add_link(tx: Connection, item: Link) -> None:
    row = {
        "hash": item.hash,
        "user_id": item.user_id,
        "created_by": item.created_by,
        "created_at": item.created_at,
        "expires_at": item.expires_at,
    }
    tx.execute(insert(links), [row])


def link(tx: Connection, hashed: str) -> Link | None:
    row = tx.execute(select(links).where(links.c.hash == hashed)).mappings().first()
    return None if row is None else Link(**row)


def use_link(tx: Connection, hashed: str) -> bool:
    """Take it away; False when somebody was faster."""
    return tx.execute(delete(links).where(links.c.hash == hashed)).rowcount > 0


def drop_links(tx: Connection, user_id: str | None) -> None:
    """Those of a user, or those that make the first admin."""
    mine = links.c.user_id.is_(None) if user_id is None else links.c.user_id == user_id
    tx.execute(delete(links).where(mine))
