"""A whole server on SQLite for tests of namespaces, files and secrets."""

import pytest

from tests.server.conftest import make_app, server

__all__ = ["database", "make_app", "server"]


@pytest.fixture
def database() -> dict[str, object]:
    """The store's tests run on both dialects; these need one."""
    return {}
