"""Executing flows in a real browser: in a dialog, by key, checked while one types; or as a page."""

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import Served

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

HELLO = "/ui/flows/edit/demo/hello"


def test_the_key_opens_the_dialog_and_following_leads_to_the_execution(
    page: Page, served: Served
) -> None:
    page.goto(served.address(HELLO))
    page.keyboard.press("e")
    dialog = page.get_by_role("dialog", name="Execute a flow")
    expect(dialog.get_by_label("name")).to_be_focused()
    dialog.get_by_label("name").fill("Ada")
    dialog.get_by_role("button", name="Execute and follow").click()
    page.wait_for_url("**/ui/executions/demo/hello/*")
    expect(page.get_by_text("Ada").first).to_be_visible()


def test_a_flow_of_the_list_is_executed_without_leaving_it(page: Page, served: Served) -> None:
    page.goto(served.address("/ui/flows"))
    row = page.locator("#f-demo-hello")
    row.focus()
    page.keyboard.press("e")
    dialog = page.get_by_role("dialog", name="Execute a flow")
    dialog.get_by_role("button", name="Execute", exact=True).click()
    expect(dialog).to_be_hidden()
    expect(page.locator(".toast")).to_contain_text("Started hello")
    assert page.url.endswith("/ui/flows")
    expect(row.get_by_role("link", name="Execute")).to_be_visible()


def test_a_field_is_checked_when_it_is_left_and_the_rest_stays(page: Page, served: Served) -> None:
    page.goto(served.address(HELLO))
    page.get_by_role("link", name="Execute").first.click()
    dialog = page.get_by_role("dialog", name="Execute a flow")
    dialog.get_by_label("password").fill("hunter2")
    dialog.get_by_label("year").fill("1999")
    dialog.get_by_label("note").focus()
    expect(dialog.locator("#err-year")).to_be_visible()
    expect(dialog.locator(".error")).to_have_count(1)
    expect(dialog.get_by_label("password")).to_have_value("hunter2")
    expect(dialog.get_by_label("note")).to_be_focused()
    dialog.locator("#from-terminal summary").click()
    dialog.get_by_label("note").fill("why")
    dialog.get_by_label("name").focus()
    expect(dialog.locator("#from-terminal pre")).to_contain_text("note=why")
    expect(dialog.locator("#from-terminal pre")).to_contain_text("year=1999")
    dialog.get_by_role("button", name="Execute", exact=True).click()
    expect(dialog.get_by_text("The flow was not started")).to_be_visible()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()


def test_the_page_works_without_scripts(browser: Browser, served: Served) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(served.address(HELLO))
    page.get_by_role("link", name="Execute").first.click()
    page.wait_for_url("**/execute")
    page.get_by_label("year").fill("1999")
    page.get_by_role("button", name="Execute and follow").click()
    expect(page.locator("#err-year")).to_be_visible()
    page.get_by_label("year").fill("2020")
    page.get_by_role("button", name="Execute and follow").click()
    page.wait_for_url("**/ui/executions/demo/hello/*")
    context.close()
