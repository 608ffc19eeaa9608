"""The one-time link of a new server in a real browser, which says where its forms come from."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from mainstem.app import App
from mainstem.settings import load_settings
from tests.api.conftest import Api

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]
PASSWORD = "correct horse battery"


@pytest.fixture
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    overrides = {"state_dir": str(tmp_path_factory.mktemp("welcome"))}
    app = App(load_settings(overrides=overrides, environment={}), environment={})
    app.start()
    served = Api(app)
    yield served
    served.close()
    app.stop()


def test_the_first_admin_is_made_signs_out_and_signs_in_again(
    server: Api, browser: Browser
) -> None:
    link = server.app.users.first_link()
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{server.url}/ui/welcome/{link}")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_label("The same again").fill("something else entirely")
    page.get_by_role("button", name="Create and sign in").click()
    expect(page.get_by_text("The two passwords are not the same.")).to_be_visible()
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_label("The same again").fill(PASSWORD)
    page.get_by_role("button", name="Create and sign in").click()
    expect(page).to_have_url(f"{server.url}/ui/")
    assert [user.name for user in server.app.users.everybody()] == ["admin"]
    (cookie,) = (c for c in context.cookies() if c["name"] == "mainstem_session")
    assert cookie["httpOnly"]
    assert cookie["sameSite"] == "Lax"
    context.close()

    context = browser.new_context()
    page = context.new_page()
    assert page.goto(f"{server.url}/ui/flows").url.startswith(f"{server.url}/ui/login")  # type: ignore[union-attr]
    page.get_by_label("Name").fill("admin")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page).to_have_url(f"{server.url}/ui/flows")
    again = page.goto(f"{server.url}/ui/welcome/{link}")
    assert again is not None
    assert again.status >= 400, "the link works once"
    context.close()
