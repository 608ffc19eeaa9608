"""Listings by pages: a page token is the place in the listing, opaque to clients."""

import base64
import binascii
from collections.abc import Sequence
from typing import TypeVar

from mainstem.localgcp.bigquery.errors import BigQueryError, invalid

T = TypeVar("T")


def token_of(place: int) -> str:
    return base64.urlsafe_b64encode(f"p{place}".encode()).decode().rstrip("=")


def place_of(token: str | None) -> int:
    """The place a token stands for; anything else is refused as BigQuery does."""
    if not token:
        return 0
    try:
        text = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)).decode()
        if text.startswith("p"):
            return int(text[1:])
    except (ValueError, binascii.Error):
        pass
    raise invalid(f"Invalid page token: {token}", "pageToken")


def page(
    items: Sequence[T], token: str | None, limit: int | None
) -> tuple[Sequence[T], str | None]:
    """The page a token asks for, and the token of the next one."""
    start = place_of(token)
    end = len(items) if limit is None else start + limit
    following = token_of(end) if end < len(items) else None
    return items[start:end], following


def whole_number(name: str, text: str | None) -> int | None:
    """A query parameter that counts something."""
    if text is None or text == "":
        return None
    if not text.isdigit():
        raise BigQueryError("invalid", f"Invalid value for {name}: {text}", location=name)
    return int(text)
