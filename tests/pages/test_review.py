"""The Review page: who is judging, what the component is given, and the warm-up of a newcomer."""

from __future__ import annotations

import json
import uuid

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from engine.core.workspace import Workspace
from engine.curation.judgements import JudgementStore
from engine.curation.votes import SURE, Source, Vote, judgement_in_release
from engine.recommend.recommender import Recommender
from engine.store import Database
from tests.support.tiny_release import build_tiny_release
from ui.review.tokens import ReviewToken, read_token


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    return build_tiny_release(Workspace(tmp_path_factory.mktemp("tiny")), 72)


@pytest.fixture
def store(built, tmp_path, monkeypatch):
    monkeypatch.setenv("LONGTAIL_WORKSPACE", str(built.workspace.root))
    monkeypatch.setenv("LONGTAIL_DATABASE_URL", f"sqlite:///{tmp_path}/longtail.db")
    st.cache_resource.clear()
    yield JudgementStore(Database(f"sqlite:///{tmp_path}/longtail.db"))
    st.cache_resource.clear()


def script() -> None:
    from pages.review import page

    page()


def opened(name: str | None = "Ada", **query: str) -> AppTest:
    app = AppTest.from_function(script, default_timeout=60)
    if name:
        app.session_state["curator_name"] = name
    for field, value in query.items():
        app.query_params[field] = value
    app.run()
    assert not app.exception
    return app


def given(app: AppTest) -> dict:
    """What the component was given."""
    (element,) = [one for one in app.get("bidi_component") if one.proto.component_name == "longtail_review"]
    return dict(json.loads(element.proto.json))


def judge(store: JudgementStore, facade: Recommender, anchor: str, rater: str, source: str = "review") -> None:
    """All of what Longtail shows for a product, the first four irrelevant."""
    store.add(
        judgement_in_release(
            Vote(
                client_id=str(uuid.uuid4()), neighbour_id=one.item_id, verdict=SURE[one.rank > 4], implied=one.rank > 4
            ),
            facade, anchor, rater=rater, source=Source(source), k=10,
        )
        for one in facade.neighbours(anchor, "hybrid", 10)
    )  # fmt: skip


def test_a_stranger_is_asked_for_a_name_first(store):
    app = opened(name=None)
    assert not app.get("bidi_component")
    app.text_input[0].set_value("Ada")
    app.button[0].click().run()
    assert given(app)["session"] == "Tiny Dresses:Ada:"


def test_the_component_gets_a_pass_for_this_curator_and_the_words_of_the_task(built, store):
    data = given(opened())
    assert read_token(built.workspace, data["token"], "Ada") == ReviewToken("Ada", "")
    assert data["url"] == {"cards": "/review/cards", "decisions": "/review/decisions"}
    assert "<strong>irrelevant</strong>" in data["guidelines"]
    assert [value for value, _ in data["reasons"]] == [
        "wrong_kind", "wrong_style", "wrong_occasion", "wrong_price", "duplicate",
    ]  # fmt: skip
    assert data["progress"]["mine"] == 0
    assert data["progress"]["target"] > 0
    assert data["pair"] is False


def test_the_mode_stands_in_the_address(store):
    data = given(opened(mode="pair"))
    assert data["pair"] is True
    assert data["session"] == "Tiny Dresses:Ada:pair"


def test_a_newcomer_warms_up_on_what_others_judged_and_nobody_else_does(built, store):
    facade = Recommender.open(built.workspace)
    judge(store, facade, "f1-02", "Bo", "similar_items")
    (card,) = given(opened())["warmup"]
    assert card["anchor"]["item_id"] == "f1-02"
    expected = {
        one.item_id: "irrelevant" if one.rank <= 4 else "relevant" for one in facade.neighbours("f1-02", "hybrid", 10)
    }
    assert card["answers"] == expected
    assert [one["item_id"] for one in card["neighbours"]] == sorted(expected)
    assert given(opened(name="Bo"))["warmup"] == []  # nobody warms up on answers of their own
    judge(store, facade, "f2-02", "Ada")
    st.cache_resource.clear()
    assert given(opened())["warmup"] == []
