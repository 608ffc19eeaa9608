"""The service accounts this emulator knows, by their public keys."""

import json
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from mainstem.errors import InvalidInput, NotFound
from mainstem.localgcp.state import exclusive, replace_file

EMAIL = re.compile(r"[a-z0-9]([a-z0-9._-]*[a-z0-9])?@[a-z0-9]([a-z0-9.-]*[a-z0-9])?\Z")
PROJECT = re.compile(r"[a-z][a-z0-9-]{4,28}[a-z0-9]\Z")
KEY_BITS = 2048


@dataclass(frozen=True, slots=True)
class Account:
    """One service account; `keys` maps a key id to its public key in PEM."""

    email: str
    project: str
    client_id: str
    keys: Mapping[str, str] = field(default_factory=dict)


class Accounts:
    """The registry file; read anew when it changes, because the key command is another process."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "accounts.json"
        self._lock = folder / "accounts.lock"
        self._seen: tuple[int, int] | None = None
        self._accounts: dict[str, Account] = {}

    def all(self) -> Mapping[str, Account]:
        """Every account by email."""
        try:
            stat = self._file.stat()
        except FileNotFoundError:
            return {}
        now = (stat.st_mtime_ns, stat.st_ino)
        if now != self._seen:
            self._accounts = _parse(self._file)
            self._seen = now
        return self._accounts

    def issue(self, email: str, project: str, token_uri: str) -> dict[str, str]:
        """Make a key pair, keep its public half, and return the key file's content."""
        _check(email, project)
        private = rsa.generate_private_key(public_exponent=65537, key_size=KEY_BITS)
        key_id = _key_id(private.public_key())
        with exclusive(self._lock):
            accounts = dict(self.all())
            account = accounts.get(email) or Account(email, project, _client_id())
            keys = {**account.keys, key_id: _public_pem(private.public_key())}
            account = Account(email, account.project, account.client_id, keys)
            accounts[email] = account
            self._save(accounts)
        return _key_file(account, key_id, private, token_uri)

    def delete(self, key_id: str) -> str:
        """Forget one key, as deleting it in the cloud console would; returns its account."""
        with exclusive(self._lock):
            accounts = dict(self.all())
            for email, account in accounts.items():
                if key_id in account.keys:
                    keys = {known: pem for known, pem in account.keys.items() if known != key_id}
                    accounts[email] = Account(email, account.project, account.client_id, keys)
                    self._save(accounts)
                    return email
        raise NotFound(
            f"No key {key_id} was issued here; `mainstem local-gcp key --list` shows all."
        )

    def _save(self, accounts: Mapping[str, Account]) -> None:
        content = {
            account.email: {
                "project": account.project,
                "client_id": account.client_id,
                "keys": dict(account.keys),
            }
            for account in accounts.values()
        }
        replace_file(self._file, json.dumps(content, indent=1).encode())


def _parse(path: Path) -> dict[str, Account]:
    try:
        content = json.loads(path.read_bytes())
        return {
            email: Account(email, entry["project"], entry["client_id"], dict(entry["keys"]))
            for email, entry in content.items()
        }
    except (ValueError, KeyError, TypeError, AttributeError):
        raise InvalidInput(
            f"{path} is not readable as service accounts; delete it and issue new keys."
        ) from None


def _check(email: str, project: str) -> None:
    if not PROJECT.match(project):
        raise InvalidInput(
            f"'{project}' is not a project id: 6 to 30 lower-case letters, digits and hyphens, "
            f"starting with a letter."
        )
    if not EMAIL.match(email):
        raise InvalidInput(f"'{email}' is not a service-account email, like name@{project}.…")


def _key_id(public: rsa.RSAPublicKey) -> str:
    digest = hashes.Hash(hashes.SHA256())
    digest.update(
        public.public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
    )
    return digest.finalize().hex()[:40]


def _client_id() -> str:
    return "1" + "".join(secrets.choice("0123456789") for _ in range(20))


def _public_pem(public: rsa.RSAPublicKey) -> str:
    return public.public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    ).decode()


def _key_file(
    account: Account, key_id: str, private: rsa.RSAPrivateKey, token_uri: str
) -> dict[str, str]:
    pem = private.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    base = token_uri.removesuffix("/token")
    return {
        "type": "service_account",
        "project_id": account.project,
        "private_key_id": key_id,
        "private_key": pem.decode(),
        "client_email": account.email,
        "client_id": account.client_id,
        "auth_uri": f"{base}/auth",
        "token_uri": token_uri,
        "auth_provider_x509_cert_url": f"{base}/certs",
        "client_x509_cert_url": f"{base}/certs/{account.email}",
        "universe_domain": "googleapis.com",
    }
