"""Campaigns in a real browser: made, judged with keys by two people, disputed, decided, taken away."""

from __future__ import annotations

import io
import re
import zipfile

import pytest
from playwright.sync_api import Browser, Page, expect

from engine.core.workspace import Workspace
from engine.curation.campaigns import campaigns
from engine.curation.judgements import JudgementStore
from engine.store import Database
from tests.browser.conftest import PATIENCE_MS, at_rest
from tests.support.tiny_release import TinyRelease, build_tiny_release

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def tiny(tmp_path_factory) -> TinyRelease:
    return build_tiny_release(Workspace(tmp_path_factory.mktemp("campaigns") / "workspace"), 180)


@pytest.fixture(scope="module")
def address(tiny: TinyRelease, start_server) -> str:
    return str(start_server(tiny.workspace.root))


def person(browser: Browser, address: str, name: str) -> Page:
    context = browser.new_context(viewport={"width": 1360, "height": 860})
    context.set_default_timeout(PATIENCE_MS)
    context.add_cookies([{"name": "longtail_curator", "value": name, "url": address}])
    return context.new_page()


def judge(page: Page, address: str, cards: int, key: str) -> None:
    """Cards of the campaign that is open on the page, the same place marked on each."""
    expect(page.locator(".pick").first).to_be_visible()
    for _ in range(cards):
        page.keyboard.press(key)
        page.wait_for_timeout(200)  # the page takes no Enter for a card that has just come up
        page.keyboard.press("Enter")
    expect(page.get_by_text(re.compile("All saved"))).to_be_visible()


def test_a_campaign_is_made_judged_by_two_disputed_decided_and_taken_away(
    tiny: TinyRelease, address: str, browser: Browser
):
    lead = person(browser, address, "Lea")
    lead.goto(f"{address}/campaigns")
    lead.get_by_role("button", name="New campaign").click()
    lead.get_by_label("Name").fill("Spring")
    lead.get_by_label("Products from each group").fill("1")
    lead.get_by_role("slider").press("End")  # everything is judged by two people
    lead.get_by_role("button", name="Create").click()
    expect(lead.get_by_text("“Spring” is ready to judge")).to_be_visible()
    store = JudgementStore(Database(tiny.workspace.database_url))
    spring = next(one for one in campaigns(store.database) if one.name == "Spring")
    assert spring.second_share == 1.0
    for name, key in (("Ann", "1"), ("Bo", "2")):
        page = person(browser, address, name)
        page.goto(f"{address}/review?campaign={spring.id}")
        judge(page, address, 3, key)
        page.context.close()
    current = store.current()
    assert set(current["rater"]) == {"Ann", "Bo"}
    both = current.groupby(["anchor_id", "neighbour_id"])["verdict"].nunique()
    assert (both == 2).sum() >= 2  # they marked different places of the same cards
    lead.goto(f"{address}/campaigns?campaign={spring.id}")
    expect(lead.get_by_text(re.compile("on which people disagree"))).to_be_visible()
    lead.get_by_role("button", name="Irrelevant", exact=True).click()
    expect(lead.get_by_text("Decided")).to_be_visible()
    decided = store.current()
    assert (decided["source"] == "adjudication").sum() == 1
    at_rest(lead)
    with lead.expect_download() as download:
        lead.get_by_role("button", name="Evidence pack").click()
    pack = zipfile.ZipFile(io.BytesIO(download.value.path().read_bytes()))
    assert {"judgements.csv", "cards.csv", "appearances.csv", "rates.csv", "redraw.py"} <= set(pack.namelist())
    lead.get_by_role("button", name="End this campaign").click()
    lead.get_by_role("dialog").get_by_role("button", name="End this campaign").click()
    expect(lead.get_by_text("Ended: no more cards will be drawn")).to_be_visible()
    lead.context.close()
