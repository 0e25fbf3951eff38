"""Two dashboards behind a proxy are one to those who use them: what docs/teams.md promises."""

from __future__ import annotations

import threading
import time
import uuid
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any, ClassVar

import httpx
import pytest
from sqlalchemy import select

from benchmarks.streamlit_session import StreamlitSession
from benchmarks.teams import USER_HEADER, Proxy
from engine.access.people import People
from engine.access.roles import Role
from engine.curation.campaigns import Plan, create_campaign
from engine.curation.judgements import JudgementStore
from engine.recommend.recommender import Recommender
from engine.release.publish import publish
from engine.store import CardRow
from tests.teams.conftest import Team
from ui.review.tokens import ReviewToken, sign_token

pytestmark = [pytest.mark.postgres, pytest.mark.proxy]


class Browser:
    """One curator's: a cookie jar, cards fetched ahead, decisions sent until they are confirmed."""

    opened: ClassVar[list[httpx.Client]] = []

    def __init__(self, team: Team, address: str, name: str, campaign: str = "") -> None:
        self.client = httpx.Client(base_url=address, headers={USER_HEADER: name}, timeout=30)
        self.opened.append(self.client)
        self.token = sign_token(team.workspace, ReviewToken(name, campaign))
        self.confirmed: list[str] = []
        self.handed_out: list[str] = []
        self.progress: dict[str, Any] = {}

    def cards(self, want: int) -> list[dict[str, Any]]:
        answer = self._post("cards", {"want": want, "have": []})
        self.handed_out += [card["anchor"]["item_id"] for card in answer["cards"]]
        return list(answer["cards"])

    def judge(self, card: dict[str, Any]) -> None:
        verdicts = [
            {"client_id": str(uuid.uuid4()), "neighbour": one["item_id"], "verdict": "relevant", "implied": True}
            for one in card["neighbours"]
        ]
        decision = {"id": str(uuid.uuid4()), "kind": "judged", "card": card["id"], "verdicts": verdicts}
        answer = self._post("decisions", {"decisions": [decision]})
        assert answer["stored"] == [decision["id"]], answer
        self.confirmed += [one["client_id"] for one in verdicts]

    def judge_everything(self, until: threading.Event | None = None) -> None:
        """A card after another until none is left, or until one is told to stop."""
        while (cards := self.cards(2)) and not (until and until.is_set()):
            for card in cards:
                self.judge(card)

    def _post(self, what: str, body: dict[str, Any]) -> dict[str, Any]:
        """Again until it is answered, as the Review page does."""
        deadline = time.monotonic() + 30
        while True:
            try:
                response = self.client.post(f"/review/{what}", json={"token": self.token} | body)
                if response.status_code == 200:
                    self.progress = response.json()["progress"]
                    return dict(response.json())
                assert response.status_code in {429, 502, 503, 504}, response.text
            except httpx.TransportError as exc:
                said: object = exc
            else:
                said = response.text
            assert time.monotonic() < deadline, said
            time.sleep(0.1)


@pytest.fixture(autouse=True)
def closing_browsers():
    yield
    while Browser.opened:
        Browser.opened.pop().close()


def on_both(team: Team, proxy: Proxy, names: tuple[str, str], campaign: str = "") -> list[Browser]:
    """Two curators whose browsers the proxy has sent to different dashboards."""
    first = Browser(team, proxy.address, names[0], campaign)
    first.client.get("/")
    for _ in range(40):
        second = Browser(team, proxy.address, names[1], campaign)
        second.client.get("/")
        if served_by(second) != served_by(first):
            return [first, second]
    raise AssertionError("everybody is sent to the same dashboard")


def served_by(browser: Browser) -> str:
    """Which dashboard answers this browser."""
    return browser.client.get("/_stcore/health").headers["X-Dashboard"]


def campaign_of(team: Team, **plan: Any) -> str:
    wanted = Plan(f"C{uuid.uuid4().hex}", second_share=0.0, repeat_share=0.0, **plan)
    return create_campaign(team.database, Recommender.open(team.workspace, "r0001"), wanted)


def stored(team: Team) -> Counter[str]:
    return Counter(JudgementStore(team.database).log()["client_id"])


def test_a_browser_stays_with_one_dashboard_and_browsers_are_spread(team, proxy):
    browsers = [Browser(team, proxy.address, "Ada") for _ in range(12)]
    for browser in browsers:
        browser.client.get("/")
    answered = [{served_by(browser) for _ in range(4)} for browser in browsers]
    assert all(len(one) == 1 for one in answered)
    assert len(set().union(*answered)) == 2


def test_two_curators_at_two_dashboards_judge_one_campaign_once(team, proxy):
    browsers = on_both(team, proxy, ("Ada", "Bo"), campaign_of(team, target=6))
    with ThreadPoolExecutor(2) as threads:
        list(threads.map(Browser.judge_everything, browsers))
    ada, bo = browsers
    assert len(ada.handed_out) > 3
    assert len(bo.handed_out) > 3
    assert max(Counter(ada.handed_out + bo.handed_out).values()) == 1, "no product went to both"
    found = stored(team)
    assert {found[one] for one in ada.confirmed + bo.confirmed} == {1}
    time.sleep(2.2)
    assert ada.cards(1) == bo.cards(1) == []
    assert ada.progress["done"] == bo.progress["done"] == len(ada.handed_out + bo.handed_out)


def test_a_release_published_through_one_is_served_by_the_other_at_once(team, proxy):
    browsers = on_both(team, proxy, ("Cy", "Dee"))
    for release_id in ("r0002", "r0001"):
        publish(team.workspace, release_id)
        drawn = [browser.cards(1)[0]["id"] for browser in browsers]
        with team.database.reading() as session:
            found = session.scalars(select(CardRow.release_id).where(CardRow.id.in_(drawn)))
            assert list(found) == [release_id] * 2


def test_a_role_that_is_taken_away_is_gone_at_both(team, proxy):
    browsers = on_both(team, proxy, ("Eve", "Eve"))
    people = People(team.database)
    for role, status in ((Role.CURATOR, 200), (Role.VIEWER, 403)):
        people.set_role("Eve", role)
        time.sleep(3.2)
        for browser in browsers:
            answer = browser.client.post("/review/cards", json={"token": browser.token, "want": 1, "have": []})
            assert answer.status_code == status, answer.text


def test_when_one_dashboard_dies_the_other_takes_over_and_nothing_confirmed_is_lost(team, proxy):
    browsers = on_both(team, proxy, ("Ada", "Bo"), campaign_of(team, target=72))
    first = team.dashboard(served_by(browsers[0]))
    stop = threading.Event()
    with ThreadPoolExecutor(2) as threads:
        working = [threads.submit(browser.judge_everything, stop) for browser in browsers]
        deadline = time.monotonic() + 20
        while not browsers[0].confirmed and time.monotonic() < deadline:
            time.sleep(0.05)
        before = len(browsers[0].confirmed)
        first.kill()
        time.sleep(1.0)
        stop.set()
        for one in working:
            one.result()
        browsers[0].judge(browsers[0].cards(1)[0])
    assert len(browsers[0].confirmed) > before > 0
    found = stored(team)
    assert {found[one] for browser in browsers for one in browser.confirmed} == {1}
    first.start()
    deadline = time.monotonic() + 20
    while len({served_by(one) for one in on_both_again(team, proxy)}) < 2:
        assert time.monotonic() < deadline, "it is not asked again"
        time.sleep(0.5)


def send_file(tab: StreamlitSession, proxy: Proxy) -> httpx.Response:
    """As the browser does, with what it knows from its first page."""
    return httpx.put(
        proxy.address + tab.ask_for_a_file("a.csv"),
        headers={USER_HEADER: "Ada", "X-Xsrftoken": tab.cookies.get("_streamlit_xsrf", "")},
        cookies=tab.cookies,
        files={"file": ("a.csv", b"a,b")},
    )


def on_both_again(team: Team, proxy: Proxy) -> list[Browser]:
    browsers = [Browser(team, proxy.address, "Ada") for _ in range(12)]
    for browser in browsers:
        browser.client.get("/")
    return browsers


def test_a_page_runs_through_the_proxy_and_its_files_go_to_where_its_tab_is(team, proxy):
    with StreamlitSession(proxy.address, headers={USER_HEADER: "Ada"}) as tab:
        tab.open("review")
        assert tab.exceptions == []
        answers = [send_file(tab, proxy) for _ in range(4)]
    assert {one.status_code for one in answers} == {204}, answers[0].text


def test_without_the_cookie_files_of_a_tab_reach_a_dashboard_that_does_not_know_it(team):
    with (
        Proxy("nginx", team.ports, sticky=False) as proxy,
        StreamlitSession(proxy.address, headers={USER_HEADER: "Ada"}) as tab,
    ):
        tab.open("review")
        answers = Counter(send_file(tab, proxy).status_code for _ in range(8))
    assert answers[204] >= 1
    assert answers[403] + answers[400] >= 1
    assert sum(answers.values()) == answers[204] + answers[403] + answers[400]
