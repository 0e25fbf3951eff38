"""Irrelevance rates: which judgements count, where, and how sure the rate is."""

from __future__ import annotations

import time

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from engine.curation.rates import irrelevance
from engine.curation.rates.irrelevance import (
    bins_up_to,
    current_lists,
    irrelevance_by_count,
    judge_next,
    open_flags,
)

ON_BOTH_DATABASES = True

K = 4
LETTERS = {"i": "irrelevant", "r": "relevant", "u": "unsure"}


def rated(store, k=K, **options):
    return irrelevance_by_count(store.current(), store.appearances(), k=k, **options)


def add_list(store, judge, anchor, verdicts, arm="als", **changes):
    """Judge a list from its first place on: "iir." is two irrelevant, one relevant, the fourth not judged."""
    store.add(
        judge(anchor, f"{anchor}-{rank}", LETTERS[letter], ranks={arm: rank}, **changes)
        for rank, letter in enumerate(verdicts, start=1)
        if letter != "."
    )


class TestWhatCounts:
    def test_no_judgements_give_an_empty_table_with_all_columns(self, store):
        table = rated(store)
        assert list(table.columns) == list(irrelevance.TABLE_COLUMNS)
        assert len(table) == 0
        assert len(open_flags(store.current(), store.appearances(), k=K)) == 0

    def test_the_rate_is_the_share_of_judged_pairs_that_are_irrelevant(self, store, judge):
        add_list(store, judge, "a", "iirr", anchor_count=7)
        add_list(store, judge, "b", "irrr", anchor_count=5)
        (row,) = rated(store).to_dict("records")
        assert {name: row[name] for name in ("arm", "bin_low", "bin_high", "bin_label")} == {
            "arm": "als",
            "bin_low": 5,
            "bin_high": 8,
            "bin_label": "5–8",
        }
        assert (row["rate"], row["judged"], row["unsure"], row["anchors"]) == (3 / 8, 8, 0, 2)

    @pytest.mark.parametrize("verdicts", ["ii..", "iii.", ".rrr"])
    def test_a_list_that_is_not_judged_to_its_end_counts_nowhere(self, store, judge, verdicts):
        add_list(store, judge, "a", verdicts)
        assert len(rated(store)) == 0

    def test_without_complete_only_what_is_judged_counts(self, store, judge):
        add_list(store, judge, "a", "ii..")
        assert rated(store, complete_only=False)[["rate", "judged"]].values.tolist() == [[1.0, 2]]

    def test_saying_that_the_rest_fits_finishes_the_list(self, store, judge):
        add_list(store, judge, "a", ".i..")
        add_list(store, judge, "a", "r.rr", implied=True)
        assert rated(store)["rate"].tolist() == [0.25]

    def test_a_flag_taken_back_opens_the_list_again(self, store, judge):
        add_list(store, judge, "a", "iirr")
        store.add([judge("a", "a-1", "withdrawn", ranks={"als": 1})])
        assert len(rated(store)) == 0

    def test_places_below_k_neither_count_nor_keep_a_list_open(self, store, judge):
        add_list(store, judge, "a", "rrrri")
        assert rated(store)[["rate", "judged"]].values.tolist() == [[0.0, 4]]

    def test_one_judgement_counts_for_every_arm_that_returned_the_pair(self, store, judge):
        for rank, verdict in enumerate(("irrelevant", "irrelevant", "relevant", "relevant"), start=1):
            store.add([judge("a", f"n{rank}", verdict, ranks={"als": rank, "hybrid": 5 - rank})])
        assert rated(store).set_index("arm")["rate"].to_dict() == {"als": 0.5, "hybrid": 0.5}

    def test_an_arm_whose_list_is_finished_counts_though_anothers_is_not(self, store, judge):
        add_list(store, judge, "a", "iiii", arm="hybrid")
        store.add([judge("a", "other", "irrelevant", ranks={"als": 1})])
        assert rated(store)["arm"].tolist() == ["hybrid"]

    def test_a_pair_counts_as_the_mean_of_its_raters_latest_votes(self, store, judge):
        add_list(store, judge, "a", "irrr", rater="Ann")
        add_list(store, judge, "a", "i...", rater="Ben")
        add_list(store, judge, "a", "r...", rater="Ben")
        assert rated(store)["rate"].tolist() == [0.5 / 4]

    def test_raters_may_finish_a_list_together(self, store, judge):
        add_list(store, judge, "a", "ii..", rater="Ann")
        add_list(store, judge, "a", "..rr", rater="Ben")
        assert rated(store)["rate"].tolist() == [0.5]

    def test_unsure_is_counted_but_in_no_rate_and_keeps_no_list_open(self, store, judge):
        add_list(store, judge, "a", "iuur")
        assert rated(store)[["rate", "judged", "unsure"]].values.tolist() == [[0.5, 2, 2]]

    def test_where_one_rater_is_unsure_the_others_vote_stands(self, store, judge):
        add_list(store, judge, "a", "urrr", rater="Ann")
        add_list(store, judge, "a", "i...", rater="Ben")
        assert rated(store)[["rate", "judged", "unsure"]].values.tolist() == [[0.25, 4, 0]]

    def test_where_nobody_is_sure_of_anything_there_is_no_rate(self, store, judge):
        add_list(store, judge, "a", "uuuu")
        table = rated(store)
        assert table[["rate", "low", "high"]].isna().all(axis=None)
        assert table[["judged", "unsure", "anchors"]].values.tolist() == [[0, 4, 1]]

    def test_lists_of_two_releases_do_not_make_one_finished_list(self, store, judge):
        add_list(store, judge, "a", "ii..", release_id="r1")
        add_list(store, judge, "a", "..ii", release_id="r2")
        assert len(rated(store)) == 0

    def test_the_newest_finished_list_stands_for_the_anchor(self, store, judge):
        add_list(store, judge, "a", "iiii", release_id="r9", anchor_count=1)
        for rank in range(1, 5):
            store.add([judge("a", f"new-{rank}", "relevant", ranks={"als": rank}, release_id="r10", anchor_count=2)])
        add_list(store, judge, "a", "i...", release_id="r11", anchor_count=3)
        assert rated(store)[["bin_label", "rate", "anchors"]].values.tolist() == [["2", 0.0, 1]]


class TestOpenFlags:
    def test_flags_on_unfinished_lists_are_counted_by_product(self, store, judge):
        add_list(store, judge, "a", "i..r")
        add_list(store, judge, "b", "ii..")
        add_list(store, judge, "b", "i...", rater="Ben")
        add_list(store, judge, "c", "irrr")
        flags = open_flags(store.current(), store.appearances(), k=K)
        assert flags.values.tolist() == [["b", 2], ["a", 1]]

    def test_a_flag_that_counts_for_one_arm_is_not_left_out(self, store, judge):
        store.add([judge("a", "n", "irrelevant", ranks={"als": 1, "hybrid": 1})])
        add_list(store, judge, "a", ".rrr", arm="hybrid")
        assert rated(store)["arm"].tolist() == ["hybrid"]
        assert len(open_flags(store.current(), store.appearances(), k=K)) == 0

    def test_a_flag_below_the_places_looked_at_is_left_out(self, store, judge):
        add_list(store, judge, "a", "rrrri")
        assert open_flags(store.current(), store.appearances(), k=K).values.tolist() == [["a", 1]]


class TestBins:
    @pytest.mark.parametrize(
        ("count", "low", "high", "label"),
        [
            (0, 0, 0, "0"),
            (1, 1, 1, "1"),
            (2, 2, 2, "2"),
            (3, 3, 4, "3–4"),
            (4, 3, 4, "3–4"),
            (5, 5, 8, "5–8"),
            (1024, 513, 1024, "513–1,024"),
            (1025, 1025, 2048, "1,025–2,048"),
            (2**40 + 1, 2**40 + 1, 2**41, f"{2**40 + 1:,}–{2**41:,}"),
        ],
    )
    def test_bins_double(self, count, low, high, label):
        number = int(irrelevance.count_bins(np.array([count]))[0])
        assert irrelevance.bin_bounds(number) == (low, high)
        row = irrelevance._point(
            pd.DataFrame({"arm": ["als"], "bin": [number], "bad": [1.0], "judged": [1], "pairs": [1]}), 1.0, 0
        )
        assert row[:4] == ("als", low, high, label)

    @given(st.integers(0, 2**48))
    @settings(max_examples=200, deadline=None)
    def test_every_count_lies_in_its_bin(self, count):
        low, high = irrelevance.bin_bounds(int(irrelevance.count_bins(np.array([count]))[0]))
        assert low <= count <= high

    def test_the_bins_of_a_shop_reach_its_bestseller(self):
        assert [label for _, _, label in bins_up_to(5)] == ["0", "1", "2", "3–4", "5–8"]
        assert bins_up_to(0) == [(0, 0, "0")]


class TestCurrentLists:
    def test_they_are_what_the_release_shows(self, recommender, tiny):
        anchor, cold = tiny.with_clicks(20), tiny.with_clicks(0)
        lists = current_lists(recommender, [anchor, cold, "gone", anchor], 10)
        assert set(lists["anchor_id"]) == {anchor, cold}
        for arm in recommender.arms:
            expected = [(n.item_id, n.rank) for n in recommender.neighbours(anchor, arm, 10)]
            found = lists[(lists["anchor_id"] == anchor) & (lists["arm"] == arm)].sort_values("rank")
            assert list(zip(found["neighbour_id"], found["rank"], strict=True)) == expected
        assert lists.groupby("anchor_id")["anchor_count"].first().to_dict() == {anchor: 20, cold: 0}
        assert "als" not in set(lists.loc[lists["anchor_id"] == cold, "arm"])

    def test_no_anchors_give_an_empty_table_that_fits_the_recorded_one(self, recommender, store, judge):
        store.add([judge()])
        both = pd.concat([store.appearances(), current_lists(recommender, [], 10)])
        assert both.dtypes["rank"] == both.dtypes["last_id"] == "int64"
        assert len(irrelevance_by_count(store.current(), both)) == 0

    def test_pairs_judged_under_an_earlier_release_count_where_this_one_returns_them(
        self, recommender, tiny, store, judge
    ):
        anchor = tiny.with_clicks(20)
        for place, neighbour in enumerate(recommender.neighbours(anchor, "hybrid", 10), start=1):
            verdict = "irrelevant" if place <= 3 else "relevant"
            store.add([judge(anchor, neighbour.item_id, verdict, release_id="r0000", ranks={"als": 11 - place})])
        recorded = irrelevance_by_count(store.current(), store.appearances())
        assert recorded[["arm", "rate", "bin_label"]].values.tolist() == [["als", 0.3, "3–4"]]
        seen = pd.concat([store.appearances(), current_lists(recommender, [anchor], 10)])
        now = irrelevance_by_count(store.current(), seen).set_index("arm")
        assert now.loc["hybrid", ["rate", "bin_label", "judged"]].tolist() == [0.3, "17–32", 10]

    def test_a_list_shorter_than_k_is_finished_when_all_of_it_is_judged(self, recommender, tiny, store, judge):
        anchor = tiny.with_clicks(20)
        lists = current_lists(recommender, [anchor], 1000)
        (length,) = lists.loc[lists["arm"] == "hybrid", "listed"].unique()
        assert length < 1000
        for neighbour in recommender.neighbours(anchor, "hybrid", 1000):
            store.add([judge(anchor, neighbour.item_id, "relevant", ranks={"hybrid": neighbour.rank})])
        assert len(irrelevance_by_count(store.current(), store.appearances(), k=1000)) == 0
        table = irrelevance_by_count(store.current(), lists, k=1000).set_index("arm")
        assert table.loc["hybrid", ["rate", "judged"]].tolist() == [0.0, length]


class TestJudgeNext:
    ITEMS = pd.DataFrame({"item_id": list("abcdef"), "interaction_count": [0, 0, 1, 1, 6, 7]})

    @staticmethod
    def table(*points: tuple[str, int, float]) -> pd.DataFrame:
        """arm, lowest count of the bin, width of the interval"""
        rows = [(arm, low, 0.1, 0.1 + width) for arm, low, width in points]
        return pd.DataFrame(rows, columns=["arm", "bin_low", "low", "high"])

    def test_it_is_from_the_bin_about_which_least_is_known(self):
        table = self.table(("hybrid", 0, 0.2), ("als", 1, 0.3), ("hybrid", 1, 0.1), ("als", 5, 0.4), ("hybrid", 5, 0.1))
        picked = {judge_next(table, self.ITEMS, [], np.random.default_rng(seed)) for seed in range(20)}
        assert picked == {"e", "f"}

    def test_a_bin_without_a_rate_is_known_least_but_behaviour_needs_none_without_clicks(self):
        table = self.table(("hybrid", 0, 0.2), ("hybrid", 1, 0.2), ("als", 5, 0.9), ("hybrid", 5, 0.9))
        assert judge_next(table, self.ITEMS, ["c"], np.random.default_rng(0)) == "d"

    def test_it_starts_at_the_bottom(self):
        assert judge_next(self.table(), self.ITEMS, ["a"], np.random.default_rng(0)) == "b"

    def test_what_was_an_anchor_is_not_picked_again(self):
        assert judge_next(self.table(), self.ITEMS, list("abcdef"), np.random.default_rng(0)) is None
        assert judge_next(self.table(), self.ITEMS, list("abcde"), np.random.default_rng(0)) == "f"


class TestIntervals:
    def test_it_is_never_narrower_than_jeffreys_for_what_the_anchors_are_worth(self):
        # 20 anchors with the same 3 of 10: no bootstrap over them sees any spread.
        bad, judged = np.full(20, 3.0), np.full(20, 10.0)
        for alike, trials in ((1.0, 20), (0.1, 200)):
            found = irrelevance._interval(bad, judged, alike, np.random.default_rng(0))
            assert found == pytest.approx(stats.beta(0.3 * trials + 0.5, 0.7 * trials + 0.5).ppf([0.025, 0.975]))

    def test_it_is_the_bootstraps_where_anchors_differ_more_than_the_others_of_their_arm(self):
        bad, judged = np.repeat([10.0, 0.0], [15, 15]), np.full(30, 10.0)
        low, high = irrelevance._interval(bad, judged, 0.1, np.random.default_rng(0))
        # With weights Exp(1) the mean of all-or-nothing anchors is distributed as Beta(15, 15).
        assert np.allclose([low, high], stats.beta(15, 15).ppf([0.025, 0.975]), atol=0.02)

    @pytest.mark.parametrize(
        ("verdicts", "least", "most"), [(("iiii", "rrrr"), 0.9, 1.0), (("iirr", "riri"), 0.25, 0.35)]
    )
    def test_what_an_anchor_is_worth_is_seen_from_how_alike_its_neighbours_are(self, verdicts, least, most):
        bad = np.tile([float(letters.count("i")) for letters in verdicts], 8)
        anchors = pd.DataFrame({"bin": np.repeat([1, 2], 8), "bad": bad, "judged": 4.0})
        assert least <= irrelevance._alikeness(anchors) <= most

    def test_where_almost_nothing_was_irrelevant_an_anchor_stays_worth_little_more_than_one_trial(self):
        nothing = pd.DataFrame({"bin": 1, "bad": np.zeros(20), "judged": 10.0})
        assert irrelevance._alikeness(nothing) == 1.0
        nothing.loc[0, "bad"] = 1.0
        assert 0.5 < irrelevance._alikeness(nothing) < 1.0
        assert irrelevance._alikeness(nothing.iloc[:1]) == 1.0

    @pytest.mark.parametrize(("verdicts", "rate"), [("rrrr", 0.0), ("iiii", 1.0)])
    @pytest.mark.parametrize("anchors", [1, 8])
    def test_a_rate_of_0_or_1_has_an_interval_that_narrows_with_more_anchors(
        self, store, judge, verdicts, rate, anchors
    ):
        for i in range(anchors):
            add_list(store, judge, f"a{i}", verdicts)
        row = rated(store).iloc[0]
        assert row["rate"] == rate
        assert row["low"] <= rate <= row["high"]
        width = row["high"] - row["low"]
        assert (0.7 < width < 0.95) if anchors == 1 else (0.15 < width < 0.4)

    def test_alike_neighbours_of_few_anchors_say_less_than_as_many_pairs_of_many(self, store, judge):
        add_list(store, judge, "a1", "iiii")
        add_list(store, judge, "a2", "rrrr")
        for i in range(4):
            add_list(store, judge, f"b{i}", "iirr", arm="hybrid")
        width = rated(store).assign(width=lambda table: table["high"] - table["low"]).set_index("arm")["width"]
        assert width["als"] > 1.2 * width["hybrid"]

    @pytest.mark.parametrize("anchors", [1, 3, 12])
    def test_it_holds_the_truth_about_as_often_as_it_says(self, anchors):
        rng, truth, hits, tables = np.random.default_rng(7), np.array([0.05, 0.3, 0.8]), 0, 60
        for _ in range(tables):
            shares = rng.beta(4 * truth, 4 * (1 - truth), (anchors, 3))
            frame = pd.DataFrame(
                {
                    "arm": "als",
                    "bin": np.tile([1, 2, 3], anchors),
                    "bad": rng.binomial(10, shares).astype(float).ravel(),
                    "judged": 10.0,
                    "pairs": 10,
                }
            )
            alike = irrelevance._alikeness(frame)
            rows = [irrelevance._point(frame[frame["bin"] == number], alike, 0) for number in (1, 2, 3)]
            hits += sum(low <= share <= high for share, (*_, low, high, _, _, _) in zip(truth, rows, strict=True))
        assert hits / (3 * tables) > 0.91

    def test_the_same_judgements_and_seed_give_the_same_table_in_any_order_of_arrival(self, store, judge):
        for i, verdicts in enumerate(("iirr", "irrr", "rrrr")):
            add_list(store, judge, f"a{i}", verdicts)
        current, seen = store.current(), store.appearances()
        table = irrelevance_by_count(current, seen, k=K, seed=3)
        shuffled = current.sample(frac=1, random_state=1), seen.sample(frac=1, random_state=2)
        pd.testing.assert_frame_equal(irrelevance_by_count(*shuffled, k=K, seed=3), table)

    def test_a_points_interval_does_not_move_when_another_arm_is_judged(self, store, judge):
        add_list(store, judge, "a", "iirr", anchor_count=1)
        before = rated(store).iloc[0].to_dict()
        add_list(store, judge, "c", "rrrr", arm="hybrid", anchor_count=1)
        after = rated(store)
        assert after[(after["arm"] == "als") & (after["bin_low"] == 1)].iloc[0].to_dict() == before

    def test_many_anchors_are_drawn_in_parts_and_give_the_same_kind_of_interval(self, monkeypatch):
        bad, judged = np.tile([10.0, 0.0], 50), np.full(100, 10.0)
        whole = irrelevance._interval(bad, judged, 0.1, np.random.default_rng(0))
        monkeypatch.setattr(irrelevance, "DRAWN_AT_ONCE", 7_000)
        assert irrelevance._interval(bad, judged, 0.1, np.random.default_rng(0)) == pytest.approx(whole, abs=1e-6)

    def test_ten_thousand_judgements_take_a_blink(self):
        anchors = np.repeat([f"product {i}" for i in range(1000)], 10)
        rng = np.random.default_rng(0)
        current = pd.DataFrame(
            {
                "id": np.arange(10_000),
                "anchor_id": anchors,
                "neighbour_id": [f"n{i}" for i in range(10_000)],
                "verdict": rng.choice(["irrelevant", "relevant"], 10_000),
                "anchor_count": np.repeat(rng.integers(0, 3000, 1000), 10),
            }
        )
        place = current[["anchor_id", "neighbour_id"]].assign(release_id="r", rank=np.tile(np.arange(1, 11), 1000))
        seen = pd.concat([place.assign(arm=arm, last_id=1) for arm in ("als", "hybrid")])
        seconds = []
        for _ in range(3):
            start = time.process_time()
            table = irrelevance_by_count(current, seen)
            seconds.append(time.process_time() - start)
        assert table.groupby("arm")["judged"].sum().tolist() == [10_000, 10_000]
        # 0.1 s of processor time where it was measured; the bound leaves room for slower machines.
        assert min(seconds) < 0.4
