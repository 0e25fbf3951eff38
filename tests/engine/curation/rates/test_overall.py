"""The one sentence about the rates says no more than their intervals allow, and the share is the same wherever it stands."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.special import betaincinv

from engine.curation.rates.irrelevance import TABLE_COLUMNS, bin_bounds, bin_label
from engine.curation.rates.overall import headline, overall_rates, shares


def table(**arms: dict[int, tuple[float, int]]) -> pd.DataFrame:
    """arm -> {bin: (rate, products)}; ten neighbours of each are judged, and each product is worth one trial."""
    rows = []
    for arm, points in arms.items():
        for number, (rate, anchors) in points.items():
            low, high = betaincinv(rate * anchors + 0.5, (1 - rate) * anchors + 0.5, [0.025, 0.975])
            ends = (0.0 if rate == 0 else low, 1.0 if rate == 1 else high)
            rows.append((arm, *bin_bounds(number), bin_label(number), rate, *ends, 10 * anchors, 0, anchors))
    return pd.DataFrame(rows, columns=list(TABLE_COLUMNS))


def test_eight_products_are_too_few_to_say_that_nothing_is_irrelevant():
    assert headline(table(hybrid={3: (0.0, 8)}), "clicks") == "Too few judged to tell: 8 products so far"
    both = table(als={3: (0.25, 8)}, hybrid={3: (0.0, 8)})
    assert headline(both, "clicks") == "Too few judged to tell: 8 products so far"
    assert headline(table(hybrid={3: (0.0, 1)}), "clicks") == "Too few judged to tell: 1 product so far"


def test_a_share_is_said_with_its_interval_once_that_is_narrow():
    assert headline(table(hybrid={3: (0.0, 40)}), "clicks") == "Longtail shows 0% (0–6%) irrelevant products"
    assert headline(table(als={3: (0.3, 200)}), "clicks") == "Behaviour shows 30% (24–37%) irrelevant products"


def test_it_names_the_count_below_which_behaviour_is_mostly_irrelevant():
    found = headline(table(als={1: (0.9, 40), 4: (0.7, 40), 5: (0.3, 40), 9: (0.1, 40)}), "clicks")
    assert found == "Below 9 clicks, behaviour shows mostly irrelevant products"
    few = headline(table(als={1: (1.0, 1), 4: (0.5, 2), 5: (0.3, 40)}), "clicks")
    assert "mostly" not in few


def test_one_odd_range_with_few_judgements_does_not_move_the_count():
    found = headline(table(als={1: (0.9, 50), 2: (0.4, 10), 3: (0.9, 50), 8: (0.2, 50)}), "buyers")
    assert found.startswith("Below 5 buyers, ")


@pytest.mark.parametrize(
    ("longtail", "said"),
    [
        ((0.05, 100), "; Longtail 5% (2–11%)"),
        ((0.1, 10), "; Longtail far fewer"),
        ((0.5, 4), "; too few judged to tell of Longtail"),
    ],
)
def test_it_sets_longtail_beside_it_over_the_same_counts(longtail, said):
    both = table(als={1: (0.9, 60), 6: (0.2, 60)}, hybrid={0: longtail, 6: (1.0, 60)})
    assert headline(both, "clicks") == f"Below 2 clicks, behaviour shows mostly irrelevant products{said}"


def test_bad_everywhere():
    found = headline(table(als={1: (0.9, 60), 8: (0.7, 60)}), "clicks")
    assert found == "However many clicks a product has, behaviour shows mostly irrelevant products"


def test_one_list_has_fewer_than_the_other_where_intervals_do_not_touch():
    far = table(als={1: (0.4, 100)}, hybrid={1: (0.1, 100)})
    assert headline(far, "clicks") == (
        "Longtail shows fewer irrelevant products than behaviour: 10% (5–17%) against 40% (31–50%)"
    )
    other = table(als={1: (0.1, 100)}, hybrid={1: (0.4, 100)})
    assert headline(other, "clicks").startswith("Behaviour shows fewer irrelevant products than Longtail: 10%")
    near = table(als={1: (0.2, 200)}, hybrid={1: (0.15, 200)})
    assert headline(near, "clicks").startswith("Behaviour and Longtail cannot be told apart yet: 20% (")


def test_lists_are_compared_where_both_are_judged():
    """Behaviour has no list for products that nobody chose."""
    both = table(als={1: (0.4, 100)}, hybrid={0: (0.9, 100), 1: (0.1, 100)})
    assert "10% (5–17%) against 40%" in headline(both, "clicks")


def test_nothing_to_say():
    assert headline(table(), "clicks") == "No list fully reviewed yet"
    unsure = table(als={1: (0.5, 3)}).assign(judged=0, rate=np.nan)
    assert headline(unsure, "clicks") == "No list fully reviewed yet"


def test_ranges_weigh_what_they_hold_of_the_shop():
    judged = table(hybrid={1: (0.5, 50), 4: (0.0, 50)})
    assert shares(judged)["hybrid"].rate == pytest.approx(0.25)
    weighed = shares(judged, {1: 900.0, 5: 100.0})["hybrid"]
    assert weighed.rate == pytest.approx(0.45)
    assert weighed.covered == 1.0
    assert shares(judged, {1: 900.0, 17: 900.0})["hybrid"].covered == 0.5
    assert headline(judged, "clicks", {5: 10.0}) == "Longtail shows 0% (0–5%) irrelevant products"


def test_one_range_has_the_interval_of_the_chart():
    judged = table(hybrid={4: (0.3, 60)})
    row, one = judged.iloc[0], shares(judged)["hybrid"]
    assert (one.rate, one.low, one.high) == (row["rate"], row["low"], row["high"])


def test_a_share_of_none_in_several_ranges_is_bounded_by_all_of_them():
    one = shares(table(hybrid=dict.fromkeys(range(5), (0.0, 20))))["hybrid"]
    assert one.low == 0.0
    assert 0.01 < one.high < 0.09


def test_the_table_holds_the_shares_that_the_sentence_says():
    judged = table(als={1: (0.4, 100)}, hybrid={1: (0.1, 100)})
    rows = overall_rates(judged).set_index("arm")
    found = shares(judged)
    for arm in ("als", "hybrid"):
        assert rows.loc[arm, ["rate", "low", "high"]].tolist() == [found[arm].rate, found[arm].low, found[arm].high]
