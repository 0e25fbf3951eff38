"""Why a neighbour is there: a sentence on its card, and a panel that opens, fills, and closes by the keyboard alone."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from engine.core.workspace import Workspace
from tests.browser.conftest import take_focus
from tests.support.tiny_release import TinyRelease, build_tiny_release

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def tiny(tmp_path_factory) -> TinyRelease:
    return build_tiny_release(Workspace(tmp_path_factory.mktemp("why") / "workspace"))


@pytest.fixture(scope="module")
def address(tiny: TinyRelease, start_server) -> str:
    return str(start_server(tiny.workspace.root))


def test_a_sentence_unfolds_by_the_keyboard_and_gives_the_focus_back(address, page: Page):
    page.goto(f"{address}/similar_items?item=f1-03")
    card = page.locator('section[aria-label="Longtail"] .card').first
    expect(card.locator(".why")).to_contain_text("colour")
    button = card.get_by_role("button", name="Why?")
    take_focus(button)
    page.keyboard.press("Enter")
    panel = page.locator(".why-panel")
    expect(panel).to_be_visible()
    expect(panel.locator(".why-bars li").first).to_be_visible()
    expect(panel).to_have_attribute("aria-busy", "false", timeout=60_000)
    expect(panel.get_by_text("Without the text")).to_be_visible()
    expect(button).to_have_attribute("aria-expanded", "true")
    page.keyboard.press("Escape")
    expect(panel).to_have_count(0)
    expect(button).to_be_focused()
    expect(button).to_have_attribute("aria-expanded", "false")


def test_one_panel_is_open_and_lies_within_a_narrow_window(address, page: Page):
    page.set_viewport_size({"width": 360, "height": 740})
    page.goto(f"{address}/similar_items?item=f1-03")
    buttons = page.get_by_role("button", name="Why?")
    buttons.nth(1).click()
    expect(page.locator(".why-panel .why-bars li").first).to_be_visible()
    box = page.locator(".why-panel").bounding_box()
    assert box is not None
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 360
    page.keyboard.press("Escape")
    buttons.nth(2).click()
    expect(page.locator(".why-panel")).to_have_count(1)
