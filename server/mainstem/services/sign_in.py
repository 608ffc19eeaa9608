"""Proofs to principals: passwords, session cookies and tokens; what was proved is remembered.

The memory holds hashes of what was shown, for seconds: a right that is taken away in this process
is gone at once, in another one within the time of the memory.
"""

import hmac
import secrets as randomness
import threading
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from mainstem.clock import Clock
from mainstem.errors import Denied, NotFound
from mainstem.model.principal import Grant, Principal, PrincipalKind, Role
from mainstem.services import access, audit
from mainstem.services.audit import Outcome
from mainstem.services.hashes import hash_secret, new_secret
from mainstem.services.limits import SignInLimits, TooMany
from mainstem.services.passwords import is_password
from mainstem.services.tokens import principal_of
from mainstem.store import credentials as rows
from mainstem.store import users as user_rows
from mainstem.store.credentials import Session
from mainstem.store.database import Database
from mainstem.store.users import User

_REMEMBERED: Final = timedelta(seconds=5)
_BASIC_REMEMBERED: Final = timedelta(seconds=60)
_NOTED: Final = timedelta(seconds=60)
_MOST: Final = 5_000


@dataclass(frozen=True, slots=True)
class Lives:
    """How long a session lasts without use, and at most."""

    idle: timedelta = timedelta(hours=12)
    most: timedelta = timedelta(days=14)


class Memory:
    """What was proved lately; bounded, forgets on its own."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._found: OrderedDict[str, tuple[datetime, Principal]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: str) -> Principal | None:
        known = self._found.get(key)
        return known[1] if known and known[0] > self._clock.now() else None

    def put(self, key: str, who: Principal, life: timedelta) -> None:
        with self._lock:
            self._found[key] = (self._clock.now() + life, who)
            self._found.move_to_end(key)
            while len(self._found) > _MOST:
                self._found.popitem(last=False)

    def forget(self) -> None:
        with self._lock:
            self._found.clear()


class SignInService:
    """Answers who somebody is; None for a proof that does not hold."""

    def __init__(self, database: Database, clock: Clock, lives: Lives) -> None:
        self._database = database
        self._clock = clock
        self._lives = lives
        self._limits = SignInLimits(clock)
        self._memory = Memory(clock)
        # Passwords are remembered under a key that no other process and no dump of the table has.
        self._pepper = randomness.token_bytes(32)
        self.local_token = new_secret("local")
        self.local = Principal("local", "local", PrincipalKind.LOCAL, (Grant(Role.ADMIN),))

    def forget(self) -> None:
        """Rights have changed."""
        self._memory.forget()

    # passwords

    def by_password(self, name: str, password: str, address: str) -> User:
        """Raises Denied for a wrong name or password alike, TooMany after many of them."""
        wanted = name.strip().lower()
        self._limits.check(wanted, address)
        with self._database.read() as tx:
            user = user_rows.by_name(tx, wanted)
        usable = user is not None and not user.disabled and user.source == "password"
        hashed = user.password_hash if user and usable else None
        if not is_password(hashed, password) or user is None:
            self._limits.failed(wanted, address)
            self._note_failure(wanted, address)
            raise Denied("The name or the password is wrong.")
        self._limits.succeeded(wanted, address)
        return user

    def _note_failure(self, name: str, address: str) -> None:
        who = Principal("anonymous", name[:200] or "-", PrincipalKind.ANONYMOUS)
        with self._database.write() as tx, access.acting_as(who):
            access.caller().address = address
            audit.record(tx, "user.sign-in", name[:200], outcome=Outcome.DENIED)

    def by_basic(self, name: str, password: str, address: str) -> Principal | None:
        """Basic authentication of a program; a token may stand as the password."""
        if token := self.by_token(password) if password.startswith("ms") else None:
            return token
        proof = f"{name}\x1f{password}".encode()
        key = "basic " + hmac.digest(self._pepper, proof, "sha256").hex()
        if known := self._memory.get(key):
            return known
        try:
            who = self.by_password(name, password, address).principal
        except TooMany:
            raise
        except Denied:
            return None
        self._memory.put(key, who, _BASIC_REMEMBERED)
        return who

    # tokens

    def by_token(self, secret: str) -> Principal | None:
        if hmac.compare_digest(secret.encode(), self.local_token.encode()):
            return self.local
        hashed = hash_secret(secret)
        return self._memory.get(hashed) or self._token(hashed)

    def _token(self, hashed: str) -> Principal | None:
        now = self._clock.now()
        with self._database.read() as tx:
            token = rows.token_by_hash(tx, hashed)
            if token is None or (token.expires_at is not None and token.expires_at <= now):
                return None
            owner = user_rows.get(tx, token.user_id) if token.user_id else None
        if owner is not None and owner.disabled:
            return None
        if token.used_at is None or now - token.used_at >= _NOTED:
            with self._database.write() as tx:
                rows.token_used(tx, token.id, now)
        who = principal_of(token, owner)
        self._remember(hashed, who, token.expires_at)
        return who

    # sessions

    def begin_session(self, user: User, address: str, agent: str, old: str | None = None) -> str:
        """The new session's secret; the browser's old session ends."""
        now = self._clock.now()
        secret = new_secret()
        session = Session(
            hash_secret(secret), user.id, now, now, now + self._lives.most, address, agent
        )
        with self._database.write() as tx:
            if old:
                rows.end_session(tx, hash_secret(old))
            rows.end_expired_sessions(tx, now, now - self._lives.idle)
            rows.add_session(tx, session)
            user_rows.signed_in(tx, user.id, now)
            with access.acting_as(user.principal):
                access.caller().address = address
                audit.record(tx, "user.sign-in", user.name, {"source": user.source})
        if old:
            self._memory.forget()
        return secret

    def by_session(self, secret: str) -> Principal | None:
        hashed = hash_secret(secret)
        return self._memory.get(hashed) or self._session(hashed)

    def _session(self, hashed: str) -> Principal | None:
        now = self._clock.now()
        with self._database.read() as tx:
            session = rows.session(tx, hashed)
            if (
                session is None
                or session.expires_at <= now
                or now - session.seen_at >= self._lives.idle
            ):
                return None
            try:
                user = user_rows.get(tx, session.user_id)
            except NotFound:
                return None
        if user.disabled:
            return None
        if now - session.seen_at >= _NOTED:
            with self._database.write() as tx:
                rows.session_seen(tx, hashed, now)
        self._remember(hashed, user.principal, session.expires_at)
        return user.principal

    def end_session(self, secret: str) -> None:
        with self._database.write() as tx:
            rows.end_session(tx, hash_secret(secret))
            audit.record(tx, "user.sign-out", access.principal().name)
        self._memory.forget()

    def sessions_of(self, user_id: str) -> list[Session]:
        with self._database.read() as tx:
            return rows.sessions_of(tx, user_id)

    def end_other_sessions(self, user_id: str, keep: str) -> int:
        """Ends every session of the user but the one with this secret."""
        with self._database.write() as tx:
            ended = rows.end_sessions_of(tx, user_id, but=hash_secret(keep) if keep else "")
            audit.record(tx, "user.sign-out", access.principal().name, {"sessions": ended})
        self._memory.forget()
        return ended

    def _remember(self, key: str, who: Principal, ends: datetime | None) -> None:
        left = _REMEMBERED if ends is None else min(_REMEMBERED, ends - self._clock.now())
        self._memory.put(key, who, left)
