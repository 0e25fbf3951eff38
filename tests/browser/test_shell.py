"""What stands around every page, in a real browser: the bell, places that are kept, the page that an address names."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from engine.core.workspace import Workspace
from engine.jobs import cancel_run
from engine.jobs.control import launch
from engine.release.publish import rollback
from tests.browser.conftest import at_rest, free_port, serve
from tests.support.tiny_release import TinyRelease, build_tiny_release

pytestmark = pytest.mark.browser
SCROLLED = "document.querySelector('[data-testid=stMain]').scrollTop"


@pytest.fixture(scope="module")
def tiny(tmp_path_factory) -> TinyRelease:
    return build_tiny_release(Workspace(tmp_path_factory.mktemp("shell") / "workspace"))


@pytest.fixture(scope="module")
def address(tiny: TinyRelease, start_server) -> str:
    return str(start_server(tiny.workspace.root))


def test_a_tab_that_nobody_touches_hears_of_a_release_and_of_a_run(tiny, address, page: Page):
    build_tiny_release(tiny.workspace)
    page.goto(f"{address}/sets")
    bell = page.get_by_role("button", name="Notifications", exact=True)  # what was before the first visit is not new
    expect(bell).to_be_visible()
    rollback(tiny.workspace)
    new = page.get_by_role("button", name="Notifications: 1 new")
    expect(new).to_be_visible()
    expect(page.get_by_text("Release 2, trained")).to_be_visible()  # the page itself waits for whoever looks at it
    page.get_by_role("button", name="Show release 1").click()
    expect(page.get_by_text("Release 1, trained")).to_be_visible()
    run_id = launch(tiny.workspace, "train", [sys.executable, "-c", "import time; time.sleep(120)"], [])
    try:
        expect(page.get_by_role("link", name=re.compile("Training"))).to_be_visible()
    finally:
        cancel_run(tiny.workspace, run_id, grace=0)
    expect(page.get_by_role("link", name="Training cancelled")).to_be_visible()
    page.get_by_role("button", name="Seen").click()
    expect(page.get_by_role("link", name="Training cancelled")).to_be_hidden()

    page.get_by_role("button", name="Notifications: 2 new").click()
    told = page.get_by_role("dialog", name="Notifications")
    expect(told.get_by_role("link").first).to_contain_text("Training cancelled")
    expect(told.get_by_text("· new")).to_have_count(2)
    expect(told.get_by_role("link").nth(1)).to_contain_text("Release 1 is live again, in place of release 2")
    expect(bell).to_be_visible()
    at_rest(page)
    expect(told.get_by_text("· new")).to_have_count(2)  # as long as they are looked at
    page.keyboard.press("Escape")
    expect(told).to_be_hidden()
    page.reload()
    expect(bell).to_be_visible()  # that it was read is remembered
    bell.click()
    told.get_by_role("link", name=re.compile("Release 1 is live again")).click()
    expect(page).to_have_url(re.compile("/model$"))
    expect(told).to_be_hidden()


def test_the_catalogue_is_at_its_own_address_and_a_reload_keeps_the_place(address, page: Page, context: BrowserContext):
    page.set_viewport_size({"width": 700, "height": 500})
    page.goto(f"{address}/similar_items?sort=title")
    expect(page.locator(".card")).to_have_count(24)
    expect(page.get_by_text("Page not found")).to_have_count(0)
    page.locator(".card").nth(17).scroll_into_view_if_needed()
    at_rest(page)
    before = page.evaluate(SCROLLED)
    assert before > 200
    page.reload()
    page.wait_for_function(f"() => Math.abs({SCROLLED} - {before}) < 2")
    at_rest(page)
    assert abs(page.evaluate(SCROLLED) - before) < 2
    expect(page.get_by_text("Page not found")).to_have_count(0)


@pytest.fixture
def first_visit(tiny: TinyRelease, tmp_path_factory) -> Iterator[str]:
    """The address of a dashboard that shows newcomers around."""
    workspace = build_tiny_release(Workspace(tmp_path_factory.mktemp("first") / "workspace")).workspace
    port = free_port()
    server = serve(workspace.root, port, LONGTAIL_SERVING__TOUR="true")
    yield f"http://localhost:{port}"
    server.kill()
    server.wait()


def test_a_newcomer_is_shown_around_once_and_again_when_they_ask(first_visit, page: Page, browser):
    page.set_viewport_size({"width": 360, "height": 740})
    page.goto(first_visit)
    tour = page.locator(".st-key-tour")
    expect(tour).to_be_in_viewport(ratio=1)
    for text, following in (("1 of 4", "Similar items"), ("2 of 4", "Review"), ("3 of 4", "Model")):
        expect(tour.get_by_text(text)).to_be_visible()
        tour.get_by_role("button", name=f"Next: {following}").click()
        expect(page.get_by_role("heading", name=following, exact=True)).to_be_visible()
    expect(tour.get_by_text("4 of 4")).to_be_visible()
    tour.get_by_role("button", name="Done").click()
    expect(tour).to_be_hidden()

    later = browser.new_context().new_page()
    later.goto(first_visit)
    expect(later.get_by_role("heading", name="Today", exact=True)).to_be_visible()
    at_rest(later)
    expect(later.locator(".st-key-tour")).to_be_hidden()
    later.keyboard.press("?")
    later.get_by_role("dialog", name="Keys").get_by_role("button", name="Take the tour").click()
    expect(later.locator(".st-key-tour").get_by_text("1 of 4")).to_be_visible()
    later.get_by_role("button", name="Skip the tour").click()
    expect(later.locator(".st-key-tour")).to_be_hidden()
    later.context.close()
