"""Databases of both dialects with something in every table."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.postgres import PostgresServer

Url = Callable[[], str]


@pytest.fixture(params=["sqlite", "postgresql"])
def new_url(request: pytest.FixtureRequest, tmp_path: Path) -> Url:
    """Addresses of databases that nobody has used yet."""
    if request.param == "postgresql":
        server: PostgresServer = request.getfixturevalue("postgres_server")
        return server.fresh
    numbers = iter(range(100))
    return lambda: f"sqlite:///{tmp_path / f'new{next(numbers)}.db'}"
