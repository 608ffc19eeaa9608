"""The flow editor in a real browser: completion, marks, docs, layout, conflicts, no errors."""

import re

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import Served
from tests.ui import sources

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

HELLO = "/ui/flows/edit/demo/hello/edit"
START = "id: hello\nnamespace: demo\ntasks:\n  - id: say\n    type: "


def write(page: Page, text: str) -> None:
    """Replace all that the editor holds, as a paste does: no bracket closes by itself."""
    page.locator(".cm-content").click()
    page.keyboard.press("Control+a")
    page.keyboard.press("Delete")
    page.keyboard.insert_text(text)


def test_types_and_then_their_properties_complete(page: Page, served: Served) -> None:
    page.goto(served.address("/ui/flows/new"))
    write(page, START)
    page.keyboard.type("core.log.L")
    option = page.locator(".cm-tooltip-autocomplete li[aria-selected]")
    expect(option).to_contain_text("io.kestra.plugin.core.log.Log")
    page.keyboard.press("Enter")
    expect(page.locator("#source")).to_have_value(
        re.compile(r"type: io\.kestra\.plugin\.core\.log\.Log$")
    )
    page.keyboard.press("Enter")
    page.keyboard.press("Control+Space")
    first = page.locator(".cm-tooltip-autocomplete li").first
    expect(first).to_contain_text("message")
    expect(first).to_contain_text("required")
    expect(page.locator("#docs h2")).to_have_text("Log")


def test_a_problem_is_marked_where_it_is_and_its_link_leads_there(
    page: Page, served: Served
) -> None:
    page.goto(served.address(HELLO))
    write(page, START + "core.log.Lok\n    message: x\n")
    expect(page.locator("#checked a[data-severity=error]").first).to_be_visible()
    expect(page.locator(".cm-lintRange-error").first).to_be_visible()
    page.locator("#checked a[data-severity=error]").first.click()
    expect(page.locator(".cm-content")).to_be_focused()
    expect(page.locator(".cm-activeLine")).to_contain_text("Lok")


def test_the_drawing_follows_the_text(page: Page, served: Served) -> None:
    page.goto(served.address(HELLO))
    write(
        page,
        START + "core.log.Log\n    message: x\n  - {id: second_one, type: core.debug.Return}\n",
    )
    expect(page.locator("#checked .topology")).to_contain_text("second_one")
    expect(page.locator(".outline")).to_contain_text("say")


def test_format_evens_the_layout_and_can_be_undone(page: Page, served: Served) -> None:
    page.goto(served.address(HELLO))
    head = "id: hello\nnamespace: demo\n"
    uneven = head + "tasks:\n# greet\n- id: say\n  type: core.log.Log\n  message: x\n"
    write(page, uneven)
    page.get_by_role("button", name="Format").click()
    even = "tasks:\n  # greet\n  - id: say\n    type: core.log.Log\n"
    expect(page.locator("#source")).to_have_value(re.compile(re.escape(even)))
    page.keyboard.press("Control+z")
    expect(page.locator("#source")).to_have_value(uneven)


def test_tab_indents_until_escape_lets_it_go(page: Page, served: Served) -> None:
    page.goto(served.address("/ui/flows/new"))
    write(page, "id: x")
    page.keyboard.press("Tab")
    expect(page.locator("#source")).to_have_value("  id: x")
    page.keyboard.press("Escape")
    page.keyboard.press("Tab")
    expect(page.locator(".cm-content")).not_to_be_focused()


def test_a_save_by_key_leads_to_the_flow(page: Page, served: Served) -> None:
    page.goto(served.address("/ui/flows/new"))
    write(page, START.replace("hello", "by_key") + "core.log.Log\n    message: x\n")
    page.keyboard.press("Control+s")
    page.wait_for_url("**/ui/flows/edit/demo/by_key")
    expect(page.get_by_text("Created")).to_be_visible()


def test_a_newer_revision_is_announced_while_one_edits(page: Page, served: Served) -> None:
    page.goto(served.address(HELLO))
    expect(page.locator("#live")).to_have_attribute("data-state", "live")
    expect(page.locator("#newer")).to_be_empty()
    served.app.flows.save(sources.HELLO + "\n# changed elsewhere\n")
    expect(page.locator("#newer")).to_contain_text("was saved meanwhile", timeout=10_000)


def test_files_of_a_namespace_have_the_editor_too(page: Page, served: Served) -> None:
    page.goto(served.address("/ui/namespaces/demo/files?mode=new"))
    page.get_by_label("Path").fill("a/b.sql")
    write(page, "select 1")
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".source")).to_contain_text("select 1")


def test_a_flow_can_be_edited_without_scripts(browser: Browser, served: Served) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(served.address("/ui/flows/new"))
    text = START.replace("hello", "plain") + "core.log.Log\n    message:   x\n"
    page.get_by_label("Source").fill(
        text.replace("tasks:\n  -", "tasks:\n-")
        .replace("    type", "  type")
        .replace("    mess", "  mess")
    )
    page.get_by_role("button", name="Format").click()
    expect(page.get_by_label("Source")).to_have_value(text)
    page.get_by_role("button", name="Save").click()
    page.wait_for_url("**/ui/flows/edit/demo/plain")
    context.close()
