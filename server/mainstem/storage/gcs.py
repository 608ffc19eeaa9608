"""Internal storage in a bucket of Google Cloud Storage."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO, Final, cast

from mainstem.errors import InvalidInput, MainstemError, NotFound, Stalled, Transient

_IN_MEMORY: Final = 8_000_000
_LONGEST_PART: Final = 255
_LONGEST: Final = 1_000
_PROJECT: Final = "mainstem"


class GcsStorage:
    """Objects below `prefix` of a bucket; an object is there whole or not at all."""

    def __init__(
        self, bucket: str, prefix: str = "", endpoint: str | None = None, patience: float = 60.0
    ) -> None:
        self._name = bucket
        self._patience = patience
        self._prefix = f"{prefix.strip('/')}/" if prefix.strip("/") else ""
        self._endpoint = endpoint

    def put(self, path: str, source: Path) -> int:
        with self._errors():
            self._blob(path).upload_from_filename(str(source), retry=self._retry)
        return source.stat().st_size

    def put_bytes(self, path: str, content: bytes) -> None:
        with self._errors():
            self._blob(path).upload_from_string(
                content, "application/octet-stream", retry=self._retry
            )

    @contextmanager
    def writing(self, path: str) -> Iterator[BinaryIO]:
        blob = self._blob(path)
        with tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY) as file:
            yield cast("BinaryIO", file)
            with self._errors():
                blob.upload_from_file(file, rewind=True, retry=self._retry)

    def open(self, path: str) -> BinaryIO:
        with self._errors(path):
            return cast("BinaryIO", self._existing(path).open("rb"))

    def fetch(self, path: str, to: Path) -> None:
        blob = self._blob(path)
        to.parent.mkdir(parents=True, exist_ok=True)
        with self._errors(path), tempfile.TemporaryDirectory(dir=to.parent) as folder:
            part = Path(folder) / "part"
            blob.download_to_filename(str(part))
            shutil.move(part, to)

    def size(self, path: str) -> int:
        with self._errors(path):
            return int(self._existing(path).size)

    def exists(self, path: str) -> bool:
        with self._errors(path):
            return bool(self._blob(path).exists())

    def paths(self, prefix: str) -> Iterator[str]:
        below = f"{self._prefix}{checked(prefix)}/" if prefix else self._prefix
        with self._errors():
            for blob in self._bucket.list_blobs(prefix=below):
                yield blob.name.removeprefix(self._prefix)

    def delete(self, path: str) -> bool:
        blob = self._blob(path)
        try:
            with self._errors(path):
                blob.delete()
        except NotFound:
            return False
        return True

    def delete_below(self, prefix: str) -> list[str]:
        return [path for path in list(self.paths(prefix)) if self.delete(path)]

    def check(self) -> None:
        """Write, read and delete one object; raises what is wrong."""
        self.put_bytes("_check", b"mainstem")
        self.delete("_check")

    @cached_property
    def _bucket(self) -> Any:
        from google.auth.exceptions import DefaultCredentialsError
        from google.cloud import storage  # type: ignore[attr-defined]

        if self._endpoint:
            from google.auth.credentials import AnonymousCredentials

            client = storage.Client(
                project=_PROJECT,
                credentials=AnonymousCredentials(),  # type: ignore[no-untyped-call]
                client_options={"api_endpoint": self._endpoint},
            )
        else:
            try:
                client = storage.Client()
            except DefaultCredentialsError as error:
                raise Stalled(
                    f"there are no Google credentials for the bucket {self._name}: give the "
                    "server a service account, or set GOOGLE_APPLICATION_CREDENTIALS"
                ) from error
        return client.bucket(self._name)

    @cached_property
    def _retry(self) -> Any:
        """Uploads replace an object whole, so that trying again is right without conditions."""
        from google.cloud.storage.retry import DEFAULT_RETRY

        return DEFAULT_RETRY.with_timeout(self._patience)

    def _blob(self, path: str) -> Any:
        return self._bucket.blob(f"{self._prefix}{checked(path)}")

    def _existing(self, path: str) -> Any:
        blob = self._bucket.get_blob(f"{self._prefix}{checked(path)}")
        if blob is None:
            raise NotFound(f"internal storage has no file `{path}`")
        return blob

    @contextmanager
    def _errors(self, path: str | None = None) -> Iterator[None]:
        """Errors of Google's library as ours, with what to do; `path` may be missing."""
        from google.api_core import exceptions
        from google.auth.exceptions import GoogleAuthError
        from requests.exceptions import RequestException

        try:
            yield
        except MainstemError:
            raise
        except exceptions.NotFound as error:
            if path is None:
                raise Stalled(
                    f"the bucket {self._name} does not exist: create it, or correct storage.bucket"
                ) from error
            raise NotFound(f"internal storage has no file `{path}`") from error
        except (exceptions.Forbidden, exceptions.Unauthorized) as error:
            raise Stalled(
                f"the server may not use the bucket {self._name}: grant its service account "
                f"roles/storage.objectUser on it ({error.message})"
            ) from error
        except (exceptions.GoogleAPIError, GoogleAuthError, RequestException, OSError) as error:
            raise Transient(f"the bucket {self._name} does not answer: {error}") from error


def checked(path: str) -> str:
    """The path if both kinds of storage can have it; raises InvalidInput."""
    pure = PurePosixPath(path)
    try:
        longest = max((len(part.encode()) for part in pure.parts), default=0)
    except UnicodeEncodeError as error:
        raise InvalidInput(f"`{path!r}` cannot be a path of internal storage") from error
    if pure.is_absolute() or not pure.parts or ".." in pure.parts:
        raise InvalidInput(f"`{path}` lies outside of internal storage")
    if longest > _LONGEST_PART or len(path.encode()) > _LONGEST or "\x00" in path:
        raise InvalidInput(f"`{path}` cannot be a path of internal storage")
    return str(pure)
