"""What every answer carries, and what a change must prove."""

import httpx
import pytest

from mainstem.ui import preferences
from mainstem.ui.flash import redirect
from tests.ui.html import Document
from tests.ui.site import Site

SETTINGS = {"theme": "dark", "density": "compact", "zone": "Europe/Berlin"}


@pytest.mark.parametrize("path", ["/ui/", "/ui/nope", "/ui/executions?state=X", "/ui/live?topics="])
def test_every_answer_carries_the_content_policy(site: Site, path: str) -> None:
    headers = site.browser.get(path).headers
    policy = headers["content-security-policy"]
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert headers["x-content-type-options"] == "nosniff"


def test_a_form_of_our_own_page_is_accepted(site: Site) -> None:
    response = site.post("/ui/settings", SETTINGS)
    assert response.status_code == 303
    assert response.headers["location"] == "/ui/settings?saved"


@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"origin": "https://evil.example"},
        {"origin": "null"},
    ],
)
def test_a_form_from_elsewhere_is_refused(site: Site, headers: dict[str, str]) -> None:
    site.browser.get("/ui/settings")
    token = site.browser.cookies["mainstem_csrf"]
    response = site.browser.post("/ui/settings", {**SETTINGS, "csrf": token}, headers=headers)
    assert response.status_code == 403
    assert "only from the dashboard" in response.text


@pytest.mark.parametrize("token", ["", "wrong", "x" * 43])
def test_a_form_without_the_right_token_is_refused(site: Site, token: str) -> None:
    site.browser.get("/ui/settings")
    response = site.browser.post("/ui/settings", {**SETTINGS, "csrf": token})
    assert response.status_code == 403
    assert "Reload the page" in response.text


def test_the_token_may_come_in_a_header(site: Site) -> None:
    site.browser.get("/ui/settings")
    headers = {"x-csrf-token": site.browser.cookies["mainstem_csrf"]}
    assert site.browser.post("/ui/settings", dict(SETTINGS), headers=headers).status_code == 303


def test_every_form_that_changes_something_holds_the_token(site: Site) -> None:
    for path in (
        "/ui/settings", "/ui/executions", "/ui/flows/edit/demo/hello/execute",
        "/ui/namespaces/zoomcamp/kv", "/ui/namespaces/zoomcamp/files", site.address("failed"),
        site.address("running"),
    ):  # fmt: skip
        forms = Document(site.get(path)).root.all("form")
        changing = [f for f in forms if f.attributes.get("method") == "post"]
        assert changing
        for form in changing:
            assert form.all("input", name="csrf"), f"{path}: {form.attributes}"


def test_the_cookie_of_the_token_is_out_of_reach_of_scripts_and_other_sites(site: Site) -> None:
    fresh = site.browser.get("/ui/settings", headers={"cookie": ""})
    header = fresh.headers["set-cookie"].lower()
    assert "httponly" in header
    assert "samesite=strict" in header


def test_a_redirect_never_leaves_the_dashboard() -> None:
    assert redirect("https://evil.example/ui/").headers["location"] == "/ui/"
    assert redirect("//evil.example").headers["location"] == "/ui/"
    assert redirect("/ui/flows", "done").headers["location"] == "/ui/flows"


def test_preferences_show_at_once_and_nonsense_in_the_cookie_is_ignored(site: Site) -> None:
    def page(cookie: str) -> httpx.Response:
        return site.browser.get("/ui/settings", headers={"cookie": f"mainstem_prefs={cookie}"})

    assert 'data-theme="dark"' in page("theme=dark&density=compact").text
    text = page('theme="><script>&zone=../etc&density=huge').text
    assert 'data-theme="system"' in text
    assert 'data-density="normal"' in text
    chosen = preferences.update(preferences.Preferences(), {"zone": "Europe/Berlin", "keys": "off"})
    assert preferences.update(preferences.Preferences(), {"zone": "No/Where"}).zone == ""
    assert chosen.zone_name == "Europe/Berlin"
    assert "keys=off" in chosen.cookie()


def test_what_a_change_did_is_said_once(site: Site) -> None:
    site.post("/ui/namespaces/demo/kv", {"key": "said", "kind": "STRING", "value": "x"})
    assert "Saved said" in site.get("/ui/namespaces/demo/kv")
    assert "Saved said" not in site.get("/ui/namespaces/demo/kv")
