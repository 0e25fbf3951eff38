"""Whatever a field of a request holds, it is refused by itself: no error of ours, nothing stored of it, and the good beside it is."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import streamlit as st

from engine.core.workspace import Workspace
from engine.curation.judgements import JudgementStore
from tests.support.sign_in import gated
from tests.support.tiny_release import TinyRelease, build_tiny_release
from ui.app import resources
from ui.review.tokens import ReviewToken, sign_token
from ui.widgets.addresses import review_urls

DEEP = "[" * 700 + "]" * 700  # parsed, but not printed
ODD = {
    "half of a pair": '"\\ud800"',
    "NUL": '"\\u0000"',
    "both in an id": '"1234\\u0000\\udfff-1234"',
    "a long text": json.dumps("x" * 100_000),
    "nothing": "null",
    "an empty text": '""',
    "a number": "7",
    "a fraction": "1.5",
    "a long number": "9" * 4_000,
    "too long a number": "9" * 5_000,
    "no number": "NaN",
    "infinity": "1e400",
    "less than nothing": "-1e308",
    "true": "true",
    "a list": '["a"]',
    "a deep list": DEEP,
    "an object": '{"id": {"id": "\\ud800"}}',
    "a name twice": '{"id": 1, "id": "\\u0000"}',
}
FIELDS = ("id", "kind", "card", "verdicts", "seconds", "client_id", "neighbour", "verdict", "implied", "reason")
MARK = "MARK"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> TinyRelease:
    return build_tiny_release(Workspace(tmp_path_factory.mktemp("hostile")), 72)


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def store(request: Any, built: TinyRelease, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[JudgementStore]:
    url = f"sqlite:///{tmp_path}/longtail.db"
    if request.param == "postgres":
        url = str(request.getfixturevalue("postgres_url"))
    monkeypatch.setenv("LONGTAIL_WORKSPACE", str(built.workspace.root))
    monkeypatch.setenv("LONGTAIL_DATABASE_URL", url)
    st.cache_resource.clear()
    shared = resources.database()
    yield JudgementStore(shared)
    shared.close()
    st.cache_resource.clear()


class Browser:
    """One curator's browser, which sends what it is told to."""

    def __init__(self, built: TinyRelease, name: str) -> None:
        self.client = gated()
        self.client.cookies.set("longtail_curator", name)
        self.token = sign_token(built.workspace, ReviewToken(name, ""))

    def cards(self, want: int) -> list[dict[str, Any]]:
        body = {"token": self.token, "want": want, "have": []}
        return list(self.client.post(review_urls()["cards"], json=body).json()["cards"])

    def send(self, *decisions: str) -> Any:
        body = f'{{"token": {json.dumps(self.token)}, "decisions": [{", ".join(decisions)}]}}'
        return self.client.post(review_urls()["decisions"], content=body)


def judged(card: dict[str, Any], **more: Any) -> dict[str, Any]:
    verdicts = [
        {"client_id": str(uuid.uuid4()), "neighbour": one["item_id"], "verdict": "relevant", "implied": True}
        for one in card["neighbours"]
    ]
    return {"id": str(uuid.uuid4()), "kind": "judged", "card": card["id"], "verdicts": verdicts, "seconds": 1.0} | more


def with_odd(decision: dict[str, Any], field: str, odd: str) -> str:
    """The decision as JSON with something odd in a field of it, or of its first verdict."""
    inside = decision if field in {"id", "kind", "card", "verdicts", "seconds"} else decision["verdicts"][0]
    return json.dumps({**decision, field: MARK} if inside is decision else _marked(decision, field)).replace(
        f'"{MARK}"', odd
    )


def _marked(decision: dict[str, Any], field: str) -> dict[str, Any]:
    first, *others = decision["verdicts"]
    return {**decision, "verdicts": [{**first, field: MARK}, *others]}


@pytest.mark.parametrize("field", FIELDS)
def test_an_odd_value_in_any_field_is_refused_alone(field: str, built: TinyRelease, store: JudgementStore) -> None:
    ada = Browser(built, "Ada")
    cards = ada.cards(10)
    for number, (name, odd) in enumerate(ODD.items()):
        good = judged(cards[number % 5])
        bad = judged(cards[5 + number % 5])
        answer = ada.send(with_odd(bad, field, odd), json.dumps(good))
        assert answer.status_code in {200, 400}, (field, name, answer.text[:300])
        if answer.status_code == 200:
            assert good["id"] in answer.json()["stored"], (field, name)
        # What may be anything is taken for what it can be: how long it took, and whether it was pointed at.
        harmless = field in {"seconds", "implied"} or (field == "reason" and odd == "null")
        assert harmless or bad["id"] not in answer.json().get("stored", []), (field, name)


@pytest.mark.parametrize("field", ["token", "want", "have", "pair"])
def test_an_odd_value_in_a_request_for_cards_is_an_answer_too(
    field: str, built: TinyRelease, store: JudgementStore
) -> None:
    ada = Browser(built, "Ada")
    for name, odd in ODD.items():
        body = {"token": ada.token, "want": 1, "have": [], "pair": False} | {field: MARK}
        content = json.dumps(body).replace(f'"{MARK}"', odd)
        answer = ada.client.post(review_urls()["cards"], content=content)
        assert answer.status_code in {200, 400, 403}, (field, name, answer.text[:300])


def test_honest_people_lose_nothing_while_others_send_what_no_database_takes(
    built: TinyRelease, store: JudgementStore
) -> None:
    honest = [Browser(built, f"Honest{number}") for number in range(3)]
    eve = Browser(built, "Eve")
    (target,) = eve.cards(1)
    bad = [
        with_odd(judged(target), field, odd)
        for field in ("id", "card", "neighbour", "client_id")
        for odd in ODD.values()
    ]

    def work(browser: Browser) -> list[Any]:
        return [browser.send(json.dumps(judged(card))) for card in browser.cards(6)]

    with ThreadPoolExecutor(5) as threads:
        attacks = [threads.submit(lambda: [eve.send(one) for one in bad]) for _ in range(2)]
        answers = [answer for done in threads.map(work, honest) for answer in done]
    assert [answer.status_code for answer in answers] == [200] * 18
    assert all(answer.json()["refused"] == {} for answer in answers)
    assert {answer.status_code for attack in attacks for answer in attack.result()} <= {200, 400}
    assert set(store.log()["rater"]) == {"Honest0", "Honest1", "Honest2"}


def test_a_vote_id_used_twice_in_one_decision_is_refused(built: TinyRelease, store: JudgementStore) -> None:
    ada = Browser(built, "Ada")
    card, other = ada.cards(2)
    twice = judged(card)
    for verdict in twice["verdicts"]:
        verdict["client_id"] = twice["verdicts"][0]["client_id"]
    good = judged(other)
    answer = ada.send(json.dumps(twice), json.dumps(good)).json()
    assert answer["stored"] == [good["id"]]
    assert list(answer["refused"]) == [twice["id"]]
