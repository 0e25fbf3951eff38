"""Products that lack a part of their content: which, and in which order."""

from __future__ import annotations

import numpy as np
import pandas as pd

from engine.arms.plan import Trial
from engine.overview.gaps import content_shares, find_gaps, lacking

KINDS = {"colour": "category", "occasions": "multi", "care": "text"}
SHARES = (
    {"low": 0, "high": 0, "own": 0.0},
    {"low": 1, "high": 10, "own": 0.2},
    {"low": 11, "high": None, "own": 0.95},
)


def items() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "item_id": list("abcde"),
            "title": ["A", None, "C", " ", "E"],
            "description": [None, None, "c", None, None],
            "brand": ["x", None, None, "y", None],
            "category": [None] * 5,
            "image": [None, "1", None, None, "2"],
            "colour": [None, "red", None, None, None],
            "occasions": [["party"], None, ["office"], None, None],
            "care": [None, None, None, "Wash cold", None],
            "interaction_count": [3, 0, 100, 0, 9],
        }
    )


def test_a_part_is_lacking_where_every_field_of_it_is_empty():
    found = {part: np.flatnonzero(missing).tolist() for part, missing in lacking(items(), KINDS).items()}
    assert found == {"image": [0, 2, 3], "text": [1], "attributes": [4]}


def test_a_part_that_all_products_have_or_none_has_is_no_gap():
    complete = items().assign(image="1", title=None, description=None, care=None)
    assert [gap.part for gap in find_gaps(complete, KINDS, (), ())] == ["attributes"]


def test_the_products_that_content_speaks_for_and_that_are_chosen_often_come_first():
    gaps = {gap.part: gap for gap in find_gaps(items(), KINDS, (Trial("", 0.7), Trial("image", 0.6)), SHARES)}
    # content speaks for 0.8 of a product with 3 interactions and for 0.05 of one with 100: 0.8 * 4 < 0.05 * 101
    assert gaps["image"].rows.tolist() == [2, 0, 3]
    calm = items().assign(interaction_count=[9, 0, 100, 0, 9])  # 0.8 * 10 > 0.05 * 101
    assert find_gaps(calm, KINDS, (), SHARES)[0].rows.tolist() == [0, 2, 3]


def test_what_a_part_gains_is_what_was_measured_or_unknown():
    gaps = {gap.part: gap for gap in find_gaps(items(), KINDS, (Trial("", 0.7), Trial("image", 0.6)), SHARES)}
    assert gaps["image"].gain is not None
    assert np.isclose(gaps["image"].gain, 0.1)
    assert gaps["text"].gain is None


def test_content_speaks_for_all_of_a_product_where_nothing_was_measured():
    counts = np.array([0, 1, 10, 11, 5000])
    assert content_shares(counts, ()).tolist() == [1.0] * 5
    assert np.allclose(content_shares(counts, SHARES), [1.0, 0.8, 0.8, 0.05, 0.05])
