from __future__ import annotations

import uuid

import pytest
from streamlit.testing.v1 import AppTest

from engine.core.errors import InputError, NotFoundError
from engine.curation.judgements import JudgementStore
from engine.recommend.recommender import Recommender
from engine.store import Database
from tests.support.tiny_release import TinyRelease, build_tiny_release
from ui.review.flags import Flag, make_judgements


@pytest.fixture
def tiny(workspace, monkeypatch) -> TinyRelease:
    monkeypatch.setenv("LONGTAIL_WORKSPACE", str(workspace.root))
    return build_tiny_release(workspace)


@pytest.fixture
def facade(tiny: TinyRelease) -> Recommender:
    return Recommender.open(tiny.workspace)


@pytest.fixture
def store(tiny: TinyRelease) -> JudgementStore:
    return JudgementStore(Database(tiny.workspace.database_url))


def entry(anchor="f0-00", neighbour="f0-01", verdict="irrelevant", release="r0001", implied=False) -> dict:
    return {
        "client_id": str(uuid.uuid4()),
        "anchor": anchor,
        "neighbour": neighbour,
        "verdict": verdict,
        "implied": implied,
        "release": release,
    }


def test_a_judgement_carries_every_arm_that_returned_the_pair_and_the_anchors_clicks(tiny, facade):
    neighbour = facade.neighbours("f0-00", "hybrid", 10)[2].item_id
    (made,) = make_judgements([Flag.from_json(entry(neighbour=neighbour))], facade, "Ada", 10)
    assert made.ranks == facade.arms_returning("f0-00", 10)[neighbour]
    assert made.ranks["hybrid"] == 3
    assert (made.anchor_count, made.release_id, made.rater, made.source) == (20, "r0001", "Ada", "similar_items")


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ({"release": "r0007"}, InputError),
        ({"neighbour": "nothing"}, NotFoundError),
        ({"anchor": "nothing"}, NotFoundError),
        ({"verdict": "nonsense"}, InputError),
        ({"neighbour": "f0-00"}, InputError),
    ],
)
def test_what_the_browser_sends_is_checked(facade, wrong, error):
    with pytest.raises(error):
        make_judgements([Flag.from_json(entry(**wrong))], facade, "Ada", 10)


def judge(outbox: list, name: str | None):
    """A page that judges: the outbox is what the card component's state would be."""
    from dataclasses import asdict

    import streamlit as st

    from ui.app import notices
    from ui.app.curator import set_name
    from ui.app.resources import judgements
    from ui.review.flags import ask_for_name, judged_sentence, judging_data, store_outbox

    if name:
        set_name(name)
    st.session_state["cards"] = {"outbox": outbox}
    store_outbox("cards")
    notices.show()
    current = judgements().current("f0-00")
    st.session_state["data"] = asdict(judging_data(current, "f0-00", rest=True))
    st.text(judged_sentence(current, {"als": ["f0-01", "f0-02"], "hybrid": ["f0-02", "f0-03"]}))
    ask_for_name()


def run_judge(outbox: list, name: str | None = "Ada") -> AppTest:
    app = AppTest.from_function(judge, args=(outbox, name), default_timeout=30).run()
    assert not app.exception
    return app


def test_a_flag_is_stored_once_however_often_it_is_sent(store):
    outbox = [entry()]
    app = run_judge(outbox)
    assert [toast.value for toast in app.toast] == ["Saved"]
    assert app.session_state["data"]["mine"] == {"f0-01": "irrelevant"}
    assert app.session_state["data"]["settled"] == [outbox[0]["client_id"]]
    app.run()
    run_judge(outbox)
    assert len(store.log()) == 1


def test_taking_a_flag_back_leaves_no_verdict_and_both_rows(store):
    app = run_judge([entry(), entry(verdict="withdrawn")])
    assert app.session_state["data"]["mine"] == {}
    assert len(store.log()) == 2


def test_without_a_name_nothing_is_stored_until_one_is_given(store):
    app = run_judge([entry()], name=None)
    assert len(store.log()) == 0
    assert app.session_state["data"]["settled"] == []
    app.text_input[0].set_value("Ada")
    app.button[0].click().run()
    assert store.log()["rater"].tolist() == ["Ada"]
    assert [toast.value for toast in app.toast] == ["Saved"]


def test_the_rest_fits_is_stored_as_implied_relevance(store):
    run_judge([entry(), entry(neighbour="f0-02", verdict="relevant", implied=True)])
    log = store.log().set_index("neighbour_id")
    assert log["verdict"].to_dict() == {"f0-01": "irrelevant", "f0-02": "relevant"}
    assert log["implied"].to_dict() == {"f0-01": False, "f0-02": True}


def test_what_cannot_be_stored_is_said_and_not_sent_again(store):
    outbox = [entry(release="r0009")]
    app = run_judge(outbox)
    assert app.toast[0].value.startswith("Not saved: a new release was published")
    assert app.session_state["data"]["settled"] == [outbox[0]["client_id"]]
    assert len(store.log()) == 0


def test_the_sentence_counts_pairs_once_and_names_every_arm(store):
    run_judge([entry(), entry(neighbour="f0-02")], name="Bo")
    app = run_judge([entry(neighbour="f0-02"), entry(neighbour="f0-03", verdict="relevant")])
    assert app.text[0].value == "You and others judged 3 of these: Behaviour 2 of 2 irrelevant, Longtail 1 of 2."
    assert app.session_state["data"]["others"] == {"f0-01": "1 × irrelevant", "f0-02": "1 × irrelevant"}


def test_where_nothing_is_judged_there_is_no_sentence(tiny):
    assert run_judge([]).text[0].value == ""
