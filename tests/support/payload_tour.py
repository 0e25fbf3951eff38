"""Every page of the dashboard in the states in which it shows texts of strangers, on a shop that is made of payloads."""

from __future__ import annotations

import csv
import io
import math
import time
from collections.abc import Sequence
from urllib.parse import quote, urlencode

from playwright.sync_api import BrowserContext, Error, FilePayload, Page, expect

from tests.support.payload_shop import PayloadShop
from tests.support.payload_walk import PayloadWatch, word_of
from ui.app.navigation import NAVIGATION
from ui.products.browse import PAGE_SIZE

__all__ = ["be", "tour"]

PATIENCE_MS = 60_000
STILL_SECONDS, UPLOAD_SECONDS = 0.25, 1.0  # Streamlit 1.67 loses a file that is given where a run begins
HELPS = 10  # of a page, each after the other
SEEN = ("similar_items", "new_product", "map", "review", "campaigns")  # by the other stops of the tour


def be(context: BrowserContext, address: str, name: str) -> None:
    """Have the browser carry a name."""
    context.add_cookies([{"name": "longtail_curator", "value": quote(name[:60], safe=""), "url": address}])


def tour(page: Page, watch: PayloadWatch, shop: PayloadShop, numbers: Sequence[int], *, thorough: bool) -> None:
    """Look at every page; at those that exist for each product, draft or campaign for these numbers alone.

    `thorough` is whether help texts, lists of options, and addresses of what does not exist are looked at too.
    """
    _lists(page, watch, shop)
    _products(page, watch, shop, numbers)
    _new_product(page, watch, shop, numbers)
    if thorough:
        _forms(page, watch, shop, numbers)
    _collection(page, watch, shop)
    _map(page, watch)
    _judging(page, watch, shop, numbers)
    _loading(page, watch, shop)
    for module in (entry.module for group in NAVIGATION.values() for entry in group if entry.module not in SEEN):
        _open(page, watch, f"/{module}")
        _look_inside(page, watch, module)
        if thorough:
            _helps(page, watch, module)
    if thorough:
        _refusals(page, watch, shop, numbers)


def _lists(page: Page, watch: PayloadWatch, shop: PayloadShop) -> None:
    _open(page, watch, "/similar_items")
    for number in range(1, math.ceil(len(shop.payloads) / PAGE_SIZE) + 1):
        _turn(page, {"page": str(number), "sort": "title"})
        page.locator(".card").first.wait_for()
        watch.look(page, "similar_items")
    for name in ("Category", "Brand"):
        page.get_by_role("button", name=name).click()
        page.locator(f".st-key-find_{name.lower()}").wait_for()
        if (box := page.get_by_role("combobox", name=name)).count():  # many values; else all of them are on screen
            box.click()
        page.wait_for_timeout(300)
        watch.look(page, "similar_items, filters")
        page.keyboard.press("Escape")
        page.keyboard.press("Escape")
    _turn(page, {"brand": shop.payloads[0]})
    page.get_by_role("button", name="Send to review").click()
    watch.look(page, "similar_items, found")


def _products(page: Page, watch: PayloadWatch, shop: PayloadShop, numbers: Sequence[int]) -> None:
    _open(page, watch, f"/similar_items?{urlencode({'item': shop.item_ids[numbers[0]]})}")
    for number in numbers:
        _turn(page, {"item": shop.item_ids[number]})
        page.locator(".lt-product h2", has_text=word_of(shop.payloads[number])).wait_for()
        page.get_by_text("of these:").first.wait_for()
        _still(page)
        _unfold(page)
        watch.look(page, "similar_items, product")


def _new_product(page: Page, watch: PayloadWatch, shop: PayloadShop, numbers: Sequence[int]) -> None:
    _open(page, watch, f"/new_product?{urlencode({'change': shop.item_ids[numbers[0]]})}")
    _look_inside(page, watch, "new_product, change")
    _open(page, watch, "/new_product?view=drafts")
    watch.look(page, "new_product, drafts")
    for number in numbers:
        _turn(page, {"view": "drafts", "draft": shop.draft_ids[number]})
        _still(page)
        watch.look(page, "new_product, draft")
    _turn(page, {"draft": f"x {shop.payloads[0]}"})
    _still(page)
    watch.look(page, "refused draft")


def _forms(page: Page, watch: PayloadWatch, shop: PayloadShop, numbers: Sequence[int]) -> None:
    _open(page, watch, "/new_product")
    _look_inside(page, watch, "new_product, form")
    _helps(page, watch, "new_product, form")
    for place in range(2):
        page.get_by_role("combobox").nth(place).click()
        page.wait_for_timeout(300)
        watch.look(page, "new_product, options")
        page.keyboard.press("Escape")
    _open(page, watch, f"/new_product?{urlencode({'draft': shop.draft_ids[numbers[0]]})}")
    _look_inside(page, watch, "new_product, edited")


def _collection(page: Page, watch: PayloadWatch, shop: PayloadShop) -> None:
    """A sheet whose cells, columns and name are payloads, and files that are no pictures."""
    _open(page, watch, "/new_product?view=collection")
    _still(page, UPLOAD_SECONDS)
    page.get_by_text("Which columns matter").click()
    watch.look(page, "new_product, columns")
    names = [text for text in shop.payloads if "\n" not in text][:20]
    rows = [["title", "price", "pictures", *names], *([text, "dear", text, *names] for text in shop.payloads)]
    page.locator("input[type=file]").nth(0).set_input_files(_file(names[0], ".csv", rows))
    page.get_by_text("fixing").first.wait_for()
    _still(page)
    watch.look(page, "new_product, preview")
    _still(page, UPLOAD_SECONDS)
    page.locator("input[type=file]").nth(1).set_input_files([_file(name, ".png", rows[:1]) for name in names[:8]])
    page.get_by_text("not used").first.wait_for()
    _look_inside(page, watch, "new_product, pictures")


def _map(page: Page, watch: PayloadWatch) -> None:
    """The map, what its colours mean, and the card of a dot."""
    _open(page, watch, "/map")
    page.locator(".map[data-painted=yes]").wait_for()
    select = page.get_by_label("Colour by")
    for choice in ("category", "brand"):
        select.select_option(choice)
        _still(page)
        watch.look(page, f"map, {choice}")
    page.locator(".stage").nth(1).focus()
    page.keyboard.press("Enter")
    expect(page.locator(".lookup.pinned")).to_be_visible()
    watch.look(page, "map, card")
    page.get_by_role("button", name="Select what is in sight").click()
    _still(page)
    watch.look(page, "map, selected")


def _judging(page: Page, watch: PayloadWatch, shop: PayloadShop, numbers: Sequence[int]) -> None:
    _open(page, watch, "/campaigns")
    page.get_by_role("combobox").first.click()
    page.wait_for_timeout(300)
    watch.look(page, "campaigns, menu")
    page.keyboard.press("Escape")
    for number in (number for number in numbers if number < len(shop.campaign_ids)):
        _turn(page, {"campaign": shop.campaign_ids[number]})
        _still(page)
        watch.look(page, "campaigns, one")
    _open(page, watch, f"/review?campaign={shop.campaign_ids[0]}")
    page.locator(".pick").first.wait_for()
    watch.look(page, "review, card")
    page.keyboard.press("1")
    page.wait_for_timeout(300)
    page.keyboard.press("Enter")
    page.wait_for_timeout(300)
    _look_inside(page, watch, "review, decided")
    _open(page, watch, "/irrelevance?judged=cards")
    _look_inside(page, watch, "irrelevance, cards")


def _loading(page: Page, watch: PayloadWatch, shop: PayloadShop) -> None:
    """Files whose names, columns and cells are payloads."""
    _open(page, watch, "/data")
    _still(page, UPLOAD_SECONDS)
    names = [text for text in shop.payloads if "\n" not in text and '"' not in text][:25]
    rows = [
        ["product_id", "title", *names],
        *([f"p{number}", text, *names] for number, text in enumerate(shop.payloads)),
    ]
    page.locator("input[type=file]").nth(0).set_input_files(_file(names[0], ".csv", rows))
    page.get_by_text("2. What they hold").wait_for()
    page.get_by_text("Examples").first.wait_for()
    _look_inside(page, watch, "data, columns")
    _helps(page, watch, "data, columns")


def _refusals(page: Page, watch: PayloadWatch, shop: PayloadShop, numbers: Sequence[int]) -> None:
    """Addresses that ask for what does not exist; the sentence may say what was asked for."""
    for path, name in (
        ("/", "item"),
        ("/new_product", "draft"),
        ("/new_product", "change"),
        ("/shopper", "shopper"),
        ("/map", "near"),
        ("/", "words"),
    ):
        _open(page, watch, path)
        for number in numbers:
            _turn(page, {name: f"x {shop.payloads[number]}"})
            _still(page)
            watch.look(page, f"refused {name}")


def _open(page: Page, watch: PayloadWatch, path: str) -> None:
    page.goto(f"{watch.address}{path}")
    page.locator("[data-testid=stApp]").wait_for()
    _still(page)


def _turn(page: Page, query: dict[str, str]) -> None:
    """Another address of the same page, as if one went back to it."""
    page.evaluate(
        "(query) => { history.pushState({}, '', '?' + query); dispatchEvent(new PopStateEvent('popstate', { state: {} })); }",
        urlencode(query),
    )


def _still(page: Page, seconds: float = STILL_SECONDS) -> None:
    """Wait until the page's script has ended and none has begun for some seconds."""
    app, deadline, since = page.locator("[data-testid=stApp]"), time.monotonic() + PATIENCE_MS / 1000, None
    while since is None or time.monotonic() - since < seconds:
        assert time.monotonic() < deadline, "the page never comes to rest"
        if app.get_attribute("data-test-script-state") != "notRunning":
            since = None
        elif since is None:
            since = time.monotonic()
        page.wait_for_timeout(40)


def _unfold(page: Page) -> None:
    page.evaluate("document.querySelectorAll('details:not([open]) > summary').forEach((summary) => summary.click())")
    page.wait_for_timeout(150)


def _look_inside(page: Page, watch: PayloadWatch, name: str) -> None:
    """Look at the page with everything unfolded."""
    _still(page)
    _unfold(page)
    watch.look(page, name)


def _helps(page: Page, watch: PayloadWatch, name: str) -> None:
    """Look at the help of the first things on the page that have some."""
    for icon in page.locator("[data-testid=stTooltipIcon], [data-testid=stTooltipHoverTarget]").all()[:HELPS]:
        try:
            icon.hover(timeout=1_000)
        except Error:
            continue  # it is covered, or was drawn anew meanwhile
        page.wait_for_timeout(150)
        watch.look(page, f"{name}, help")


def _file(name: str, ending: str, rows: Sequence[Sequence[str]]) -> FilePayload:
    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows)
    return {"name": f"{name}{ending}", "mimeType": "text/csv", "buffer": text.getvalue().encode()}
