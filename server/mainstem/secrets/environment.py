"""Secrets from the process environment: `SECRET_NAME` holds the value in base64."""

import base64
import binascii
from collections.abc import Mapping
from typing import Final

PREFIX: Final = "SECRET_"


class EnvironmentSecrets:
    """Any namespace sees them. A value that is not base64 of text is taken as it stands.

    With a `plain_prefix`, variables of that prefix are secrets too, and never decoded.
    """

    name = "environment"

    def __init__(
        self,
        environment: Mapping[str, str],
        prefix: str = PREFIX,
        plain_prefix: str | None = None,
    ) -> None:
        self._values = {
            key.removeprefix(prefix).upper(): _decode(value)
            for key, value in environment.items()
            if key.startswith(prefix) and len(key) > len(prefix)
        }
        if plain_prefix:
            self._values |= {
                key.removeprefix(plain_prefix).upper(): value
                for key, value in environment.items()
                if key.startswith(plain_prefix) and len(key) > len(plain_prefix)
            }

    def find(self, namespace: str, key: str) -> str | None:
        return self._values.get(key.upper())

    def names(self, namespace: str) -> list[str]:
        return sorted(self._values)


def _decode(value: str) -> str:
    try:
        return base64.b64decode(value, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return value
