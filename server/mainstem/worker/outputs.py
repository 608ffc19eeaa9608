"""Outputs as they are stored: JSON-compatible, without null keys, secrets kept out."""

from collections.abc import Mapping
from dataclasses import asdict, is_dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from pathlib import PurePath
from uuid import UUID

from pydantic import BaseModel

from mainstem.model.duration import format_duration


def storable(outputs: object, *, keep_nulls: bool = False) -> dict[str, object] | None:
    """The outputs of a task as plain values; keys that are null at the top are dropped."""
    if outputs is None:
        return None
    plain = to_plain(outputs)
    if not isinstance(plain, dict):
        raise TypeError(f"a task must return a map of outputs, not {type(outputs).__name__}")
    kept = plain if keep_nulls else {k: v for k, v in plain.items() if v is not None}
    return kept or None


def to_plain(value: object) -> object:
    """Maps, lists, text, numbers, booleans and null only; other values by their usual text."""
    if isinstance(value, Enum):
        return to_plain(value.value)
    if isinstance(value, str):
        return clean(value)
    if value is None or isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, Mapping):
        return {str(key): to_plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [to_plain(item) for item in value]
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json", by_alias=True)
    if is_dataclass(value) and not isinstance(value, type):
        return to_plain(asdict(value))
    return _scalar(value)


def clean(text: str) -> str:
    """The text with half characters (lone surrogates) replaced, which no database takes."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def _scalar(value: object) -> object:
    if isinstance(value, (datetime, date, time)):
        return value.isoformat()
    if isinstance(value, timedelta):
        return format_duration(value)
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, (PurePath, UUID)):
        return str(value)
    return str(value)
