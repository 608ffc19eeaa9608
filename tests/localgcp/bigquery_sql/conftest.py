"""One in-memory host for each test."""

from collections.abc import Iterator

import pytest

from tests.localgcp.bigquery_sql.memory_host import MemoryHost


@pytest.fixture
def bq() -> Iterator[MemoryHost]:
    host = MemoryHost()
    yield host
    host.cursor.close()


@pytest.fixture(scope="module")
def shared() -> Iterator[MemoryHost]:
    """For tests that only compute and leave nothing behind."""
    host = MemoryHost()
    yield host
    host.cursor.close()
