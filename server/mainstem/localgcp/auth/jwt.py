"""The signed assertions of service accounts: taken apart, verified, judged."""

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from mainstem.localgcp.auth.accounts import Account

LONGEST_LIFE_SECONDS = 3600
CLOCK_SKEW_SECONDS = 300
MAX_LENGTH = 16_384


class Refused(Exception):
    """The assertion does not prove what it claims; `description` is Google's wording."""

    def __init__(self, description: str, error: str = "invalid_grant") -> None:
        super().__init__(description)
        self.error = error
        self.description = description


@dataclass(frozen=True, slots=True)
class Assertion:
    """A decoded but not yet believed JWT."""

    header: Mapping[str, object]
    claims: Mapping[str, object]
    signed: bytes
    signature: bytes

    def text(self, claim: str) -> str | None:
        value = self.claims.get(claim)
        return value if isinstance(value, str) else None

    def moment(self, claim: str) -> float | None:
        value = self.claims.get(claim)
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        return float(value) if is_number and isinstance(value, int | float) else None


def looks_like_jwt(token: str) -> bool:
    """Three parts of which the first is a JSON object; access tokens of ours are not."""
    return token.startswith("eyJ") and token.count(".") == 2


def decode(token: str) -> Assertion:
    """Take a JWT apart; refuses what is not one."""
    try:
        if len(token) > MAX_LENGTH:
            raise ValueError
        head, body, tail = token.split(".")
        header, claims = json.loads(_unpad(head)), json.loads(_unpad(body))
        if not isinstance(header, dict) or not isinstance(claims, dict):
            raise ValueError
        return Assertion(header, claims, f"{head}.{body}".encode(), _unpad(tail))
    except (ValueError, binascii.Error):
        raise Refused("Bad Request") from None


def verify(assertion: Assertion, accounts: Mapping[str, Account], now: float) -> Account:
    """The account that signed it, if it is known, its key is, and the times are plausible."""
    issuer = assertion.text("iss")
    if not issuer:
        raise Refused("Invalid JWT: iss field missing.")
    account = accounts.get(issuer)
    if account is None:
        raise Refused("Invalid grant: account not found")
    if assertion.header.get("alg") != "RS256" or not _is_signed_by(assertion, account):
        raise Refused("Invalid JWT Signature.")
    _check_times(assertion, now)
    return account


def _is_signed_by(assertion: Assertion, account: Account) -> bool:
    named = assertion.header.get("kid")
    if isinstance(named, str) and named:
        candidates = [account.keys[named]] if named in account.keys else []
    else:
        candidates = list(account.keys.values())
    return any(_has_signature(assertion, pem) for pem in candidates)


def _has_signature(assertion: Assertion, pem: str) -> bool:
    public = serialization.load_pem_public_key(pem.encode())
    assert isinstance(public, rsa.RSAPublicKey)
    try:
        public.verify(assertion.signature, assertion.signed, padding.PKCS1v15(), hashes.SHA256())
    except InvalidSignature:
        return False
    return True


def _check_times(assertion: Assertion, now: float) -> None:
    issued, expires = assertion.moment("iat"), assertion.moment("exp")
    if issued is None or expires is None:
        is_plausible = False
    else:
        is_plausible = (
            issued <= now + CLOCK_SKEW_SECONDS
            and now - CLOCK_SKEW_SECONDS < expires
            and 0 < expires - issued <= LONGEST_LIFE_SECONDS + CLOCK_SKEW_SECONDS
        )
    if not is_plausible:
        raise Refused(
            "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable "
            "timeframe. Check your iat and exp values in the JWT claim."
        )


def _unpad(part: str) -> bytes:
    return base64.b64decode(part + "=" * (-len(part) % 4), altchars=b"-_", validate=True)
