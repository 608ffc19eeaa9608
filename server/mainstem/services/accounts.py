"""The services about people, as pages and routes are given them."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from mainstem.clock import Clock
from mainstem.ids import IdSource
from mainstem.secrets.seal import Sealer
from mainstem.services.audit import AuditService
from mainstem.services.iap import IapService
from mainstem.services.oidc import OidcService
from mainstem.services.sign_in import Lives, SignInService
from mainstem.services.tokens import TokenService
from mainstem.services.users import UserService
from mainstem.settings import AuthSettings
from mainstem.store.database import Database


@dataclass(frozen=True, slots=True)
class Accounts:
    """`is_open` says that nobody signs in; `secure` that cookies travel over https only."""

    users: UserService
    tokens: TokenService
    sign_in: SignInService
    audit: AuditService
    oidc: OidcService | None = None
    iap: IapService | None = None
    is_open: bool = False
    secure: bool = False
    base_url: str = ""
    session_life: timedelta = timedelta(days=14)


@dataclass(frozen=True, slots=True)
class AccountParts:
    """What the services about people are made of."""

    database: Database
    clock: Clock
    ids: IdSource
    sealer: Callable[[], Sealer]


def make_accounts(parts: AccountParts, auth: AuthSettings, base_url: str) -> Accounts:
    """The services, each told when rights change."""
    database, clock = parts.database, parts.clock
    users = UserService(database, clock, parts.ids)
    tokens = TokenService(database, clock, parts.ids)
    lives = Lives(timedelta(hours=auth.session_idle_hours), timedelta(days=auth.session_days))
    sign_in = SignInService(database, clock, lives)
    oidc = OidcService(auth.oidc, users, parts.sealer, clock) if auth.oidc.issuer else None
    iap = IapService(auth.iap, users, clock) if auth.iap.audience else None

    def forget() -> None:
        sign_in.forget()
        if iap is not None:
            iap.memory.forget()

    users.watch(forget)
    tokens.watch(forget)
    return Accounts(
        users,
        tokens,
        sign_in,
        AuditService(database, clock),
        oidc=oidc,
        iap=iap,
        is_open=auth.mode == "none",
        secure=base_url.startswith("https://"),
        base_url=base_url,
        session_life=lives.most,
    )
