"""The frame in a real browser: a cold server, cards that open and are flagged, back, reload, narrow windows."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from engine.core.workspace import Workspace
from engine.curation.judgements import JudgementStore
from engine.store import Database
from tests.browser.conftest import at_rest, take_focus, until
from tests.support.tiny_release import HTML_TITLE, TinyRelease, build_tiny_release

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def tiny(tmp_path_factory) -> TinyRelease:
    return build_tiny_release(Workspace(tmp_path_factory.mktemp("browser") / "workspace"))


@pytest.fixture(scope="module")
def address(tiny: TinyRelease, start_server) -> str:
    return str(start_server(tiny.workspace.root))


def give_name(page: Page, name: str) -> None:
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("textbox").fill(name)
    dialog.get_by_role("button", name="Save my judgement").click()


def test_the_first_visit_to_a_cold_server_meets_the_frame_whatever_the_address(tiny, start_server, page: Page):
    cold = start_server(tiny.workspace.root)
    page.goto(f"{cold}/shopper?shopper=s1-03")
    expect(page.get_by_role("heading", name="Shopper")).to_be_visible()
    expect(page.get_by_text("Release 1, trained")).to_be_visible()
    expect(page.get_by_role("link", name="Similar items")).to_be_visible()


def test_cards_open_products_and_back_goes_the_way_one_came(address, page: Page):
    page.goto(f"{address}/similar_items?q=navy")
    page.locator(".card .open").nth(2).click()
    expect(page).to_have_url(re.compile(r"item=f1-02"))
    expect(page.get_by_text("Behaviour", exact=True).first).to_be_visible()
    first = page.locator('section[aria-label="Longtail"] .card .open').first
    neighbour = page.locator('section[aria-label="Longtail"] .card').first.get_attribute("data-item")
    first.click()
    expect(page).to_have_url(re.compile(rf"item={neighbour}"))
    page.go_back()
    expect(page).to_have_url(re.compile(r"item=f1-02"))
    expect(page.locator(".lt-product h2")).to_have_text("Striped maxi dress in navy, no. 2")
    page.go_back()
    expect(page).to_have_url(f"{address}/similar_items?q=navy")
    expect(page.get_by_placeholder("Search by word, brand or ID")).to_have_value("navy")
    expect(page.locator(".card")).to_have_count(10)


def test_a_flag_asks_for_a_name_once_and_survives_a_reload(address, tiny, page: Page, context: BrowserContext):
    page.goto(f"{address}/similar_items?item=f2-04")
    page.locator(".flag").nth(1).click()
    give_name(page, "Ada <i>L</i>")
    expect(page.get_by_text("Saved", exact=True)).to_be_visible()
    flagged = page.locator(".card.irrelevant").first.get_attribute("data-item")
    page.locator(".flag").nth(3).click()
    expect(page.get_by_text(re.compile("^You judged 2 of these"))).to_be_visible()

    page.wait_for_function("document.cookie.includes('longtail_curator')")
    page.reload()
    expect(page.get_by_text(re.compile("^You judged 2 of these"))).to_be_visible()
    expect(page.get_by_role("button", name="Ada <i>L</i>")).to_be_visible()
    store = JudgementStore(Database(tiny.workspace.database_url))
    assert set(store.current("f2-04")["rater"]) == {"Ada <i>L</i>"}

    # What was flagged is shown no longer, but can be looked at and taken back.
    page.get_by_text("2 products left out: marked irrelevant here").click()
    page.locator(f'.card[data-item="{flagged}"] .flag').first.click()
    expect(page.get_by_text("Undone", exact=True)).to_be_visible()
    assert flagged not in set(store.current("f2-04")["neighbour_id"])

    # A pasted link in another tab of the same browser knows the name too.
    other = context.new_page()
    other.goto(f"{address}/similar_items?item=f3-01")
    other.locator(".flag").first.click()
    expect(other.get_by_text("Saved", exact=True)).to_be_visible()
    assert set(store.current("f3-01")["rater"]) == {"Ada <i>L</i>"}


def test_flags_clicked_in_quick_succession_are_all_stored_and_the_rest_can_be_said_to_fit(address, tiny, page: Page):
    page.goto(f"{address}/similar_items?item=f4-01&view=hybrid")
    page.locator(".flag").first.click()
    give_name(page, "Bo")
    expect(page.get_by_text("Saved", exact=True)).to_be_visible()
    for position in (2, 4, 6, 8):
        page.locator(".flag").nth(position).click()
    expect(page.locator(".card.irrelevant")).to_have_count(5)
    page.get_by_role("button", name="The rest fit").click()
    expect(page.get_by_text("Everything here has been judged.")).to_be_visible()
    expect(page.get_by_text("You judged 10 of these: Longtail 5 of 10 irrelevant.")).to_be_visible()
    current = JudgementStore(Database(tiny.workspace.database_url)).current("f4-01")
    assert sorted(current["verdict"]) == ["irrelevant"] * 5 + ["relevant"] * 5
    assert current.loc[current["verdict"] == "relevant", "implied"].all()


def test_the_key_flags_the_card_under_the_pointer_but_not_while_typing(address, page: Page, context: BrowserContext):
    context.add_cookies([{"name": "longtail_curator", "value": "Cy", "url": address}])
    page.goto(f"{address}/similar_items?item=f5-01&view=content")
    page.locator(".card").nth(2).hover()
    page.keyboard.press("x")
    expect(page.locator(".card").nth(2)).to_have_class(re.compile("irrelevant"))
    expect(page.get_by_text("Saved", exact=True)).to_be_visible()
    page.keyboard.press("x")
    expect(page.locator(".card.irrelevant")).to_have_count(0)


def test_a_name_that_is_not_given_leaves_nothing_marked(address, tiny, page: Page):
    page.goto(f"{address}/similar_items?item=f0-03")
    page.locator(".flag").first.click()
    page.get_by_role("dialog").get_by_role("button", name="Close").click()
    expect(page.get_by_text("Not saved: a judgement needs a name.")).to_be_visible()
    expect(page.locator(".card.irrelevant")).to_have_count(0)
    assert len(JudgementStore(Database(tiny.workspace.database_url)).current("f0-03")) == 0


def test_titles_that_are_html_are_shown_as_they_are(address, page: Page):
    page.goto(f"{address}/similar_items?item=f0-00")
    expect(page.locator(".lt-product h2")).to_have_text(HTML_TITLE)
    page.goto(f"{address}/similar_items")
    expect(page.locator(".card .title").first).to_have_text(HTML_TITLE)


@pytest.mark.parametrize(
    "path",
    ["similar_items", "similar_items?item=f1-03", "similar_items?item=f1-03&view=hybrid", "shopper", "new_product"],
)
def test_nothing_needs_sideways_scrolling_on_a_narrow_phone(address, page: Page, path):
    page.set_viewport_size({"width": 320, "height": 640})
    page.goto(f"{address}/{path}")
    page.locator(".card, .lt-empty").first.wait_for()
    widths = page.evaluate(
        "() => [...document.querySelectorAll('html, [data-testid=stMain], [data-testid=stMainBlockContainer]')]"
        ".map((node) => [node.scrollWidth, node.clientWidth])"
    )
    assert all(scroll <= client for scroll, client in widths)


def test_the_list_has_two_columns_on_a_narrow_phone(address, page: Page):
    page.set_viewport_size({"width": 320, "height": 640})
    page.goto(f"{address}/similar_items")
    page.locator(".card").first.wait_for()
    lefts = {round(card.bounding_box()["x"]) for card in page.locator(".card").all()[:8]}
    assert len(lefts) == 2


def test_nothing_is_fetched_from_elsewhere(address, page: Page):
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{address}/similar_items?item=f1-03")
    page.locator(".card").first.wait_for()
    at_rest(page)
    page.wait_for_load_state("networkidle")
    outside = [url for url in asked if not url.startswith((address, "data:", "blob:"))]
    assert outside == []


def test_products_are_selected_over_pages_and_kept_as_a_set(address, tiny, page: Page):
    page.goto(f"{address}/similar_items?sort=title")
    boxes = page.locator(".choose input")
    boxes.nth(1).check()
    expect(page.get_by_text("1 product selected")).to_be_visible()
    boxes.nth(4).click(modifiers=["Shift"])
    expect(page.get_by_text("4 products selected")).to_be_visible()
    page.goto(page.url)  # another tab would begin anew; this one too
    take_focus(page.locator(".card .choose input").first)
    page.keyboard.press("Control+a")
    expect(page.get_by_text("24 products selected")).to_be_visible()
    page.get_by_role("button", name="Select all 60").click()
    expect(page.get_by_text("60 products selected")).to_be_visible()
    page.get_by_role("button", name="Clear").click()
    expect(page.get_by_text("products selected")).to_have_count(0)
    expect(page.locator(".card.chosen")).to_have_count(0)
    boxes.nth(0).check()
    page.locator(".st-key-selection_catalogue").get_by_role("button", name="Add to set").click()
    page.get_by_label("New set").fill("One of them")
    page.get_by_role("button", name="Save as a new set").click()
    expect(page.get_by_text("is on the Sets page")).to_be_visible()
    expect(page.get_by_role("button", name="Save as a new set")).to_be_hidden()  # what it was chosen in has closed


def test_neighbours_that_are_selected_are_marked_irrelevant_and_taken_back(address, tiny, page: Page, context):
    context.add_cookies([{"name": "longtail_curator", "value": "Cy", "url": address}])
    store = JudgementStore(Database(tiny.workspace.database_url))

    def said() -> list[str]:
        votes = store.current("f3-02")
        return list(votes[votes["rater"] == "Cy"]["verdict"])

    page.goto(f"{address}/similar_items?item=f3-02&view=hybrid")
    boxes = page.locator(".choose input")
    expect(boxes.nth(0)).to_be_visible()
    boxes.nth(0).check(force=True)
    boxes.nth(2).click(modifiers=["Shift"], force=True)
    bar = page.locator(".st-key-selection_neighbours")
    expect(bar).to_be_in_viewport()
    bar.get_by_role("button", name="Mark irrelevant").click()
    expect(page.get_by_text("3 products marked irrelevant")).to_be_visible()
    assert said() == ["irrelevant"] * 3
    expect(bar).to_have_count(0)
    expect(page.locator(".card.irrelevant")).to_have_count(3)
    page.locator(".st-key-undo_bar").get_by_role("button", name="Undo").click()
    until(page, lambda: "irrelevant" not in said())
    expect(page.locator(".card.irrelevant")).to_have_count(0)


def test_the_rest_that_fits_is_taken_back_by_undo(address, tiny, page: Page, context):
    context.add_cookies([{"name": "longtail_curator", "value": "Ada", "url": address}])
    page.goto(f"{address}/similar_items?item=f4-02&view=hybrid")
    page.get_by_role("button", name="The rest fit").click()
    expect(page.get_by_text("Everything here has been judged.")).to_be_visible()
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_text(re.compile("Marks the other 10"))).to_be_visible()
    votes = JudgementStore(Database(tiny.workspace.database_url)).current("f4-02")
    assert len(votes[votes["rater"] == "Ada"]) == 0


SCROLLED = "document.querySelector('[data-testid=stMain]').scrollTop"
FOCUSED = "(() => { let node = document.activeElement; while (node?.shadowRoot?.activeElement) node = node.shadowRoot.activeElement; return node?.closest?.('.card')?.dataset.item; })()"


def test_a_product_opens_at_its_top_and_back_returns_to_the_place_and_the_card(address, page: Page):
    page.set_viewport_size({"width": 700, "height": 500})
    page.goto(f"{address}/similar_items?sort=title")
    card = page.locator(".card").nth(17)
    take_focus(card.locator(".open"))
    card.scroll_into_view_if_needed()
    at_rest(page)
    before, item = page.evaluate(SCROLLED), card.get_attribute("data-item")
    assert before > 200
    page.keyboard.press("Enter")
    expect(page.locator(".lt-product")).to_be_visible()
    at_rest(page)
    assert page.evaluate(SCROLLED) == 0
    expect(page).to_have_title(re.compile(r"· Similar items · Longtail$"))
    page.get_by_role("button", name="Change picture or text").click()
    expect(page).to_have_url(re.compile("new_product"))
    at_rest(page)
    page.go_back()
    expect(page.locator(".lt-product")).to_be_visible()  # and not the list under another address
    at_rest(page)
    page.go_back()
    expect(page.locator(".card")).to_have_count(24)
    page.wait_for_function(f"() => {SCROLLED} === {before} && {FOCUSED} === '{item}'")
    assert page.title() == "Similar items · Longtail"


def test_the_next_page_of_products_begins_at_its_top(address, page: Page):
    page.set_viewport_size({"width": 700, "height": 500})
    page.goto(f"{address}/similar_items?sort=title")
    page.locator(".card").first.wait_for()
    at_rest(page)
    page.locator("[data-testid=stPagination]").get_by_text("2", exact=True).click()
    expect(page).to_have_url(re.compile("page=2"))
    page.wait_for_function(f"() => {SCROLLED} === 0")
    at_rest(page)
    assert page.evaluate(SCROLLED) == 0


def test_the_palette_opens_pages_and_products_by_keys_alone(address, page: Page):
    page.goto(f"{address}/sets")
    page.get_by_role("button", name=re.compile("Go to…")).wait_for()
    at_rest(page)
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("Control+k")
    field = page.get_by_role("combobox", name="Go to")
    expect(field).to_be_focused()
    page.keyboard.type("f2-04")
    expect(page.get_by_role("option").first).to_contain_text("dress", ignore_case=True)
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("similar_items.item=f2-04"))
    expect(page.locator(".lt-product")).to_be_visible()
    page.keyboard.press("Control+k")
    page.keyboard.type("irrel")
    expect(page.get_by_role("option")).to_have_count(1)
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("irrelevance"))
    page.keyboard.press("Control+k")
    page.keyboard.type("retrain")  # an action, found by a word that is not on it
    expect(page.get_by_role("option")).to_have_text(["Train againAction"])
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog", name="Train again?")).to_be_visible()
    page.get_by_role("button", name="Cancel").click()
    expect(page).to_have_url(re.compile("/model$"))
