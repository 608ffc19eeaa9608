"""Moments as RFC 3339 text."""

from datetime import UTC, datetime

from mainstem.localgcp.bigquery.errors import invalid


def moment_of(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise invalid(f"Invalid timestamp: {text}") from None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
