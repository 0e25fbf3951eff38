"""The Review page in a real browser: real keys, two tabs, a reload, a server that is killed, a database that is gone."""

from __future__ import annotations

import re
import signal
import uuid
from collections import Counter

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from engine.core.workspace import Workspace
from engine.curation.judgements import JudgementStore
from engine.curation.votes import SURE, Source, Vote, judgement_in_release
from engine.recommend.recommender import Recommender
from engine.store import Database
from tests.browser.conftest import free_port, serve
from tests.support.tiny_release import TinyRelease, build_tiny_release

pytestmark = pytest.mark.browser
SAVED = re.compile("All saved")


@pytest.fixture(scope="module")
def tiny(tmp_path_factory) -> TinyRelease:
    return build_tiny_release(Workspace(tmp_path_factory.mktemp("review") / "workspace"), 180)


@pytest.fixture(scope="module")
def address(tiny: TinyRelease, start_server) -> str:
    return str(start_server(tiny.workspace.root))


@pytest.fixture
def store(tiny: TinyRelease) -> JudgementStore:
    return JudgementStore(Database(tiny.workspace.database_url))


def open_as(name: str, context: BrowserContext, page: Page, address: str) -> None:
    context.add_cookies([{"name": "longtail_curator", "value": name, "url": address}])
    page.goto(f"{address}/review")
    expect(page.locator(".pick").first).to_be_visible()


def anchor(page: Page) -> str:
    return str(page.locator(".anchor .title").text_content())


def submit(page: Page) -> None:
    """Enter, as a person would: the page takes none for a card that has just come up."""
    page.wait_for_timeout(200)
    page.keyboard.press("Enter")


def votes(store: JudgementStore, rater: str):
    current = store.current()
    return current[current["rater"] == rater]


def test_a_stranger_gives_a_name_and_judges_a_card_with_the_mouse(address, store, page: Page):
    page.goto(f"{address}/review")
    page.get_by_role("textbox", name="Your name").fill("Mia")
    page.get_by_role("button", name="Start judging").click()
    picks = page.locator(".pick")
    expect(picks).to_have_count(10)
    picks.nth(2).click()
    expect(picks.nth(2)).to_have_attribute("aria-pressed", "true")
    marked = picks.nth(2).get_attribute("data-item")
    page.get_by_role("button", name="wrong style").click()
    page.get_by_role("button", name=re.compile("The other 9 fit")).click()
    expect(page.get_by_text(SAVED)).to_be_visible()
    mine = votes(store, "Mia")
    assert Counter(mine["verdict"]) == {"irrelevant": 1, "relevant": 9}
    flagged = mine[mine["verdict"] == "irrelevant"].iloc[0]
    assert (flagged["neighbour_id"], flagged["reason"], flagged["source"]) == (marked, "wrong_style", "review")
    assert mine.loc[mine["verdict"] == "relevant", "implied"].all()


def test_keys_mark_take_back_and_say_that_one_cannot_tell(address, store, context, page: Page):
    open_as("Ada", context, page, address)
    for key in ("1", "0", "4", "4", "t", "2"):
        page.keyboard.press(key)
    states = [pick.get_attribute("class") for pick in page.locator(".pick").all()]
    assert states == ["pick irrelevant", "pick unsure", *["pick"] * 7, "pick irrelevant"]
    page.keyboard.press("?")
    keys = page.get_by_role("dialog", name="Keys")
    expect(keys).to_be_in_viewport()
    expect(keys).to_contain_text("skip this card")
    page.keyboard.press("?")
    expect(keys).to_be_hidden()
    page.get_by_role("button", name="Keys ?").click()
    expect(keys).to_be_in_viewport()
    page.keyboard.press("s")  # is for the dialog that is open, not for the card behind it
    page.keyboard.press("Escape")
    expect(keys).to_be_hidden()
    submit(page)
    expect(page.get_by_text(SAVED)).to_be_visible()
    assert Counter(votes(store, "Ada")["verdict"]) == {"irrelevant": 2, "unsure": 1, "relevant": 7}


def test_undo_brings_the_card_back_with_its_marks_and_takes_the_votes_back(address, store, context, page: Page):
    open_as("Uma", context, page, address)
    first = anchor(page)
    page.keyboard.press("3")
    submit(page)
    expect(page.locator(".anchor .title")).not_to_have_text(first)
    expect(page.get_by_text(SAVED)).to_be_visible()
    page.keyboard.press("u")
    expect(page.locator(".anchor .title")).to_have_text(first)
    expect(page.locator(".pick.irrelevant")).to_have_count(1)
    expect(page.locator(".history .undone")).to_have_count(1)
    assert votes(store, "Uma").empty
    page.keyboard.press("3")
    submit(page)
    expect(page.locator(".history .saved")).to_have_count(1)
    assert Counter(votes(store, "Uma")["verdict"]) == {"relevant": 10}


def test_skip_stores_nothing_and_goes_on(address, store, context, page: Page):
    open_as("Sky", context, page, address)
    first = anchor(page)
    page.keyboard.press("s")
    expect(page.locator(".anchor .title")).not_to_have_text(first)
    expect(page.get_by_text(SAVED)).to_be_visible()
    assert votes(store, "Sky").empty


def test_a_key_that_is_held_down_counts_once(address, store, context, page: Page):
    open_as("Hal", context, page, address)
    for _ in range(15):
        page.keyboard.down("5")  # without letting go: the browser repeats it
    page.keyboard.up("5")
    expect(page.locator(".pick.irrelevant")).to_have_count(1)
    for _ in range(15):
        page.keyboard.down("Enter")
    page.keyboard.up("Enter")
    expect(page.get_by_text(SAVED)).to_be_visible()
    mine = votes(store, "Hal")
    assert mine["anchor_id"].nunique() == 1
    assert Counter(mine["verdict"]) == {"irrelevant": 1, "relevant": 9}


def test_a_double_click_marks_once_and_submits_one_card(address, store, context, page: Page):
    open_as("Dora", context, page, address)
    page.locator(".pick").nth(1).dblclick()
    expect(page.locator(".pick.irrelevant")).to_have_count(1)
    page.locator(".act.submit").dblclick()
    expect(page.get_by_text(SAVED)).to_be_visible()
    expect(page.locator(".history .saved")).to_have_count(1)
    assert votes(store, "Dora")["anchor_id"].nunique() == 1


def test_keys_do_nothing_while_somebody_types(address, store, context, page: Page):
    open_as("Tess", context, page, address)
    page.get_by_role("button", name="Tess").click()
    field = page.get_by_role("textbox", name="Your name")
    field.click()
    page.keyboard.type("s0u1t")
    expect(field).to_have_value("Tesss0u1t")
    expect(page.locator(".pick.irrelevant, .pick.unsure")).to_have_count(0)


def test_two_tabs_of_one_curator_never_show_the_same_card(address, store, context, page: Page):
    open_as("Twin", context, page, address)
    other = context.new_page()
    other.goto(f"{address}/review")
    expect(other.locator(".pick").first).to_be_visible()
    for tab in (page, other, page, other):
        tab.bring_to_front()
        submit(tab)
    for tab in (page, other):
        expect(tab.get_by_text(SAVED)).to_be_visible()
    log = store.log()
    mine = log[log["rater"] == "Twin"]
    assert len(mine) == 40
    assert mine["anchor_id"].nunique() == 4


def test_a_reload_keeps_the_cards_and_sends_what_was_not_sent(address, store, context, page: Page):
    open_as("Rea", context, page, address)
    context.route("**/review/decisions", lambda route: route.abort())
    page.keyboard.press("6")
    submit(page)
    submit(page)
    expect(page.get_by_text(re.compile("2 decisions are not saved yet. No connection"))).to_be_visible()
    expect(page.locator(".history .saved")).to_have_count(0)
    frame, message = page.locator(".review").bounding_box(), page.locator(".status").bounding_box()
    assert message["x"] + message["width"] <= frame["x"] + frame["width"] + 1
    after = anchor(page)
    context.unroute("**/review/decisions")
    page.reload()
    expect(page.get_by_text(SAVED)).to_be_visible()
    expect(page.locator(".history .saved")).to_have_count(2)
    assert anchor(page) == after
    mine = votes(store, "Rea")
    assert Counter(mine["verdict"]) == {"relevant": 19, "irrelevant": 1}


def test_an_answer_that_was_lost_stores_nothing_twice(address, store, context, page: Page):
    open_as("Echo", context, page, address)
    lost = []

    def lose(route):
        if len(lost) < 2:
            lost.append(route.fetch().status)  # the server stores it, the browser never hears
            route.abort()
        else:
            route.continue_()

    context.route("**/review/decisions", lose)
    submit(page)
    expect(page.get_by_text(SAVED)).to_be_visible()
    assert lost == [200, 200]
    log = store.log()
    assert len(log[log["rater"] == "Echo"]) == 10


def test_a_database_that_is_gone_is_said_and_the_outbox_is_kept(tiny, address, store, context, page: Page):
    open_as("Gil", context, page, address)
    file = tiny.workspace.root / "longtail.db"
    away = file.with_name("away.db")
    file.rename(away)
    try:
        submit(page)
        expect(page.get_by_text(re.compile("1 decision is not saved yet. .* is gone"))).to_be_visible()
        expect(page.locator(".history .saved")).to_have_count(0)
    finally:
        away.rename(file)
    expect(page.get_by_text(SAVED)).to_be_visible()
    assert len(votes(store, "Gil")) == 10


def test_a_server_that_is_killed_loses_nothing_that_was_shown_as_saved(tiny, store, context, page: Page):
    port = free_port()
    here = f"http://localhost:{port}"
    server = serve(tiny.workspace.root, port)
    try:
        open_as("Kim", context, page, here)
        submit(page)
        expect(page.get_by_text(SAVED)).to_be_visible()
        server.send_signal(signal.SIGKILL)
        server.wait(10)
        page.keyboard.press("2")
        submit(page)
        expect(page.get_by_text(re.compile("1 decision is not saved yet"))).to_be_visible()
        assert votes(store, "Kim")["anchor_id"].nunique() == 1
        server = serve(tiny.workspace.root, port)
        expect(page.get_by_text(SAVED)).to_be_visible()
        assert Counter(votes(store, "Kim")["verdict"]) == {"relevant": 19, "irrelevant": 1}
    finally:
        server.kill()
        server.wait(10)


def test_a_single_pair_is_judged_with_one_key(address, store, context, page: Page):
    context.add_cookies([{"name": "longtail_curator", "value": "Pia", "url": address}])
    page.goto(f"{address}/review?mode=pair")
    expect(page.locator(".pick")).to_have_count(1)
    page.keyboard.press("t")
    expect(page.locator(".pick.unsure")).to_have_count(1)
    page.keyboard.press("1")
    submit(page)
    expect(page.get_by_text(SAVED)).to_be_visible()
    assert votes(store, "Pia")["verdict"].tolist() == ["irrelevant"]


def test_a_narrow_phone_needs_no_sideways_scrolling(address, context, page: Page):
    page.set_viewport_size({"width": 320, "height": 640})
    open_as("Pip", context, page, address)
    widths = page.evaluate(
        "() => [...document.querySelectorAll('html, [data-testid=stMain]')].map((n) => [n.scrollWidth, n.clientWidth])"
    )
    assert all(scroll <= client for scroll, client in widths)
    expect(page.locator(".act.submit")).to_be_in_viewport()


def test_a_newcomer_warms_up_and_nothing_of_it_is_stored(tiny, address, store, context, page: Page):
    facade = Recommender.open(tiny.workspace)
    judged = set(store.current()["anchor_id"])
    example = next(item for item in facade.items["item_id"] if item.startswith("f3-") and item not in judged)
    store.add(
        judgement_in_release(
            Vote(client_id=str(uuid.uuid4()), neighbour_id=one.item_id, verdict=SURE[one.rank > 5]),
            facade, example, rater="Old hand", source=Source.SIMILAR_ITEMS, k=10,
        )
        for one in facade.neighbours(example, "hybrid", 10)
    )  # fmt: skip
    open_as("Newt", context, page, address)
    expect(page.get_by_text(re.compile("Warm-up, 1 to go. Nothing is saved here"))).to_be_visible()
    submit(page)
    expect(page.get_by_text("You agreed with the others on 5 of 10. Press Enter to continue.")).to_be_visible()
    expect(page.locator(".pick.wrong")).to_have_count(5)
    submit(page)
    expect(page.locator(".banner")).to_be_empty()
    submit(page)
    expect(page.get_by_text(SAVED)).to_be_visible()
    assert example not in set(votes(store, "Newt")["anchor_id"])
    assert len(votes(store, "Newt")) == 10
