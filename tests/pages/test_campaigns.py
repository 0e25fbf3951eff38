"""The Campaigns page, and the Irrelevance page of a campaign's cards, on a campaign that two people judged."""

from __future__ import annotations

import uuid

import numpy as np
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from engine.core.exports import FORMATS
from engine.core.workspace import Workspace
from engine.curation import queue
from engine.curation.campaigns import Plan, campaign, campaigns, create_campaign
from engine.curation.decisions import judge
from engine.curation.judgements import JudgementStore
from engine.curation.pools import pool_of_release
from engine.curation.votes import Vote
from engine.recommend.recommender import Recommender
from engine.store import Database
from tests.support.tiny_release import build_tiny_release


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    return build_tiny_release(Workspace(tmp_path_factory.mktemp("campaigns")), 72)


@pytest.fixture
def store(built, tmp_path, monkeypatch):
    monkeypatch.setenv("LONGTAIL_WORKSPACE", str(built.workspace.root))
    monkeypatch.setenv("LONGTAIL_DATABASE_URL", f"sqlite:///{tmp_path}/longtail.db")
    st.cache_resource.clear()
    yield JudgementStore(Database(f"sqlite:///{tmp_path}/longtail.db"))
    st.cache_resource.clear()


@pytest.fixture
def judged(built, store):
    """Behaviour's neighbours are irrelevant; Bo, who gives the second opinions, finds that one in ten of them fits."""
    facade = Recommender.open(built.workspace)
    spring = campaign(
        store.database, create_campaign(store.database, facade, Plan("Spring", target=5, second_share=1.0))
    )
    rng, now = np.random.default_rng(0), 1_800_000_000.0

    def pool(anchor):
        return pool_of_release(facade.release_id, facade.arms_returning(anchor, 10), spring.arms)

    for rater in ("Ann", "Bo"):
        while True:
            with store.database.transaction() as session:
                cards = queue.draw(session, spring, rater, 5, pool, now=now, rng=rng)
            if not cards:
                break
            for card in cards:
                bad = {name: "als" in releases["r0001"] for name, releases in pool(card.anchor_id).ranks.items()}
                said = [
                    Vote(
                        client_id=str(uuid.uuid4()), neighbour_id=name, implied=place > 4,
                        verdict="irrelevant" if bad[name] and not (rater == "Bo" and place == 0) else "relevant",
                    )
                    for place, name in enumerate(card.neighbour_ids)
                ]  # fmt: skip
                with store.database.transaction() as session:
                    judge(session, card.id, rater, said, now=now, seconds=4.0)
                now += 5
    return spring


def campaigns_script() -> None:
    from pages.campaigns import page
    from ui.app import notices

    notices.show()
    page()


def irrelevance_script() -> None:
    from pages.irrelevance import page

    page()


def opened(script, **query: str) -> AppTest:
    app = AppTest.from_function(script, default_timeout=60)
    app.session_state["curator_name"] = "Lea"
    for field, value in query.items():
        app.query_params[field] = value
    app.run()
    assert not app.exception, app.exception
    return app


def words(app: AppTest) -> str:
    return "\n".join(one.value for kind in (app.markdown, app.caption, app.subheader) for one in kind)


def test_everyday_is_there_before_anybody_made_a_campaign(store):
    app = opened(campaigns_script)
    assert app.selectbox[0].options == ["Everyday, release 1"]
    assert "Two people have judged 0 pairs" in words(app)


def test_a_campaign_is_made_on_the_page_and_one_without_a_name_is_not(store):
    app = opened(campaigns_script)
    app.button[0].click().run()
    assert "give the campaign a name" in app.error[0].value
    app.text_input[0].set_value("Autumn")
    app.button[0].click().run()
    assert not app.exception
    assert "Autumn" in {one.name for one in campaigns(store.database)}


def test_agreement_disputes_and_files_of_a_judged_campaign(store, judged):
    app = opened(campaigns_script, campaign=judged.id)
    text = words(app)
    assert "People agree" in text
    assert "Gwet's AC1" in text
    before = len(store.log())
    (button,) = [one for one in app.button if one.label == "Irrelevant"]
    disputes = [line for line in text.splitlines() if "on which people disagree" in line]
    assert len(disputes) == 1
    button.click().run()
    assert not app.exception
    log = store.log()
    assert len(log) == before + 1
    assert log["source"].iloc[-1] == "adjudication"
    assert [one for one in words(app).splitlines() if "on which people disagree" in one] != disputes
    assert {one.proto.label for one in app.get("download_button")} == {
        *(one.name for one in FORMATS), "TREC qrels", "Evidence pack",
    }  # fmt: skip


def test_who_is_no_lead_sees_no_disputes_and_nobodys_steadiness(store, judged, monkeypatch):
    monkeypatch.setenv("LONGTAIL_AUTH__OPEN_ROLE", "merchandiser")
    st.cache_resource.clear()
    app = opened(campaigns_script, campaign=judged.id)
    assert "disagree" not in words(app)
    assert not app.expander


def test_the_irrelevance_page_gives_the_campaigns_rates_with_what_they_mean(store, judged):
    app = opened(irrelevance_script)
    text = words(app)
    assert "Spring: drawn at random, 5 products from each group." in text
    assert "Irrelevant across all judged products:" in text
    assert "Share of what Release 1 shows beside these products that is already judged" in text
    only = opened(irrelevance_script, said="said")
    assert words(only) != text
