"""The operations of the API on secrets and versions, one at a time, durable when they return."""

import secrets as randomness
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from mainstem.localgcp.secretmanager.changes import SecretChange
from mainstem.localgcp.secretmanager.errors import ApiError, Status
from mainstem.localgcp.secretmanager.model import Secret, Version, VersionState
from mainstem.localgcp.secretmanager.vault import Vault

Found = tuple[Secret, Version]
ETAG_MISMATCH = "The etag provided in the request does not match the resource's current etag."


@dataclass(frozen=True, slots=True)
class SecretSummary:
    """What may be shown of a secret: its name and the states of its versions, never a value."""

    project: str
    secret_id: str
    created: datetime
    expires: datetime | None
    labels: tuple[tuple[str, str], ...]
    versions: tuple[tuple[int, VersionState, datetime], ...]


class SecretManager:
    """All secrets of one state folder. Every change is on disk before it is visible."""

    def __init__(self, vault: Vault, clock: Callable[[], datetime]) -> None:
        self._vault = vault
        self._clock = clock
        self._lock = threading.Lock()
        self._secrets = {secret.name: secret for secret in vault.load()}

    def summaries(self) -> Sequence[SecretSummary]:
        """Every living secret by project and name, for people to look at."""
        with self._lock:
            living = [secret for secret in self._secrets.values() if self._is_alive(secret)]
        return [_summary(secret) for secret in sorted(living, key=lambda one: one.name)]

    def create(self, project: str, secret_id: str, change: SecretChange) -> Secret:
        with self._lock:
            draft = Secret(project, secret_id, self._clock(), _etag())
            existing = self._secrets.get(draft.name)
            if existing is not None and self._is_alive(existing):
                raise ApiError(Status.ALREADY_EXISTS, f"Secret [{draft.name}] already exists.")
            return self._put(change.apply(draft, self._clock()))

    def get(self, name: str) -> Secret:
        with self._lock:
            return self._find(name)

    def list(self, project: str) -> Sequence[Secret]:
        """The secrets of a project, newest first."""
        with self._lock:
            found = [
                secret
                for secret in self._secrets.values()
                if secret.project == project and self._is_alive(secret)
            ]
        return sorted(found, key=lambda one: (one.created, one.name), reverse=True)

    def patch(self, name: str, change: SecretChange, etag: str) -> Secret:
        with self._lock:
            secret = self._find(name)
            _check_etag(etag, secret.etag)
            return self._put(replace(change.apply(secret, self._clock()), etag=_etag()))

    def delete(self, name: str, etag: str) -> None:
        with self._lock:
            _check_etag(etag, self._find(name).etag)
            self._replace({key: kept for key, kept in self._secrets.items() if key != name})

    def add_version(self, name: str, data: bytes, *, has_client_checksum: bool) -> Found:
        with self._lock:
            secret = self._find(name)
            version = Version(
                number=secret.next_number,
                created=self._clock(),
                state=VersionState.ENABLED,
                etag=_etag(),
                data=data,
                has_client_checksum=has_client_checksum,
            )
            return self._put(secret.with_version(version)), version

    def version(self, name: str, which: str) -> Found:
        """A version by number, by alias, or `latest`."""
        with self._lock:
            secret = self._find(name)
            return secret, _version_of(secret, which)

    def access(self, name: str, which: str) -> Found:
        """A version whose value may be read: it is enabled."""
        with self._lock:
            secret = self._find(name)
            version = _version_of(secret, which)
            if version.state is not VersionState.ENABLED:
                raise _wrong_state(secret, version)
            return secret, version

    def set_state(self, name: str, which: str, state: VersionState, etag: str) -> Found:
        """Enable, disable or destroy; nothing leads back from destroyed."""
        with self._lock:
            secret = self._find(name)
            version = _version_of(secret, which)
            _check_etag(etag, version.etag)
            if version.state is VersionState.DESTROYED:
                raise _wrong_state(secret, version)
            version = version.become(state, _etag(), self._clock())
            return self._put(secret.with_version(version)), version

    def _find(self, name: str) -> Secret:
        secret = self._secrets.get(name)
        if secret is None or not self._is_alive(secret):
            raise ApiError(Status.NOT_FOUND, f"Secret [{name}] not found.")
        return secret

    def _is_alive(self, secret: Secret) -> bool:
        return secret.expires is None or secret.expires > self._clock()

    def _put(self, secret: Secret) -> Secret:
        self._replace({**self._secrets, secret.name: secret})
        return secret

    def _replace(self, secrets: dict[str, Secret]) -> None:
        living = {name: secret for name, secret in secrets.items() if self._is_alive(secret)}
        self._vault.save(living.values())
        self._secrets = living


def _version_of(secret: Secret, which: str) -> Version:
    if which == "latest":
        version = secret.latest()
    else:
        number = int(which) if which.isdecimal() else secret.aliases.get(which, 0)
        version = secret.versions.get(number)
    if version is None:
        raise ApiError(
            Status.NOT_FOUND, f"Secret Version [{secret.version_name(which)}] not found."
        )
    return version


def _wrong_state(secret: Secret, version: Version) -> ApiError:
    return ApiError(
        Status.FAILED_PRECONDITION,
        f"Secret Version [{secret.version_name(version.number)}] is in "
        f"{version.state.value} state.",
    )


def _check_etag(given: str, current: str) -> None:
    if given and given != current:
        raise ApiError(Status.FAILED_PRECONDITION, ETAG_MISMATCH)


def _etag() -> str:
    return f'"{randomness.token_hex(7)}"'


def _summary(secret: Secret) -> SecretSummary:
    newest_first = sorted(secret.versions.values(), key=lambda one: one.number, reverse=True)
    return SecretSummary(
        project=secret.project,
        secret_id=secret.secret_id,
        created=secret.created,
        expires=secret.expires,
        labels=tuple(sorted(secret.labels.items())),
        versions=tuple((one.number, one.state, one.created) for one in newest_first),
    )
