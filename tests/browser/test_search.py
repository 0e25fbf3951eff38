"""Searching in a real browser: suggestions while typing, by keyboard and as a screen reader hears them; filters and chips."""

from __future__ import annotations

import re
import time

import pytest
from playwright.sync_api import Page, expect

from engine.core.workspace import Workspace
from tests.browser.conftest import at_rest
from tests.support.tiny_release import HTML_TITLE, TinyRelease, build_tiny_release

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def tiny(tmp_path_factory) -> TinyRelease:
    return build_tiny_release(Workspace(tmp_path_factory.mktemp("search") / "workspace"))


@pytest.fixture(scope="module")
def address(tiny: TinyRelease, start_server) -> str:
    return str(start_server(tiny.workspace.root))


def typed(page: Page, address: str, text: str):
    """The search field after a text was typed, and the list of suggestions under it."""
    page.goto(f"{address}/similar_items")
    field = page.get_by_placeholder("Search by word, brand or ID")
    field.wait_for()
    at_rest(page)
    field.click()
    field.press_sequentially(text, delay=20)
    return field, page.get_by_role("listbox", name="Suggested products")


def test_products_are_suggested_while_one_types_and_opened_by_keyboard(address, page: Page):
    field, suggested = typed(page, address, "navy")
    expect(suggested.get_by_role("option")).to_have_count(6)
    expect(field).to_have_role("combobox")
    expect(field).to_have_attribute("aria-expanded", "true")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    second = suggested.get_by_role("option").nth(1)
    expect(second).to_have_attribute("aria-selected", "true")
    assert field.get_attribute("aria-activedescendant") == second.get_attribute("id")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"item=f1-\d\d"))
    page.go_back()
    expect(page.get_by_placeholder("Search by word, brand or ID")).to_be_visible()


def test_enter_without_a_suggestion_searches_and_escape_closes_the_list(address, page: Page):
    field, suggested = typed(page, address, "navy")
    expect(suggested).to_be_visible()
    page.keyboard.press("Escape")
    expect(suggested).to_be_hidden()
    expect(field).to_have_attribute("aria-expanded", "false")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"q=navy"))
    expect(page.get_by_text("10 products", exact=True)).to_be_visible()
    expect(suggested).to_be_hidden()


@pytest.mark.parametrize("answer_seconds", [0.0, 0.5])
def test_who_presses_enter_at_once_sees_what_was_found_and_no_suggestions_over_it(
    address, page: Page, answer_seconds: float
):
    """Before they are asked for, and while the answer is on its way."""

    def later(route):
        time.sleep(answer_seconds)
        route.continue_()

    page.route(re.compile(r"/find\?"), later)
    _, suggested = typed(page, address, "nav")
    if answer_seconds:
        with page.expect_request(re.compile(r"/find\?")):
            page.keyboard.press("y")
    else:
        page.keyboard.press("y")
    page.keyboard.press("Enter")
    expect(page.get_by_text("10 products", exact=True)).to_be_visible()
    page.wait_for_timeout(1000 * answer_seconds + 400)
    expect(suggested).to_be_hidden()


def test_a_suggested_title_is_text(address, page: Page):
    _, suggested = typed(page, address, "f0-00")
    expect(suggested.get_by_role("option").first).to_contain_text(HTML_TITLE)
    suggested.get_by_role("option").first.click()
    expect(page).to_have_url(re.compile(r"item=f0-00"))


def test_several_values_of_an_attribute_are_chosen_one_after_another_and_taken_away(address, page: Page):
    page.goto(f"{address}/similar_items")
    page.get_by_role("button", name="Colour").click()
    page.get_by_role("button", name="navy · 10").click()
    expect(page).to_have_url(re.compile(r"a.colour=navy"))
    page.get_by_role("button", name="crimson · 10").click()
    expect(page).to_have_url(re.compile(r"a.colour=navy.*a.colour=crimson|a.colour=crimson.*a.colour=navy"))
    page.keyboard.press("Escape")
    expect(page.get_by_text("20 products", exact=True)).to_be_visible()
    page.get_by_role("button", name="Colour: navy").click()
    expect(page.get_by_text("10 products", exact=True)).to_be_visible()
