"""A mounted dashboard over a seeded database, shared by the tests of pages."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from mainstem.ui import close_ui
from tests.ui import seed
from tests.ui.site import Site, make_site


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    app = seed.make_app(tmp_path_factory.mktemp("site"))
    made = make_site(app, seed.Seeder(app).everything())
    yield made
    close_ui(made.ui)
    made.browser.close()
    app.stop()


@pytest.fixture
def empty_site(tmp_path: Path) -> Iterator[Site]:
    app = seed.make_app(tmp_path)
    made = make_site(app)
    yield made
    made.browser.close()
    app.stop()
