"""How pages look to whom they are hard on: a phone, a screen reader, an eye that wants contrast, a hand that is about to press."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser

from benchmarks.screens.axe import violations
from benchmarks.screens.watched import MAIN_THINGS, MAIN_TOP, PHONE, SHIFTS, WIDE, at_rest, opened
from engine.core.workspace import Workspace
from tests.support.tiny_release import build_tiny_release

pytestmark = pytest.mark.browser

PAGES = {
    "Today": "",
    "product": "similar_items?item=f1-02",
    "irrelevance": "irrelevance",
    "compare": "compare",
}
MOST_SHIFT, LOWEST_TOP = 0.1, 640
LOOKS = 4


@pytest.fixture(scope="module")
def address(tmp_path_factory, start_server) -> str:
    workspace = Workspace(tmp_path_factory.mktemp("looks") / "workspace")
    build_tiny_release(workspace)
    return str(start_server(workspace.root))


@pytest.mark.parametrize("path", PAGES.values(), ids=PAGES)
@pytest.mark.parametrize("phone", [False, True], ids=["light", "dark on a phone"])
def test_a_page_keeps_still_begins_high_and_is_there_for_everybody(browser: Browser, address, path, phone):
    with opened(browser, f"{address}/{path}", viewport=PHONE if phone else WIDE, dark=phone) as page:
        for _ in range(LOOKS):
            if page.evaluate("document.documentElement.dataset.whole") != "late":
                break
            page.reload()  # a machine that draws a page for 12 seconds has to show it before it is whole
            at_rest(page)
        moved = page.evaluate("window.__shifts")
        assert page.evaluate("window.__largestWindow()") <= MOST_SHIFT, moved
        assert page.evaluate(MAIN_TOP, MAIN_THINGS) <= LOWEST_TOP
        assert not violations(page)


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_what_a_button_will_do_can_be_read_before_it_can_be_pressed(browser: Browser, address, dark):
    colour = "one => getComputedStyle(one).color"
    with opened(browser, f"{address}/new_product", dark=dark) as page:
        first, second = (page.get_by_role("button", name=name) for name in ("Show it in the shop", "Save draft"))
        assert first.is_disabled()
        assert second.is_disabled()
        assert first.evaluate(colour) == second.evaluate(colour)


def test_what_moves_counts_from_when_the_page_is_shown(browser: Browser):
    page = browser.new_page()
    page.add_init_script(SHIFTS)
    page.goto("data:text/html,<main><p style='font-size: 60px'>Some words</p></main>")

    def push() -> float:
        page.wait_for_timeout(200)
        page.evaluate("document.body.prepend(Object.assign(document.createElement('div'), { style: 'height: 200px' }))")
        page.wait_for_timeout(200)
        return page.evaluate("window.__largestWindow()")

    before = push()
    page.evaluate("document.documentElement.dataset.whole = ''")
    page.wait_for_timeout(100)
    assert before > 0  # a page that is never hidden counts from its beginning
    assert page.evaluate("window.__largestWindow()") == 0
    assert push() > 0
    page.close()


def test_a_name_that_lacks_the_visible_text_and_quiet_grey_are_found(browser: Browser):
    page = browser.new_page()
    page.set_content(
        '<html lang="en"><title>Planted</title><main><h1>A page</h1><button aria-label="Open it">Report</button>'
        '<p style="color: #aaa; background: #fff">Too quiet</p></main></html>'
    )
    assert {rule for rule, _, _ in violations(page)} == {
        "color-contrast",
        "label-content-name-mismatch",
    }
    page.close()
