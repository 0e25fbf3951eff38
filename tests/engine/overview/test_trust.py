"""How far lists can be trusted: by the best source there is, never by too little."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from engine.catalogue.traffic import LEVELS, Traffic
from engine.overview.trust import trust, trust_by_cards, trust_by_lists, trust_by_validation

TRAFFIC = Traffic(head_from=100, tail_below=5, median=20.0)
NO_LISTS = pd.DataFrame({"arm": [], "anchor_id": [], "count": [], "bad": [], "judged": [], "pairs": []})
NO_CARDS = pd.DataFrame(
    {name: [] for name in ("arm", "anchor_id", "stratum", "anchor_count", "bad", "drawn", "weight", "pairs")}
)


def lists(bad: list[float], count: int = 1, arm: str = "hybrid") -> pd.DataFrame:
    """A list of ten for each number of irrelevant neighbours."""
    ids = [f"{arm}-{count}-{place}" for place in range(len(bad))]
    return pd.DataFrame({"arm": arm, "anchor_id": ids, "count": count, "bad": bad, "judged": 10, "pairs": 10})


def figures(mean: float | None, n: int = 25, reach: float = 0.1, coverage: float = 1.0) -> dict:
    ends = {"low": None, "high": None} if mean is None else {"low": mean - reach, "high": mean + reach}
    return {"ndcg": {"mean": mean, "n": n, **ends}, "coverage": coverage, "targets": n}


def test_a_list_is_good_where_at_most_two_of_ten_do_not_fit():
    found = trust_by_lists(lists([0, 1, 2, 3, 10]), TRAFFIC)["tail", "hybrid"]
    assert (found.source, found.share, found.seen) == ("lists", 0.6, 5)
    assert 0 < found.low < 0.6 < found.high < 1
    perfect = trust_by_lists(lists([0] * 20), TRAFFIC)["tail", "hybrid"]
    assert (perfect.share, perfect.high) == (1.0, 1.0)
    assert 0.8 < perfect.low < 1.0


def test_lists_about_which_nobody_was_sure_do_not_count():
    unsure = lists([0, 0]).assign(judged=[10, 0])
    assert trust_by_lists(unsure, TRAFFIC)["tail", "hybrid"].seen == 1


def test_cards_are_weighted_by_their_chances():
    cards = pd.DataFrame(
        {
            "arm": "hybrid", "anchor_id": list("abcd"), "stratum": 0, "anchor_count": [1, 2, 3, 4],
            "bad": [1.0, 0.0, 0.0, 0.0], "drawn": 1.0, "weight": [7.0, 1.0, 1.0, 1.0], "pairs": 10,
        }
    )  # fmt: skip
    found = trust_by_cards(cards, TRAFFIC)["tail", "hybrid"]
    assert (found.source, found.seen) == ("cards", 4)
    assert np.isclose(found.share, 0.3)
    assert found.low < 0.3 < found.high


def test_validation_speaks_for_a_level_by_the_products_that_kept_as_many_interactions():
    metrics = {"thinning": {"hybrid": {"pooled": figures(0.1), "0": figures(0.5), "1": figures(0.6, n=10), "3": figures(0.9, n=30), "10": figures(0.7)}}}  # fmt: skip
    found = trust_by_validation(metrics, TRAFFIC)
    assert {level: round(one.share, 3) for (level, _), one in found.items()} == {
        "none": 0.5, "tail": round((10 * 0.6 + 30 * 0.9) / 40, 3), "middle": 0.7,
    }  # fmt: skip
    # Two independent means of 10 and 30 products, each with a reach of 0.1.
    reach = np.hypot(10 * 0.1, 30 * 0.1) / 40
    tail = found["tail", "hybrid"]
    assert (tail.seen, tail.source) == (40, "validation")
    assert np.isclose(tail.low, tail.share - reach)


def test_an_arm_without_lists_says_so():
    metrics = {"thinning": {"als": {"0": figures(0.0, coverage=0.0)}}}
    assert trust_by_validation(metrics, TRAFFIC)["none", "als"].source == "none"


@pytest.mark.parametrize(
    ("judged", "source"), [([0] * 12, "lists"), ([0, 10], "validation"), ([], "validation"), ([0, 0, 10], "validation")]
)
def test_judgements_count_where_there_are_enough_else_validation(judged, source):
    metrics = {"thinning": {"hybrid": {"1": figures(0.6)}}}
    (found,) = trust(("hybrid",), ("tail",), lists([float(n) for n in judged]), NO_CARDS, metrics, TRAFFIC)
    assert (found.source, found.judged) == (source, len(judged))


def test_what_neither_knows_is_unknown():
    found = trust(("als", "hybrid"), LEVELS, NO_LISTS, NO_CARDS, {"problem": "The shop is too small."}, TRAFFIC)
    assert len(found) == 8
    assert {(one.source, one.share) for one in found} == {("unknown", None)}
    nothing = {"thinning": {"hybrid": {"1": figures(None, n=0)}}}
    (tail,) = trust(("hybrid",), ("tail",), lists([0.0]), NO_CARDS, nothing, TRAFFIC)
    assert (tail.source, tail.judged) == ("unknown", 1)
