from __future__ import annotations

import json
from dataclasses import asdict

import numpy as np
import pytest
from scipy import sparse

from engine.core.vectors import unit_rows
from engine.models import user_scoring as module
from engine.models.item_model import ItemModel
from engine.models.user_scoring import UserScorer, UserScoring


def owned(rows: list[list[int]], n_items: int) -> sparse.csr_matrix:
    matrix = np.zeros((len(rows), n_items), dtype=np.float32)
    for shopper, items in enumerate(rows):
        matrix[shopper, items] = 1.0
    return sparse.csr_matrix(matrix)


def test_one_near_relative_counts_for_more_than_many_distant_ones_when_the_power_is_high():
    # 0-4 lie 60 degrees from item 6, item 5 lies 15 degrees from item 7; each shopper has 0-5.
    angles = np.deg2rad([0, 0, 0, 0, 0, 90, 60, 75])
    vectors = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    scorer = UserScorer(vectors, vectors, np.ones(8))
    shopper = owned([[0, 1, 2, 3, 4, 5]], 8)
    broad = scorer(shopper, UserScoring())[0]
    close = scorer(shopper, UserScoring(10, 50.0))[0]
    assert broad[6] > broad[7]
    assert close[7] > close[6]


def test_scores_are_the_formula_item_by_item_however_they_are_cut_into_pieces(monkeypatch: pytest.MonkeyPatch):
    rng = np.random.default_rng(0)
    profiles = unit_rows(rng.standard_normal((23, 5)).astype(np.float32))
    smoothed = rng.standard_normal((23, 5)).astype(np.float32)
    counts = rng.integers(0, 9, 23)
    has = owned([[1, 4], [0], [], [2, 3, 22]], 23)
    monkeypatch.setattr(module, "ITEMS_AT_ONCE", 4)
    monkeypatch.setattr(module, "SHOPPERS_AT_ONCE", 3)
    found = list(UserScorer(profiles, smoothed, counts).by_scoring(has, (UserScoring(), UserScoring(3, 0.5))))
    units = unit_rows(smoothed)
    for shopper, items in enumerate([[1, 4], [0], [], [2, 3, 22]]):
        rest = [item for item in range(23) if item not in items]
        mean = profiles[items].mean(axis=0) if items else np.zeros(5)
        broad = smoothed @ mean
        close = np.array(
            [
                np.sqrt(max(counts[j], 0.5)) * sum(max(units[i] @ units[j], 0) ** 3 for i in items if i != j)
                for j in range(23)
            ]
        )
        broad = broad / (broad[rest].max() if broad[rest].max() > 0 else 1)
        close = close / (close[rest].max() if close[rest].max() > 0 else 1)
        np.testing.assert_allclose(found[0][shopper], broad, atol=1e-5)
        np.testing.assert_allclose(found[1][shopper], broad + 0.5 * close, atol=1e-5)


def test_with_an_item_model_the_score_is_what_each_product_of_the_history_adds():
    weights = np.array([[0, 2, 1, 0], [0, 0, 0, 3], [0, 0, 0, 0], [0, 0, -1, 0]], dtype=np.float32)
    model = ItemModel(0.5, 0.25, 32)
    nothing = np.zeros((4, 2), dtype=np.float32)
    scorer = UserScorer(nothing, nothing, np.ones(4), {model: sparse.csr_matrix(weights)})
    found = scorer(owned([[0, 1], [3]], 4), UserScoring(1, 8.0, model))
    np.testing.assert_allclose(found, 8.0 * np.array([[0, 2 / 3, 1 / 3, 1], [0, 0, -1, 0]]), atol=1e-6)


def test_a_scoring_comes_back_from_json_as_it_was():
    for scoring in (UserScoring(6, 2.0), UserScoring(1, 8.0, ItemModel(0.5, 0.25, 32))):
        assert UserScoring.from_dict(json.loads(json.dumps(asdict(scoring)))) == scoring


@pytest.mark.parametrize(
    "scoring", [UserScoring(), UserScoring(3, 2.0), UserScoring(1, 2.0, ItemModel(0.5, 0.25, 16))], ids=["broad", "close", "items"]
)  # fmt: skip
def test_what_each_product_of_a_history_adds_makes_up_the_part_that_serves(scoring):
    rng = np.random.default_rng(1)
    profiles = unit_rows(rng.standard_normal((12, 4)).astype(np.float32))
    smoothed = rng.standard_normal((12, 4)).astype(np.float32)
    weights = {ItemModel(0.5, 0.25, 16): sparse.csr_matrix(rng.random((12, 12)).astype(np.float32))}
    scorer = UserScorer(profiles, smoothed, rng.integers(1, 9, 12), weights)
    history, others = np.array([1, 4, 7]), np.array([0, 2, 3, 5, 6, 8, 9, 10, 11])
    shopper = owned([history.tolist()], 12)
    broad = scorer(shopper, UserScoring())[0]
    part = broad if not scoring.weight else (scorer(shopper, scoring)[0] - broad) / scoring.weight
    adds = scorer.going_with(history, others, scoring).sum(axis=0)
    assert adds / adds.max() == pytest.approx(part[others] / part[others].max(), abs=1e-4)
