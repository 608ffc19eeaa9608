"""Google Cloud KMS as the keeper of the key that wraps our keys."""

import threading
from typing import TYPE_CHECKING, Final

from mainstem.errors import Denied, Stalled, Transient
from mainstem.secrets.google import client_options, limits

if TYPE_CHECKING:
    from google.cloud.kms import KeyManagementServiceClient

# Binds what is wrapped to its purpose: the same KMS key may serve others.
_CONTEXT: Final = b"mainstem data key"


class KmsWrapper:
    """Envelope encryption: KMS sees keys of 32 bytes, never a secret."""

    def __init__(self, key: str, endpoint: str | None = None) -> None:
        self.name = key
        self._endpoint = endpoint
        self._lock = threading.Lock()
        self._made: KeyManagementServiceClient | None = None

    def wrap(self, plain: bytes) -> bytes:
        """Raises Denied, Stalled or Transient, as `unwrap` does."""
        import google_crc32c

        request = {
            "name": self.name,
            "plaintext": plain,
            "plaintext_crc32c": google_crc32c.value(plain),
            "additional_authenticated_data": _CONTEXT,
            "additional_authenticated_data_crc32c": google_crc32c.value(_CONTEXT),
        }
        answer = self._call("encrypt", request)
        if google_crc32c.value(answer.ciphertext) != answer.ciphertext_crc32c:
            raise Transient(f"{self.name}: the wrapped key arrived damaged")
        return bytes(answer.ciphertext)

    def unwrap(self, wrapped: bytes) -> bytes:
        import google_crc32c

        request = {
            "name": self.name,
            "ciphertext": wrapped,
            "ciphertext_crc32c": google_crc32c.value(wrapped),
            "additional_authenticated_data": _CONTEXT,
            "additional_authenticated_data_crc32c": google_crc32c.value(_CONTEXT),
        }
        answer = self._call("decrypt", request)
        if google_crc32c.value(answer.plaintext) != answer.plaintext_crc32c:
            raise Transient(f"{self.name}: the key arrived damaged")
        return bytes(answer.plaintext)

    def _call(self, method: str, request: dict[str, object]):  # type: ignore[no-untyped-def]
        from google.api_core.exceptions import (
            BadRequest,
            FailedPrecondition,
            Forbidden,
            GoogleAPICallError,
            NotFound,
            RetryError,
            Unauthorized,
        )
        from google.auth.exceptions import GoogleAuthError

        try:
            return getattr(self._client(), method)(request=request, **limits())
        except (Forbidden, Unauthorized) as error:
            raise Denied(
                f"KMS refuses {self.name}: give the server's service account the role "
                "roles/cloudkms.cryptoKeyEncrypterDecrypter on it"
            ) from error
        except (NotFound, BadRequest, FailedPrecondition, GoogleAuthError) as error:
            raise Stalled(f"KMS cannot use {self.name}: {error}") from error
        except (GoogleAPICallError, RetryError, OSError) as error:
            raise Transient(f"KMS does not answer for {self.name}: {error}") from error

    def _client(self) -> "KeyManagementServiceClient":
        with self._lock:
            if self._made is None:
                from google.cloud.kms import KeyManagementServiceClient

                options = client_options(self._endpoint)
                self._made = KeyManagementServiceClient(transport="rest", **options)
            return self._made
