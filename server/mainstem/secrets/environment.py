"""Secrets from the process environment: `SECRET_NAME` holds the value in base64."""

import base64
import binascii
from collections.abc import Mapping
from typing import Final

_PREFIX: Final = "SECRET_"


class EnvironmentSecrets:
    """Any namespace sees them. A value that is not base64 of text is taken as it stands."""

    name = "environment"

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._values = {
            key.removeprefix(_PREFIX).upper(): _decode(value)
            for key, value in environment.items()
            if key.startswith(_PREFIX)
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
