"""Small pieces every resource is written with: times, labels, missing fields."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

from mainstem.localgcp.bigquery.errors import invalid
from mainstem.localgcp.bigquery.model import Labels

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
LABEL_KEY: Final = re.compile(r"[^\W\d_A-Z][\w-]{0,62}", re.UNICODE)
LABEL_VALUE: Final = re.compile(r"[\w-]{0,63}", re.UNICODE)
MOST_LABELS: Final = 64


def drop_missing(body: Mapping[str, object]) -> dict[str, object]:
    """The body without its absent fields; whole numbers outside JSON's range become text."""
    return {key: wire_number(value) for key, value in body.items() if value is not None}


def wire_number(value: object) -> object:
    """64-bit integers travel as strings."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def millis(moment: datetime) -> str:
    return str((moment - EPOCH) // timedelta(milliseconds=1))


def from_millis(value: int) -> datetime:
    return EPOCH + timedelta(milliseconds=value)


def labels_of(changes: Mapping[str, str | None], before: Labels) -> Labels:
    """Labels after a change; a null value takes a label away."""
    merged = dict(before)
    for key, value in changes.items():
        if value is None:
            merged.pop(key, None)
            continue
        _check_label(key, value)
        merged[key] = value
    if len(merged) > MOST_LABELS:
        raise invalid(f"A resource can have at most {MOST_LABELS} labels")
    return tuple(sorted(merged.items()))


def _check_label(key: str, value: str) -> None:
    if not LABEL_KEY.fullmatch(key) or key != key.lower():
        raise invalid(
            f'Invalid label key "{key}": keys start with a lowercase letter and hold only '
            "lowercase letters, digits, underscores and dashes, at most 63 of them.",
            "labels",
        )
    if not LABEL_VALUE.fullmatch(value) or value != value.lower():
        raise invalid(
            f'Invalid label value "{value}" of label "{key}": values hold only lowercase '
            "letters, digits, underscores and dashes, at most 63 of them.",
            "labels",
        )
