"""The Irrelevance page: alive with samples, honest about what it leaves out, useful when empty."""

from __future__ import annotations

import io
import json
import re
import uuid
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from engine.arms.registry import title_of
from engine.cli.main import main
from engine.core.workspace import Workspace
from engine.curation import queue
from engine.curation.campaigns import Plan, campaign, create_campaign
from engine.curation.decisions import judge
from engine.curation.evidence import evidence_pack
from engine.curation.judgements import JudgementStore
from engine.curation.pools import Pool, joined, pool_of_release
from engine.curation.samples import store_sample_judgements
from engine.curation.votes import Judgement, Source, Vote, judgement_in_release
from engine.recommend.recommender import Recommender
from engine.store import Database
from tests.support.dashboard import open_shell
from tests.support.tiny_release import build_tiny_release


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    return build_tiny_release(Workspace(tmp_path_factory.mktemp("tiny")), 72, demo=True)


@pytest.fixture
def tiny(built, tmp_path, monkeypatch):
    """One release for all tests, but judgements of its own for each."""
    monkeypatch.setenv("LONGTAIL_WORKSPACE", str(built.workspace.root))
    monkeypatch.setenv("LONGTAIL_DATABASE_URL", f"sqlite:///{tmp_path}/longtail.db")
    st.cache_resource.clear()  # settings are read again only when their file changes
    yield built
    st.cache_resource.clear()


@pytest.fixture
def store(tiny, tmp_path):
    return JudgementStore(Database(f"sqlite:///{tmp_path}/longtail.db"))


@pytest.fixture
def recommender(tiny):
    return Recommender.open(tiny.workspace)


@pytest.fixture
def sampled(tiny, store, recommender):
    return store_sample_judgements(store, recommender, tiny.families, seed=0)


def script() -> None:
    from pages.irrelevance import page
    from ui.app import notices

    notices.show()
    page()


def opened(**query: str) -> AppTest:
    app = AppTest.from_function(script, default_timeout=60)
    for name, value in query.items():
        app.query_params[name] = value
    app.run()
    assert not app.exception
    return app


def chart(app: AppTest) -> dict:
    """The Vega-Lite specification that the browser gets, with its data."""
    (element,) = app.get("vega_lite_chart")
    return json.loads(element.proto.spec)


def flag(recommender, anchor: str, neighbour: str, verdict: str = "irrelevant", rater: str = "Ann") -> Judgement:
    vote = Vote(client_id=str(uuid.uuid4()), neighbour_id=neighbour, verdict=verdict)
    return judgement_in_release(vote, recommender, anchor, rater=rater, source=Source.SIMILAR_ITEMS, k=10)


def words(app: AppTest) -> str:
    return "\n".join(
        element.value for kind in (app.title, app.subheader, app.markdown, app.caption) for element in kind
    )


def test_before_anything_is_judged_there_are_axes_and_a_way_to_start(tiny):
    app = opened()
    assert app.subheader[0].value == "No list fully reviewed yet"
    labels = chart(app)["layer"][1]["encoding"]["x"]["scale"]["domain"]
    assert labels == ["0", "1", "2", "3–4", "5–8", "9–16", "17–32"]
    assert [button.label for button in app.button] == ["Start judging"]
    assert "Nothing judged yet" in words(app)
    assert not app.dataframe


def test_with_samples_the_title_says_what_the_chart_shows(sampled):
    app = opened()
    assert re.search("clicks.*, behaviour shows mostly irrelevant products; Longtail [0-9]%", app.subheader[0].value)
    table = app.dataframe[0].value
    assert set(table["arm"]) == {"Longtail", "Behaviour"}
    assert table["rate"].between(table["low"], table["high"]).all()


def test_sample_judgements_are_named_and_one_click_removes_them(sampled, store):
    app = open_shell("irrelevance")
    assert f"**{sampled} sample judgements** by “Demo curator”" in words(app)
    next(button for button in app.button if button.label == "Remove sample judgements").click().run()
    assert store.has_demo()  # it asks first
    app.button(key="question_yes").click().run()
    assert not app.exception
    assert not store.has_demo()
    assert app.toast[0].value == f"{sampled} sample judgements removed"
    assert "sample" not in words(app)
    assert app.subheader[0].value == "No list fully reviewed yet"


def test_flags_on_lists_that_are_not_finished_are_said_and_left_out(tiny, store, recommender):
    anchor = tiny.with_clicks(20)
    first, second, *_ = recommender.neighbours(anchor, "hybrid")
    store.add([flag(recommender, anchor, first.item_id), flag(recommender, anchor, second.item_id)])
    app = opened()
    assert "**2 flags on 1 unfinished list.**" in words(app)
    assert not app.dataframe
    assert any(button.label.endswith("(2)") for button in app.button)
    other = tiny.with_clicks(0)
    store.add([flag(recommender, other, recommender.neighbours(other, "hybrid")[0].item_id)])
    assert "**3 flags on 2 unfinished lists.**" in words(app.run())


def test_a_title_is_never_taken_for_markup(tiny, store, recommender):
    anchor = "f0-00"
    store.add([flag(recommender, anchor, recommender.neighbours(anchor, "hybrid")[0].item_id)])
    (label,) = (button.label for button in opened().button if button.label.endswith("(1)"))
    assert label == r'\<b\>Bold\</b\> \& "quoted" dress (1)'


def test_a_finished_list_changes_the_chart_at_once(tiny, store, recommender):
    anchor = tiny.with_clicks(20)
    app = opened()
    neighbours = recommender.neighbours(anchor, "hybrid")
    store.add([flag(recommender, anchor, neighbours[0].item_id)])
    assert not app.run().dataframe
    store.add([flag(recommender, anchor, neighbour.item_id, "relevant") for neighbour in neighbours[1:]])
    table = app.run().dataframe[0].value
    longtail = table[table["arm"] == "Longtail"]
    assert longtail[["bin_label", "rate", "judged", "anchors"]].values.tolist() == [["17–32", 10.0, 10, 1]]
    assert "unfinished" not in words(app)


def test_the_lists_to_draw_can_be_chosen_and_stand_in_the_address(sampled):
    app = opened(list="hybrid")
    assert set(app.dataframe[0].value["arm"]) == {"Longtail"}
    assert app.subheader[0].value.startswith("Longtail shows ")


def test_table_and_chart_can_be_taken_away(sampled):
    app = opened()
    labels = [button.proto.label for button in app.get("download_button")]
    assert labels == ["PNG", "SVG", "CSV"]


def review(tiny, store, recommender, rater: str, *, bad: set[str]) -> None:
    """Judge all that any arm returns for a few products, as cards of the Review page do."""
    for clicks in (0, 3, 20):
        anchor = tiny.with_clicks(clicks)
        store.add(
            replace(
                flag(recommender, anchor, neighbour, "irrelevant" if bad & set(arms) else "relevant", rater),
                source="review",
                implied=not bad & set(arms),
                reason="wrong_style" if bad & set(arms) else None,
            )
            for neighbour, arms in list(recommender.arms_returning(anchor).items())[::2]
        )


def test_review_cards_count_though_no_list_is_finished(tiny, store, recommender):
    review(tiny, store, recommender, "Ann", bad={"als"})
    app = opened()
    assert "from Review cards only" in words(app)
    assert "unfinished" not in words(app)
    flags = int((store.current()["verdict"] == "irrelevant").sum())
    assert f"Reasons given for {flags} flags: wrong style {flags}." in words(app)
    table = app.dataframe[0].value
    assert set(table.loc[table["arm"] == "Behaviour", "rate"]) == {100.0}
    assert (table.loc[table["arm"] == "Longtail", "judged"] < 10).all()


def test_cards_and_whole_lists_are_never_mixed_and_can_be_chosen(tiny, store, recommender, sampled):
    review(tiny, store, recommender, "Ann", bad={"als"})
    lists, cards = opened(), opened(judged="cards")
    assert "from Review cards" not in words(lists)
    assert "from Review cards" in words(cards)
    assert lists.dataframe[0].value["anchors"].sum() != cards.dataframe[0].value["anchors"].sum()
    assert "sample judgements" in words(lists)
    assert "sample judgements" not in words(cards)


def test_judgements_can_be_narrowed_to_one_rater(tiny, store, recommender):
    review(tiny, store, recommender, "Ann", bad={"als"})
    review(tiny, store, recommender, "Bo", bad=set())
    both, bo = opened().dataframe[0].value, opened(by="Bo").dataframe[0].value
    behaviour = [table.loc[table["arm"] == "Behaviour", "rate"] for table in (both, bo)]
    assert set(behaviour[0]) == {50.0}
    assert set(behaviour[1]) == {0.0}


def test_two_releases_on_the_same_cards_are_compared(tmp_path, monkeypatch):
    workspace = Workspace(tmp_path / "two")
    build_tiny_release(workspace, 72)
    build_tiny_release(workspace, 72, seed=7)
    monkeypatch.setenv("LONGTAIL_WORKSPACE", str(workspace.root))
    st.cache_resource.clear()
    older, newer = (Recommender.open(workspace, name) for name in ("r0001", "r0002"))
    store = JudgementStore(Database(workspace.database_url))
    made = create_campaign(store.database, newer, Plan("Both", target=12, second_share=0.0, other_release_id="r0001"))
    both, now = campaign(store.database, made), 1_800_000_000.0

    def pool(anchor):
        return joined(
            (
                pool_of_release(facade.release_id, facade.arms_returning(anchor, 10), both.arms)
                for facade in (newer, older)
            ),
            shown=lambda _item_id: True,
        )

    rng = np.random.default_rng(0)
    while True:
        with store.database.transaction() as session:
            cards = queue.draw(session, both, "Ann", 5, pool, now=now, rng=rng)
        if not cards:
            break
        for card in cards:
            # What only the older release returns is irrelevant.
            where = pool(card.anchor_id).ranks
            said = [
                Vote(
                    client_id=str(uuid.uuid4()), neighbour_id=name,
                    verdict="relevant" if "r0002" in where[name] else "irrelevant",
                )
                for name in card.neighbour_ids
            ]  # fmt: skip
            with store.database.transaction() as session:
                judge(session, card.id, "Ann", said, now=now, seconds=3.0)
            now += 1
    app = opened(judged="cards", campaign=made)
    said = words(app)
    assert "Longtail's lists of Release 2 and Release 1 cannot be told apart yet" in said
    rates = app.dataframe[0].value.set_index("arm")["rate"]
    assert (rates == 0).all()
    old = opened(judged="cards", campaign=made, of="r0001").dataframe[0].value
    assert (old.loc[old["arm"] == "Behaviour", "rate"] > 0).any()
    st.cache_resource.clear()


def exported(workspace: Workspace, out: Path) -> pd.DataFrame:
    assert main(["--workspace", str(workspace.root), "export", "irrelevance", "--out", str(out)]) == 0
    return pd.read_parquet(out)


def judge_cards(store: JudgementStore, recommender: Recommender, campaign_id: str, bad: str, seed: int = 0) -> None:
    """Judge a campaign to its end: what this arm returns is irrelevant."""
    one, rng, now = campaign(store.database, campaign_id), np.random.default_rng(seed), 1_800_000_000.0

    def pool(anchor: str) -> Pool:
        returned = recommender.arms_returning(anchor, 10)
        return pool_of_release(recommender.release_id, returned, one.arms)

    while True:
        with store.database.transaction() as session:
            cards = queue.draw(session, one, "Ann", 5, pool, now=now, rng=rng)
        if not cards:
            return
        for card in cards:
            where = recommender.arms_returning(card.anchor_id)
            said = [
                Vote(
                    client_id=str(uuid.uuid4()),
                    neighbour_id=name,
                    verdict="irrelevant" if bad in where[name] else "relevant",
                )
                for name in card.neighbour_ids
            ]
            with store.database.transaction() as session:
                judge(session, card.id, "Ann", said, now=now, seconds=3.0)
            now += 1


def test_page_and_export_give_the_same_numbers_and_mix_nothing(tiny, store, recommender, sampled, tmp_path):
    drawn = create_campaign(store.database, recommender, Plan("Drawn", target=6, second_share=0.0))
    chosen = create_campaign(
        store.database, recommender, Plan("Chosen", chosen=[tiny.with_clicks(0), tiny.with_clicks(20)], how="a test")
    )
    judge_cards(store, recommender, drawn, "als", seed=1)
    judge_cards(store, recommender, chosen, "hybrid", seed=2)
    table = exported(tiny.workspace, tmp_path / "rates.parquet")
    assert set(zip(table["basis"], table["campaign"], strict=True)) == {
        ("lists", ""), ("cards", "Drawn"), ("cards", "Chosen"),
    }  # fmt: skip
    every = ["als", "content", "hybrid", "predicted"]
    columns = ["bin_label", "rate", "low", "high", "judged", "unsure", "anchors"]
    pages = {"": {}, "Drawn": {"judged": "cards", "campaign": drawn}, "Chosen": {"judged": "cards", "campaign": chosen}}
    for name, address in pages.items():
        shown = opened(list=every, **address).dataframe[0].value
        same = table[table["campaign"] == name]
        assert len(same) == len(shown) > 0
        by_arm = {title_of(arm): group[columns] for arm, group in same.groupby("arm")}
        for arm, group in shown.groupby("arm"):
            expected = by_arm[arm].assign(**{one: 100 * by_arm[arm][one] for one in ("rate", "low", "high")})
            pd.testing.assert_frame_equal(
                group[columns].reset_index(drop=True), expected.reset_index(drop=True), check_dtype=False
            )


def test_the_evidence_pack_of_chosen_products_holds_what_the_page_shows(tiny, store, recommender, tmp_path):
    chosen = create_campaign(store.database, recommender, Plan("Chosen", chosen=[tiny.with_clicks(20)], how="a test"))
    judge_cards(store, recommender, chosen, "als")
    pack = io.BytesIO(evidence_pack(store, campaign(store.database, chosen), tiny.workspace, k=10, seed=0))
    with zipfile.ZipFile(pack) as opened_pack, opened_pack.open("rates.csv") as file:
        published = pd.read_csv(file).set_index("arm")["rate"]
    shown = opened(judged="cards", campaign=chosen).dataframe[0].value.set_index("arm")["rate"]
    assert shown["Behaviour"] == 100 * published["als"] == 100
    assert shown["Longtail"] == 100 * published["hybrid"]
