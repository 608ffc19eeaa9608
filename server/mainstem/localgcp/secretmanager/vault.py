"""The encrypted file: AES-256-GCM over JSON, replaced whole on every change."""

import base64
import json
import secrets as randomness
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from mainstem.errors import Stalled
from mainstem.localgcp.secretmanager.model import Secret, Version, VersionState
from mainstem.localgcp.state import replace_file

MAGIC = b"mainstem-secrets-1\n"
NONCE_BYTES = 12


class Vault:
    """Reads and replaces `secrets.enc`; its key is `secrets.key` beside it, mode 0600."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "secrets.enc"
        self._key_file = folder / "secrets.key"
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    def load(self) -> list[Secret]:
        """Every stored secret; a file that does not open is an error, never an empty store."""
        try:
            sealed = self._file.read_bytes()
        except FileNotFoundError:
            return []
        nonce_end = len(MAGIC) + NONCE_BYTES
        try:
            if not sealed.startswith(MAGIC):
                raise InvalidTag
            cipher = AESGCM(self._key_file.read_bytes())
            content = cipher.decrypt(sealed[len(MAGIC) : nonce_end], sealed[nonce_end:], MAGIC)
        except (FileNotFoundError, InvalidTag, ValueError):
            raise Stalled(
                f"{self._file} cannot be opened with {self._key_file.name} beside it. Restore "
                f"the key that belongs to it, or move the file away to start without secrets."
            ) from None
        return [_secret_from(entry) for entry in json.loads(content)]

    def save(self, secrets: Iterable[Secret]) -> None:
        """Put the given secrets on disk as all there is."""
        content = json.dumps([_secret_to(secret) for secret in secrets]).encode()
        nonce = randomness.token_bytes(NONCE_BYTES)
        sealed = AESGCM(self._key()).encrypt(nonce, content, MAGIC)
        replace_file(self._file, MAGIC + nonce + sealed)

    def _key(self) -> bytes:
        try:
            return self._key_file.read_bytes()
        except FileNotFoundError:
            replace_file(self._key_file, AESGCM.generate_key(256))
            return self._key_file.read_bytes()


def _secret_to(secret: Secret) -> dict[str, object]:
    return {
        "project": secret.project,
        "id": secret.secret_id,
        "created": secret.created.isoformat(),
        "etag": secret.etag,
        "replicas": secret.replicas,
        "labels": dict(secret.labels),
        "annotations": dict(secret.annotations),
        "aliases": dict(secret.aliases),
        "expires": secret.expires and secret.expires.isoformat(),
        "next": secret.next_number,
        "versions": [_version_to(version) for version in secret.versions.values()],
    }


def _version_to(version: Version) -> dict[str, object]:
    return {
        "number": version.number,
        "created": version.created.isoformat(),
        "state": version.state.value,
        "etag": version.etag,
        "data": base64.b64encode(version.data).decode(),
        "checksum": version.has_client_checksum,
        "destroyed": version.destroyed and version.destroyed.isoformat(),
    }


def _secret_from(entry: Mapping[str, object]) -> Secret:
    text = _Texts(entry)
    replicas, versions = entry["replicas"], entry["versions"]
    assert isinstance(versions, list)
    numbered = [_version_from(version) for version in versions]
    return Secret(
        project=text["project"],
        secret_id=text["id"],
        created=datetime.fromisoformat(text["created"]),
        etag=text["etag"],
        replicas=tuple(map(str, replicas)) if isinstance(replicas, list) else None,
        labels=text.table("labels"),
        annotations=text.table("annotations"),
        aliases={alias: int(number) for alias, number in text.table("aliases").items()},
        expires=text.moment("expires"),
        versions={version.number: version for version in numbered},
        next_number=int(text["next"]),
    )


def _version_from(entry: Mapping[str, object]) -> Version:
    text = _Texts(entry)
    return Version(
        number=int(text["number"]),
        created=datetime.fromisoformat(text["created"]),
        state=VersionState(text["state"]),
        etag=text["etag"],
        data=base64.b64decode(text["data"]),
        has_client_checksum=entry["checksum"] is True,
        destroyed=text.moment("destroyed"),
    )


class _Texts:
    """Typed reading of one JSON object that this module wrote."""

    def __init__(self, entry: Mapping[str, object]) -> None:
        self._entry = entry

    def __getitem__(self, name: str) -> str:
        return str(self._entry[name])

    def moment(self, name: str) -> datetime | None:
        value = self._entry[name]
        return datetime.fromisoformat(value) if isinstance(value, str) else None

    def table(self, name: str) -> dict[str, str]:
        value = self._entry[name]
        assert isinstance(value, dict)
        return {str(key): str(item) for key, item in value.items()}
