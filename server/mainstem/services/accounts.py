"""The services about people, as pages and routes are given them."""

from dataclasses import dataclass
from datetime import timedelta

from mainstem.services.audit import AuditService
from mainstem.services.sign_in import SignInService
from mainstem.services.tokens import TokenService
from mainstem.services.users import UserService


@dataclass(frozen=True, slots=True)
class Accounts:
    """`is_open` says that nobody signs in; `secure` that cookies travel over https only."""

    users: UserService
    tokens: TokenService
    sign_in: SignInService
    audit: AuditService
    is_open: bool = False
    secure: bool = False
    session_life: timedelta = timedelta(days=14)
