"""Secrets from Google Secret Manager, through Google's client.

A secret of namespace `a.b` named KEY is `<prefix>__a--b__KEY`; its newest version counts.
A namespace in whose name `--` or `__` occurs, and a key with a dot, cannot be told from others
there, and are not looked for.
"""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from mainstem.errors import Denied, InvalidInput, MainstemError, Stalled, Transient
from mainstem.secrets.base import LARGEST_SECRET, SecretNote

if TYPE_CHECKING:
    from google.cloud.secretmanager import SecretManagerServiceClient

_LONGEST_ID: Final = 255
_TIMEOUT: Final = 10.0
_PATIENCE: Final = 4.0
_DESCRIPTION: Final = "mainstem-description"
_TAG: Final = "mainstem-tag-"


def secret_id(prefix: str, namespace: str, key: str) -> str | None:
    """The id in Secret Manager; None for names that would be ambiguous there."""
    if "--" in namespace or "__" in namespace or namespace.endswith("_") or "." in key:
        return None
    found = f"{prefix}__{namespace.replace('.', '--')}__{key}"
    return found if len(found) <= _LONGEST_ID else None


class GoogleSecrets:
    """One project. Credentials are those of the environment, as Google's clients find them."""

    name = "google"

    def __init__(self, project: str, prefix: str, endpoint: str | None = None) -> None:
        self._project = project
        self._prefix = prefix
        self._endpoint = endpoint
        self._lock = threading.Lock()
        self._made: SecretManagerServiceClient | None = None

    def find(self, namespace: str, key: str) -> str | None:
        from google.api_core.exceptions import BadRequest, NotFound

        identifier = secret_id(self._prefix, namespace, key)
        if identifier is None:
            return None
        name = f"{self._parent}/secrets/{identifier}/versions/latest"
        with _google_errors(f"secret {identifier}"):
            try:
                answer = self._client.access_secret_version(name=name, **limits())
            except NotFound:
                return None
            except BadRequest as error:
                # To go on with another source would undo what disabling it is for.
                raise Stalled(
                    f"Google does not give secret {identifier}: enable its newest version or add "
                    f"one ({error.message})"
                ) from error
        return _text(answer.payload.data, answer.payload.data_crc32c, identifier)

    def names(self, namespace: str) -> list[str]:
        return [note.key for note in self.notes(namespace)]

    def notes(self, namespace: str) -> list[SecretNote]:
        start = secret_id(self._prefix, namespace, "")
        if start is None:
            return []
        request = {"parent": self._parent, "filter": f"name:{start}", "page_size": 1000}
        found = []
        with _google_errors(f"secrets of {self._parent}"):
            for secret in self._client.list_secrets(request=request, **limits()):
                identifier = secret.name.rpartition("/")[2]
                if identifier.startswith(start):
                    marks = dict(secret.annotations)
                    tags = {k.removeprefix(_TAG): v for k, v in marks.items() if k.startswith(_TAG)}
                    key = identifier.removeprefix(start)
                    found.append(SecretNote(key, marks.get(_DESCRIPTION), tags, secret.create_time))
        return sorted(found, key=lambda note: note.key)

    def put(
        self,
        namespace: str,
        key: str,
        value: str,
        description: str | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> None:
        from google.api_core.exceptions import NotFound

        identifier = secret_id(self._prefix, namespace, key)
        if identifier is None:
            raise InvalidInput(
                f"`{namespace}` `{key}` has no name in Secret Manager: avoid -- __ ."
            )
        name = f"{self._parent}/secrets/{identifier}"
        version = {"parent": name, "payload": {"data": value.encode()}}
        with _google_errors(f"secret {identifier}"):
            try:
                self._client.add_secret_version(request=version, **limits())
            except NotFound:
                self._create(identifier, description, tags)
                self._client.add_secret_version(request=version, **limits())

    def remove(self, namespace: str, key: str) -> bool:
        from google.api_core.exceptions import NotFound

        identifier = secret_id(self._prefix, namespace, key)
        if identifier is None:
            return False
        with _google_errors(f"secret {identifier}"):
            try:
                name = f"{self._parent}/secrets/{identifier}"
                self._client.delete_secret(name=name, **limits())
            except NotFound:
                return False
        return True

    @property
    def _parent(self) -> str:
        return f"projects/{self._project}"

    @property
    def _client(self) -> "SecretManagerServiceClient":
        with self._lock:
            if self._made is None:
                from google.cloud.secretmanager import SecretManagerServiceClient

                self._made = SecretManagerServiceClient(
                    transport="rest", **client_options(self._endpoint)
                )
            return self._made

    def _create(
        self, identifier: str, description: str | None, tags: Mapping[str, str] | None
    ) -> None:
        marks = {f"{_TAG}{key}": value for key, value in (tags or {}).items()}
        if description:
            marks[_DESCRIPTION] = description
        secret = {"replication": {"automatic": {}}, "annotations": marks}
        request = {"parent": self._parent, "secret_id": identifier, "secret": secret}
        self._client.create_secret(request=request, **limits())


def limits() -> dict[str, Any]:
    """How long a call may take, retries included: whoever waits has a task to run."""
    from google.api_core.retry import Retry

    return {"timeout": _TIMEOUT, "retry": Retry(initial=0.2, maximum=2.0, timeout=_PATIENCE)}


def client_options(endpoint: str | None) -> dict[str, Any]:
    """Options of a client: a plain http endpoint is a local stand-in that takes anybody."""
    if endpoint is None:
        return {}
    options: dict[str, Any] = {"client_options": {"api_endpoint": endpoint}}
    if endpoint.startswith("http://"):
        from google.auth.credentials import AnonymousCredentials

        options["credentials"] = AnonymousCredentials()  # type: ignore[no-untyped-call]
    return options


def _text(data: bytes, checksum: int, identifier: str) -> str:
    import google_crc32c

    if google_crc32c.value(data) != checksum:
        raise Transient(f"secret {identifier} arrived damaged: its checksum differs")
    if len(data) > LARGEST_SECRET:
        raise InvalidInput(f"secret {identifier} is larger than {LARGEST_SECRET} bytes")
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise InvalidInput(f"secret {identifier} is not UTF-8 text") from error


@contextmanager
def _google_errors(subject: str) -> Iterator[None]:
    """Google's errors as ours; their text names resources, never values."""
    from google.api_core.exceptions import Forbidden, GoogleAPICallError, RetryError, Unauthorized
    from google.auth.exceptions import GoogleAuthError

    try:
        yield
    except MainstemError:
        raise
    except (Forbidden, Unauthorized) as error:
        raise Denied(
            f"Google refuses {subject}: give the server's service account the role "
            f"roles/secretmanager.secretAccessor ({error.message})"
        ) from error
    except GoogleAuthError as error:
        raise Stalled(f"there are no Google credentials for {subject}: {error}") from error
    except (GoogleAPICallError, RetryError, OSError) as error:
        raise Transient(f"Google does not answer for {subject}: {error}") from error
