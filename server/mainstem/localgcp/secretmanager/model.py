"""Secrets and their versions, and every change they can go through; pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import Enum


class VersionState(Enum):
    ENABLED = "ENABLED"
    DISABLED = "DISABLED"
    DESTROYED = "DESTROYED"


STATE_NUMBERS = {VersionState.ENABLED: 1, VersionState.DISABLED: 2, VersionState.DESTROYED: 3}


@dataclass(frozen=True, slots=True)
class Version:
    """One value of a secret; `data` is empty once it is destroyed."""

    number: int
    created: datetime
    state: VersionState
    etag: str
    data: bytes = field(repr=False)
    has_client_checksum: bool = False
    destroyed: datetime | None = None

    def become(self, state: VersionState, etag: str, now: datetime) -> "Version":
        """The version in another state; destroying it drops the value for good."""
        if state is VersionState.DESTROYED:
            return replace(self, state=state, etag=etag, data=b"", destroyed=now)
        return replace(self, state=state, etag=etag)


@dataclass(frozen=True, slots=True)
class Secret:
    """A named secret; `replicas` is None for automatic replication, else the locations."""

    project: str
    secret_id: str
    created: datetime
    etag: str
    replicas: tuple[str, ...] | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    aliases: Mapping[str, int] = field(default_factory=dict)
    expires: datetime | None = None
    versions: Mapping[int, Version] = field(default_factory=dict)
    next_number: int = 1

    @property
    def name(self) -> str:
        return f"projects/{self.project}/secrets/{self.secret_id}"

    def version_name(self, number: int | str) -> str:
        return f"{self.name}/versions/{number}"

    def latest(self) -> Version | None:
        """The version added last, whatever its state is."""
        return self.versions[max(self.versions)] if self.versions else None

    def with_version(self, version: Version) -> "Secret":
        return replace(
            self,
            versions={**self.versions, version.number: version},
            next_number=max(self.next_number, version.number + 1),
        )
