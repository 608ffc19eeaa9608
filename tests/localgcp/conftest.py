"""One local Google Cloud for the tests that only use it."""

from collections.abc import Iterator

import pytest

from mainstem.localgcp.launch import LocalGcp
from tests.localgcp.clients import PROJECT


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalGcp]:
    with LocalGcp(tmp_path_factory.mktemp("local-gcp"), project=PROJECT) as running:
        yield running


@pytest.fixture(scope="session")
def key(cloud: LocalGcp) -> dict[str, str]:
    return cloud.key()
