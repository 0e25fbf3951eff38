"""Sample judgements: true to the families, complete, marked, and removed in one call."""

from __future__ import annotations

import pytest

from engine.curation import samples
from engine.curation.rates.irrelevance import count_bins, irrelevance_by_count
from engine.curation.samples import DEMO_RATER, store_sample_judgements

ON_BOTH_DATABASES = True


@pytest.fixture
def sampled(store, recommender, families):
    return store_sample_judgements(store, recommender, families, seed=0)


def test_as_many_are_stored_as_it_says_all_marked_as_samples(store, sampled):
    current = store.current()
    assert len(current) == sampled >= 200
    assert set(current["rater"]) == {DEMO_RATER}
    assert set(current["source"]) == {"demo"}
    assert not current["implied"].any()
    assert set(current["verdict"]) == {"irrelevant", "relevant"}


def test_every_level_of_traffic_has_its_products(store, sampled, recommender):
    there = count_bins(recommender.items["interaction_count"].to_numpy())
    judged = store.current().drop_duplicates("anchor_id")
    found = count_bins(judged["anchor_count"].to_numpy())
    for number in set(there):
        assert (found == number).sum() == min(samples.ANCHORS_PER_BIN, (there == number).sum())


def test_arms_and_ranks_are_those_that_really_returned_the_pair(store, sampled, recommender):
    for anchor, places in store.appearances().groupby("anchor_id"):
        recorded: dict[str, dict[str, int]] = {}
        for row in places.itertuples():
            recorded.setdefault(row.neighbour_id, {})[row.arm] = row.rank
        returned = recommender.arms_returning(anchor, samples.K)
        assert recorded == {pair: arms for pair, arms in returned.items() if {"als", "hybrid"} & set(arms)}


def test_verdicts_follow_the_families(store, recommender, families, monkeypatch):
    monkeypatch.setattr(samples, "SLIP_SHARE", 0.0)
    store_sample_judgements(store, recommender, families, seed=0)
    for row in store.current().itertuples():
        same = families[row.anchor_id] == families[row.neighbour_id]
        assert row.verdict == ("relevant" if same else "irrelevant")


def test_a_few_verdicts_slip_as_peoples_do(store, sampled, families):
    current = store.current()
    differ = current["anchor_id"].map(families) != current["neighbour_id"].map(families)
    slips = (differ != (current["verdict"] == "irrelevant")).mean()
    assert 0 < slips < 0.08


def test_their_lists_are_finished_and_show_behaviour_failing_where_there_is_little_of_it(store, sampled, recommender):
    table = irrelevance_by_count(store.current(), store.appearances())
    rate = table.set_index(["arm", "bin_low"])["rate"]
    # Behaviour was planted as noise below 3 clicks: about 5 in 6 neighbours come from another of the 6 families.
    assert rate["als", 1] > 0.6
    # Of a family of 12, five have the 3 clicks that make sense of it: six of ten neighbours cannot be right.
    assert rate["als", 17] < 0.8 * rate["als", 1]
    assert rate["hybrid"].max() < 0.25
    anchors = table.groupby("arm")["anchors"].sum()
    judged = store.current().drop_duplicates("anchor_id")
    assert anchors["hybrid"] == len(judged)
    assert anchors["als"] == (judged["anchor_count"] > 0).sum()


def test_a_second_call_stores_nothing_and_another_release_is_judged_anew(store, sampled, recommender, families):
    assert store_sample_judgements(store, recommender, families, seed=0) == 0
    assert store_sample_judgements(store, recommender, families, seed=1) > 0


def test_products_without_a_known_family_are_left_alone(store, recommender, families):
    some = {item: family for item, family in families.items() if family != 0}
    store_sample_judgements(store, recommender, some, seed=0)
    current = store.current()
    assert set(current["anchor_id"]) | set(current["neighbour_id"]) <= set(some)


def test_one_call_removes_them_and_leaves_what_people_said(store, judge, sampled):
    store.add([judge()])
    assert store.remove_demo() == sampled
    assert store.current()["rater"].tolist() == ["Ann"]
    assert len(store.appearances()) == 1
