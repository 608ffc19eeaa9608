"""The dashboard in a real browser: accessibility, keyboard, live updates, no script errors."""

import hashlib
import subprocess
import tarfile

import pytest
from playwright.sync_api import Browser, Page, expect

from mainstem.bus.inprocess import EXECUTIONS, execution_topic
from mainstem.model.state import State
from mainstem.services.executions import NewRun
from tests.browser.conftest import Served
from tests.ui import seed

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

AXE = "axe-core@4.10.3"
AXE_SHA256 = "0f2b4d7dcdf7d1219df8d1959ad68e565f51d14c3f0d88bb71cd59abeb956292"
RULES = "['wcag2a','wcag2aa','wcag21a','wcag21aa','wcag22aa','best-practice']"
TAXI = "/ui/flows/edit/zoomcamp/taxi_month"
PAGES = [
    "/ui/", "/ui/flows", "/ui/executions", "/ui/logs", "/ui/triggers", "/ui/namespaces",
    "/ui/namespaces/zoomcamp/kv", "/ui/namespaces/zoomcamp/files?path=scripts/load.py",
    "/ui/gitsync", "/ui/system", "/ui/settings", "/ui/palette", "/ui/_components", TAXI,
    f"{TAXI}/topology", f"{TAXI}/executions", f"{TAXI}/triggers", f"{TAXI}/source",
    f"{TAXI}/revisions", "/ui/flows/edit/demo/hello/execute", "/ui/flows/edit/demo/hello/edit",
    "/ui/flows/new", "/ui/no/such/page",
    "{failed}", "{running}", "{running}/gantt", "{running}/logs", "{running}/topology",
    "{running}/outputs", "{running}/metrics", "{running}/context", "{dbt}/dbt",
]  # fmt: skip


@pytest.fixture(scope="module")
def axe(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The accessibility checker, fetched once by its exact version and hash."""
    folder = tmp_path_factory.mktemp("axe")
    try:
        packed = subprocess.run(
            ["npm", "pack", "--silent", AXE], cwd=folder, check=True, capture_output=True, text=True
        )
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"npm cannot fetch {AXE}: {error}")
    archive = folder / packed.stdout.strip()
    assert hashlib.sha256(archive.read_bytes()).hexdigest() == AXE_SHA256
    with tarfile.open(archive) as packed_files:
        script = packed_files.extractfile("package/axe.min.js")
        assert script is not None
        return script.read().decode()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_no_page_has_an_accessibility_violation(
    browser: Browser, served: Served, axe: str, theme: str
) -> None:
    context = browser.new_context(color_scheme=theme, bypass_csp=True)
    found = []
    for path in PAGES:
        opened = context.new_page()
        opened.goto(served.address(path))
        opened.evaluate(axe)
        result = opened.evaluate(f"axe.run(document, {{runOnly: {RULES}}})")
        for fault in result["violations"]:
            html = fault["nodes"][0]["html"][:160]
            found.append(f"{path} {fault['id']} ({len(fault['nodes'])}): {html}")
        opened.close()
    context.close()
    assert found == []


@pytest.mark.parametrize("width", [1440, 820, 390])
def test_no_page_is_wider_than_the_window(browser: Browser, served: Served, width: int) -> None:
    context = browser.new_context(viewport={"width": width, "height": 900})
    wide = []
    for path in PAGES:
        opened = context.new_page()
        opened.goto(served.address(path))
        if opened.evaluate("document.documentElement.scrollWidth > innerWidth + 1"):
            wide.append(path)
        opened.close()
    context.close()
    assert wide == []


def test_long_names_wrap_on_a_narrow_window(browser: Browser, served: Served) -> None:
    name = "a_flow_with_a_very_long_name_that_goes_on_and_on_for_ever_and_ever"
    flow = served.app.flows.save(
        f"id: {name}\nnamespace: company.department.team.project.subproject\n"
        "tasks: [{id: t, type: core.debug.Return, format: x}]\n"
    ).flow
    made = served.app.executions.create(NewRun(flow))
    context = browser.new_context(viewport={"width": 390, "height": 844})
    opened = context.new_page()
    opened.goto(f"{served.url}/ui/executions/{flow.namespace}/{flow.id}/{made.id}")
    assert opened.evaluate("document.documentElement.scrollWidth") == 390
    context.close()


def test_a_page_is_readable_without_scripts(browser: Browser, served: Served) -> None:
    context = browser.new_context(java_script_enabled=False)
    opened = context.new_page()
    opened.goto(served.address("{failed}"))
    expect(opened.locator("h1")).to_be_visible()
    expect(opened.get_by_text("was not found in location EU").first).to_be_visible()
    opened.goto(served.address("/ui/executions"))
    opened.get_by_label("Search executions").fill("hello")
    opened.get_by_role("button", name="Filter").click()
    expect(opened.locator("tbody tr").first).to_contain_text("hello")
    context.close()


def test_a_new_execution_appears_without_a_reload(page: Page, served: Served) -> None:
    page.goto(served.address("/ui/executions"))
    expect(page.locator("#live")).to_have_attribute("data-state", "live")
    page.evaluate("window.sameDocument = true")
    made = served.seeder.execution(
        seed.HELLO, [seed.Plan("say", 0, 0.1)], state=State.SUCCESS, ago=0
    )
    served.app.bus.publish(EXECUTIONS, execution_topic(made.id))
    expect(page.locator(f"#e-{made.id}")).to_be_visible(timeout=10_000)
    assert page.evaluate("window.sameDocument") is True


def test_a_selection_survives_a_live_update(page: Page, served: Served) -> None:
    page.goto(served.address("/ui/executions"))
    expect(page.locator("#live")).to_have_attribute("data-state", "live")
    chosen = page.locator("input[data-select]").nth(3)
    value = chosen.input_value()
    chosen.check()
    expect(page.locator("#bulk strong")).to_have_text("1 selected")
    made = served.seeder.execution(
        seed.HELLO, [seed.Plan("say", 0, 0.1)], state=State.SUCCESS, ago=0
    )
    served.app.bus.publish(EXECUTIONS)
    expect(page.locator(f"#e-{made.id}")).to_be_visible(timeout=10_000)
    expect(page.locator(f"input[data-select][value='{value}']")).to_be_checked()
    expect(page.locator("#bulk strong")).to_have_text("1 selected")


def test_the_keyboard_reaches_everything(page: Page, served: Served) -> None:
    page.goto(served.address("/ui/"))
    page.keyboard.press("g")
    page.keyboard.press("e")
    page.wait_for_url("**/ui/executions")
    page.keyboard.press("j")
    page.keyboard.press("j")
    expect(page.locator("tr:focus")).to_have_count(1)
    page.keyboard.press("x")
    expect(page.locator("#bulk strong")).to_have_text("1 selected")
    page.keyboard.press("/")
    expect(page.get_by_label("Search executions")).to_be_focused()
    page.keyboard.type("gj")
    expect(page.get_by_label("Search executions")).to_have_value("gj")
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    expect(page.locator("#help")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#help")).to_be_hidden()


def test_the_palette_goes_to_a_flow(page: Page, served: Served) -> None:
    page.goto(served.address("/ui/executions"))
    page.keyboard.press("Control+k")
    expect(page.locator("#palette-results a").first).to_be_visible()
    page.keyboard.type("taxi_month")
    expect(page.locator("#palette-results a.picked")).to_contain_text("taxi_month")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**{TAXI}")


def test_single_letters_can_be_switched_off(page: Page, served: Served) -> None:
    page.goto(served.address("/ui/settings"))
    page.get_by_label("Single-letter keyboard shortcuts").uncheck()
    page.get_by_role("button", name="Save").click()
    page.wait_for_url("**saved")
    page.keyboard.press("?")
    expect(page.locator("#help")).to_be_hidden()


def test_the_theme_is_kept(page: Page, served: Served) -> None:
    page.goto(served.address("/ui/"))
    page.get_by_role("button", name="Switch theme").click()
    page.get_by_role("button", name="Switch theme").click()
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")


def test_a_killed_execution_is_asked_for_only_after_a_question(page: Page, served: Served) -> None:
    page.goto(served.address("{running}"))
    page.get_by_role("button", name="Kill", exact=True).click()
    dialog = page.get_by_role("dialog", name="Kill this execution?")
    expect(dialog).to_be_visible()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(page.get_by_role("button", name="Kill", exact=True)).to_be_focused()
    page.get_by_role("button", name="Kill", exact=True).click()
    dialog.get_by_role("button", name="Kill the execution").click()
    expect(page.get_by_text("Asked to kill the execution")).to_be_visible()
