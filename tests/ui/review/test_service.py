"""The routes that the Review page posts to, as a browser would use them."""

from __future__ import annotations

import time
import uuid
from collections import Counter
from urllib.parse import quote

import pytest
import streamlit as st

from engine.core.errors import NoRoomError, ReleaseError
from engine.core.workspace import Workspace
from engine.curation.decisions import Decision, decide
from engine.curation.judgements import JudgementStore
from engine.recommend.recommender import Recommender
from engine.store import Database
from tests.support.sign_in import gated
from tests.support.tiny_release import build_tiny_release
from ui.review import progress
from ui.review.routes import MAX_BYTES
from ui.review.tokens import ReviewToken, sign_token
from ui.widgets.addresses import review_urls


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    return build_tiny_release(Workspace(tmp_path_factory.mktemp("reviewing")), 72)


@pytest.fixture
def store(built, tmp_path, monkeypatch):
    monkeypatch.setenv("LONGTAIL_WORKSPACE", str(built.workspace.root))
    monkeypatch.setenv("LONGTAIL_DATABASE_URL", f"sqlite:///{tmp_path}/longtail.db")
    st.cache_resource.clear()
    yield JudgementStore(Database(f"sqlite:///{tmp_path}/longtail.db"))
    st.cache_resource.clear()


class Browser:
    """One curator's browser."""

    def __init__(self, workspace: Workspace, name: str, address: str = "127.0.0.1") -> None:
        self.client = gated(address)
        self.client.cookies.set("longtail_curator", quote(name, safe=""))
        self.token = sign_token(workspace, ReviewToken(name, ""))

    def cards(self, want: int = 1, **more):
        return self.client.post(review_urls()["cards"], json={"token": self.token, "want": want, "have": []} | more)

    def send(self, *decisions, **more):
        return self.client.post(
            review_urls()["decisions"], json={"token": self.token, "decisions": list(decisions)} | more
        )


@pytest.fixture
def ada(built, store) -> Browser:
    return Browser(built.workspace, "Ada Łoś")


def test_what_somebody_judges_at_another_dashboard_counts_here_soon(built, ada, store, monkeypatch):
    monkeypatch.setattr(progress, "COUNTED_SECONDS", 0.2)
    first, second = ada.cards(2).json()["cards"]
    assert ada.send(judged(first)).json()["progress"]["mine"] == 1
    there = Database(store.database.engine.url.render_as_string(hide_password=False))  # as another process has it
    decision = Decision.from_json(judged(second))
    there.write(lambda session: decide(session, decision, "Ada Łoś", now=time.time()))
    time.sleep(0.3)
    assert ada.cards().json()["progress"]["mine"] == 2


def judged(card: dict, irrelevant: int = 1) -> dict:
    verdicts = [
        {
            "client_id": str(uuid.uuid4()),
            "neighbour": neighbour["item_id"],
            "verdict": "irrelevant" if position < irrelevant else "relevant",
            "implied": position >= irrelevant,
            "reason": None,
        }
        for position, neighbour in enumerate(card["neighbours"])
    ]
    return {"id": str(uuid.uuid4()), "kind": "judged", "card": card["id"], "verdicts": verdicts}


def test_a_card_is_blind_and_a_decision_on_it_is_stored_with_every_arm(built, ada, store):
    (card,) = ada.cards().json()["cards"]
    assert set(card["neighbours"][0]) == {"item_id", "title", "brand", "price", "image", "large", "facts"}
    decision = judged(card)
    answer = ada.send(decision).json()
    assert answer["stored"] == [decision["id"]]
    assert answer["refused"] == {}
    assert answer["progress"]["mine"] == 1
    current = store.current()
    assert Counter(current["verdict"]) == {"irrelevant": 1, "relevant": 9}
    assert set(current["rater"]) == {"Ada Łoś"}
    assert set(current["source"]) == {"review"}
    anchor = card["anchor"]["item_id"]
    returned = Recommender.open(built.workspace).arms_returning(anchor, 10)
    seen = store.appearances(anchor)
    for neighbour, group in seen.groupby("neighbour_id"):
        assert dict(zip(group["arm"], group["rank"], strict=True)) == returned[neighbour]


def test_a_decision_that_is_sent_again_is_confirmed_again_and_stored_once(ada, store):
    (card,) = ada.cards().json()["cards"]
    decision = judged(card)
    for _ in range(3):
        assert ada.send(decision, decision).json()["stored"] == [decision["id"]] * 2
    assert len(store.log()) == 10


def test_a_restarted_server_takes_decisions_on_cards_of_the_one_before(ada, store):
    (card,) = ada.cards().json()["cards"]
    st.cache_resource.clear()
    assert ada.send(judged(card)).json()["refused"] == {}
    assert len(store.current()) == 10


def test_undo_takes_the_votes_back_and_undoing_a_skip_takes_nothing(ada, store):
    (card,) = ada.cards().json()["cards"]
    decision = judged(card)
    undone = {"id": str(uuid.uuid4()), "kind": "undone", "card": card["id"], "undoes": decision["id"], "of": "skipped"}
    skipped = {"id": str(uuid.uuid4()), "kind": "skipped", "card": card["id"]}
    assert ada.send(skipped, undone, decision).json()["refused"] == {}
    assert len(store.current()) == 10
    assert list(ada.send(skipped).json()["refused"]) == [skipped["id"]]  # what is judged is not skipped as well
    back = undone | {"id": str(uuid.uuid4()), "of": "judged"}
    assert ada.send(back, back).json()["refused"] == {}
    assert store.current().empty
    assert len(store.log()) == 20


@pytest.mark.parametrize(
    "wrong",
    [
        {"card": "forged"},
        {"kind": "dreamt"},
        {"verdicts": []},
        {"verdicts": "all fit"},
        {"verdicts": [{"neighbour": "f0-00", "verdict": "relevant"}]},
    ],
)
def test_what_was_not_handed_out_is_refused_and_the_rest_is_stored(ada, store, wrong):
    first, second = ada.cards(2).json()["cards"]
    bad, good = judged(first) | wrong, judged(second)
    answer = ada.send(bad, good).json()
    assert list(answer["refused"]) == [bad["id"]]
    assert answer["stored"] == [good["id"]]
    assert len(store.log()) == 10


@pytest.mark.parametrize(
    "field", [{"verdict": "splendid"}, {"verdict": "withdrawn"}, {"reason": "mood"}, {"client_id": 7}]
)
def test_a_verdict_or_reason_that_is_none_is_refused(ada, store, field):
    (card,) = ada.cards().json()["cards"]
    decision = judged(card)
    decision["verdicts"][0] |= field
    assert list(ada.send(decision).json()["refused"]) == [decision["id"]]
    assert store.log().empty


def test_an_id_that_comes_back_with_other_content_is_refused_not_sent_for_ever(ada, store):
    (card,) = ada.cards().json()["cards"]
    decision = judged(card)
    ada.send(decision)
    decision["verdicts"][0]["verdict"] = "relevant"
    assert "stored with other content" in ada.send(decision).json()["refused"][decision["id"]]


def test_without_a_good_pass_nothing_is_given_or_taken(built, ada, store):
    (card,) = ada.cards().json()["cards"]
    assert ada.cards(token="").status_code == 403
    assert ada.send(judged(card), token="x").status_code == 403
    other = Browser(built.workspace, "Bo")
    answer = other.send(judged(card), token=ada.token)
    assert answer.status_code == 403
    assert "Someone else is judging in this browser now" in answer.json()["error"]
    assert store.log().empty


@pytest.mark.parametrize("body", [b"", b"[]", b"\xff", b'{"token":'])
def test_what_is_not_understood_is_a_400_or_403(ada, body):
    for url in review_urls().values():
        assert ada.client.post(url, content=body).status_code in (400, 403)


def test_too_much_at_once_is_refused(ada):
    assert ada.client.post(review_urls()["decisions"], content=b" " * (MAX_BYTES + 1)).status_code == 413
    assert ada.send(*[{}] * 51).status_code == 400


@pytest.mark.parametrize(
    ("error", "title"),
    [
        (NoRoomError("Opening release 1 takes about 12.2 GB of memory."), "The release of this campaign cannot be opened now"),
        (ReleaseError("Release 1 is damaged."), "The release of this campaign is gone"),
    ],
)  # fmt: skip
def test_a_campaign_whose_release_cannot_be_opened_says_why(ada, monkeypatch, error, title):
    def refuse(*_):
        raise error

    monkeypatch.setattr("ui.review.service._opened", refuse)
    message = ada.cards().json()["message"]
    assert message["title"] == title
    assert message["text"] == f"{error} Its judgements are kept. Pick another campaign above."


def test_a_database_that_is_gone_confirms_nothing(ada, store, tmp_path):
    (card,) = ada.cards().json()["cards"]
    file = tmp_path / "longtail.db"
    file.rename(tmp_path / "away.db")
    answer = ada.send(judged(card))
    assert answer.status_code == 503
    assert "is gone" in answer.json()["error"]
    (tmp_path / "away.db").rename(file)
    assert store.log().empty


def test_a_pair_is_a_card_with_one_neighbour(ada, store):
    (card,) = ada.cards(pair=True).json()["cards"]
    assert len(card["neighbours"]) == 1
    assert ada.send(judged(card)).json()["refused"] == {}
    assert store.current()["verdict"].tolist() == ["irrelevant"]


def test_one_person_cannot_take_every_card(built, ada):
    for _ in range(12):
        ada.cards(10)
    assert Browser(built.workspace, "Bo").cards().json()["cards"]


def test_one_person_under_many_names_cannot_take_every_card_either(built, store):
    for number in range(12):
        Browser(built.workspace, f"Eve {number}", "127.0.0.9").cards(10)
    honest = [Browser(built.workspace, f"Honest {number}", f"127.0.0.{number + 2}") for number in range(6)]
    assert [len(one.cards(6).json()["cards"]) for one in honest] == [6] * 6


def test_when_nothing_is_left_the_page_is_told_so(built, store):
    for number in range(8):
        Browser(built.workspace, f"Curator {number}", f"127.0.0.{number + 1}").cards(10)
    answer = Browser(built.workspace, "Bo").cards().json()
    assert answer["cards"] == []
    assert answer["message"]["title"] == "Nothing left to judge for now"
