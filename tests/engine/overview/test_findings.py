"""Everything Today says of a release, on a shop whose lists are known."""

from __future__ import annotations

import uuid

import numpy as np
import pandas as pd
import pytest

from engine.core.workspace import Workspace
from engine.curation import queue
from engine.curation.campaigns import Plan, campaign, create_campaign
from engine.curation.decisions import judge as judge_card
from engine.curation.judgements import JudgementStore
from engine.curation.pools import Pool, pool_of_release
from engine.curation.votes import Vote
from engine.overview.findings import flagged_lists, look_at_catalogue, look_at_judgements, replaced_lists
from engine.recommend.recommender import Recommender
from tests.support.tiny_release import TinyRelease, build_tiny_release


@pytest.fixture(scope="module")
def tiny(tmp_path_factory) -> TinyRelease:
    return build_tiny_release(Workspace(tmp_path_factory.mktemp("tiny") / "shop"))


@pytest.fixture(scope="module")
def release(tiny) -> Recommender:
    return Recommender.open(tiny.workspace)


def said(*pairs: tuple[int, int, float]) -> pd.DataFrame:
    return pd.DataFrame(pairs, columns=["anchor", "neighbour", "bad"]).astype({"anchor": "int64", "neighbour": "int64"})


def test_hubs_and_orphans_are_those_of_the_lists_one_can_look_up(release):
    found = look_at_catalogue(release, k=5)
    lists = release.neighbours_all("hybrid", 5)
    counted = lists["neighbour_id"].value_counts().reindex(release.items["item_id"], fill_value=0)
    assert found.on_lists.tolist() == counted.tolist()
    assert set(found.orphans) == set(np.flatnonzero(counted == 0))
    behaviour = release.neighbours_all("als", 5)["neighbour_id"].nunique()
    assert found.behaviour_orphans == len(release.items) - behaviour


def test_what_is_missing_is_named(release):
    gaps = {gap.part: gap for gap in look_at_catalogue(release).gaps}
    without = release.items["image"].isna().to_numpy()
    assert set(gaps["image"].rows) == set(np.flatnonzero(without))
    assert gaps["image"].gain is None  # the tiny shop's training compares nothing


def test_a_list_is_bad_where_three_of_ten_neighbours_are_called_irrelevant():
    counts = np.array([1, 50, 9, 0])
    shown = np.array([[1, 2, 3], [0, 2, 3], [0, 1, 3], [-1, -1, -1]])
    # of 1's three neighbours half of one is irrelevant: its raters disagree; 3 shows nothing any more
    bad = said((0, 1, 1.0), (1, 0, 0.5), (2, 0, 1.0), (2, 1, 0.0), (3, 0, 1.0))
    assert flagged_lists(bad, counts, shown).tolist() == [2, 0]
    assert flagged_lists(said(), counts, shown).tolist() == []


def test_what_took_the_place_of_much_that_was_ruled_out_waits_until_it_is_judged():
    counts = np.array([1, 50, 9])
    before = np.array([[1, 2, 3], [0, 2, 3], [0, 1, 3]])
    shown = np.array([[2, 3, 4], [3, 4, 5], [0, 1, 3]])
    assert replaced_lists(said((0, 2, 0.0)), counts, before, shown).tolist() == [1, 0]
    judged = said((1, 3, 0.0), (1, 4, 0.0), (1, 5, 1.0))
    assert replaced_lists(judged, counts, before, shown).tolist() == [0]
    assert replaced_lists(said(), counts, before, before).tolist() == []


def test_judged_lists_say_how_far_they_can_be_trusted(tiny, release, store: JudgementStore, judge):
    anchors = [item for item, count in tiny.counts.items() if count > 0][:12]
    for anchor in anchors:
        shown = [one.item_id for one in release.neighbours(anchor, "hybrid", 5)]
        store.add([judge(anchor, other, "relevant", release_id=release.release_id) for other in shown])
    found = look_at_judgements(store, release, tiny.workspace, k=5)
    hybrid = [one for one in found.trust if one.arm == "hybrid"]
    assert sum(one.judged for one in hybrid) == 12
    assert {one.share for one in hybrid if one.source == "lists"} == {1.0}
    assert (found.judgements, found.samples, len(found.worst)) == (60, False, 0)


def test_a_bad_list_is_bad_until_what_is_irrelevant_is_ruled_out_and_then_waits_for_judgement(
    tiny, release, store, judge
):
    shown = [one.item_id for one in release.neighbours("f1-02", "hybrid", 20)]
    store.add([judge("f1-02", other, "irrelevant", release_id=release.release_id) for other in shown[:3]])
    row = [release.row("f1-02")]
    found = look_at_judgements(store, release, tiny.workspace)
    assert (found.worst.tolist(), found.replaced.tolist(), found.disputes) == (row, [], 0)
    ruled_out = {"f1-02": frozenset(shown[:3]), "gone": frozenset(shown)}
    found = look_at_judgements(store, release, tiny.workspace, ruled_out=ruled_out)
    assert (found.worst.tolist(), found.replaced.tolist()) == ([], row)
    store.add([judge("f1-02", other, "relevant", release_id=release.release_id) for other in shown[3:13]])
    found = look_at_judgements(store, release, tiny.workspace, ruled_out=ruled_out)
    assert (found.worst.tolist(), found.replaced.tolist()) == ([], [])


def test_without_judgements_nothing_is_claimed(tiny, release, store: JudgementStore):
    found = look_at_judgements(store, release, tiny.workspace)
    assert (found.judgements, len(found.worst), found.disputes) == (0, 0, 0)
    assert not [one for one in found.trust if one.source in ("lists", "cards")]


def test_cards_of_the_release_speak_where_no_list_was_judged_whole_and_disputes_are_counted(tiny, release, store):
    database, now, rng = store.database, 1_800_000_000.0, np.random.default_rng(0)
    made = campaign(database, create_campaign(database, release, Plan("Drawn", target=12, second_share=1.0)))

    def pool(anchor: str) -> Pool:
        return pool_of_release(release.release_id, release.arms_returning(anchor, 10), made.arms)

    def judge_some(rater: str, verdict: str) -> int:
        with database.transaction() as session:
            cards = queue.draw(session, made, rater, 3, pool, now=now, rng=rng, size=30)
            for card in cards:
                votes = [
                    Vote(client_id=str(uuid.uuid4()), neighbour_id=one, verdict=verdict) for one in card.neighbour_ids
                ]
                judge_card(session, card.id, rater, votes, now=now)
        return len(cards)

    while judge_some("Ann", "relevant"):
        pass
    assert judge_some("Bo", "irrelevant") == 3  # of what Ann has judged
    found = look_at_judgements(store, release, tiny.workspace)
    votes = store.current()
    both = votes.groupby(["anchor_id", "neighbour_id"])["rater"].nunique()
    assert found.disputes == int((both == 2).sum()) > 0
    assert {release.items["item_id"].iloc[row] for row in found.disputed} == {
        anchor for anchor, _ in both[both == 2].index
    }
    assert {one.source for one in found.trust} & {"cards"} == {"cards"}
    assert "lists" not in {one.source for one in found.trust}
