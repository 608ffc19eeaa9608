"""The composition root of the emulator: one FastAPI application over one state folder."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from fastapi import FastAPI

from mainstem.localgcp.bigquery.gcs import GcsEndpoint

TokenVerifier = Callable[[str], bool]
"""Says whether a bearer token is one that the local token endpoint issued and still honours."""

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    return datetime.now(UTC)


def create_app(
    state_dir: Path,
    storage: GcsEndpoint,
    *,
    clock: Clock = utc_now,
    verify_token: TokenVerifier | None = None,
    default_location: str = "US",
) -> FastAPI:
    """Build the emulator; `app.state.warehouse` is what the `console` functions ask."""
    raise NotImplementedError
