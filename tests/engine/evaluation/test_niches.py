"""Hidden neighbourhoods, on a shop whose groups are known."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from engine.core.errors import TrainingError
from engine.core.settings import EvaluationSettings
from engine.core.vectors import unit_rows
from engine.evaluation.niches import KEPT, draw_niches

SETTINGS = EvaluationSettings(min_interactions=8)
GROUP = np.arange(300) % 10


@pytest.fixture(scope="module")
def shop() -> tuple[sparse.csr_matrix, np.ndarray]:
    """Ten groups of thirty items, alike by content and bought together."""
    rng = np.random.default_rng(0)
    chance = np.where((np.arange(600) % 10)[:, None] == GROUP, 0.3, 0.01)
    pairs = sparse.csr_matrix((rng.random(chance.shape) < chance).astype(np.float32))
    content = unit_rows((np.eye(10)[GROUP] + rng.normal(0, 0.1, (300, 10))).astype(np.float32))
    return pairs, content


def test_a_neighbourhood_loses_its_history_but_for_its_bestseller(shop):
    pairs, content = shop
    before = np.bincount(pairs.indices, minlength=300)
    niches = draw_niches(pairs, content, SETTINGS, 0)
    lost = np.flatnonzero(niches.counts < before)
    assert set(niches.targets.rows) <= set(lost.tolist())
    assert niches.counts[niches.targets.rows].max() <= max(KEPT)
    untouched = np.setdiff1d(np.arange(300), lost)
    for group in np.unique(GROUP[lost]):
        kept = untouched[GROUP[untouched] == group]
        assert len(kept)
        assert before[kept].max() >= before[lost[GROUP[lost] == group]].max()


def test_what_was_hidden_says_that_a_neighbourhood_belongs_together(shop):
    pairs, content = shop
    niches = draw_niches(pairs, content, SETTINGS, 0)
    gains = niches.targets.gains.toarray()
    same = GROUP[niches.targets.rows][:, None] == GROUP[None]
    assert gains[same].mean() > 20 * gains[~same].mean()
    assert not gains[np.arange(len(gains)), niches.targets.rows].any()


def test_a_neighbourhood_is_either_for_choosing_or_for_the_report(shop):
    niches = draw_niches(*shop, SETTINGS, 0)
    assert niches.reported.any()
    assert len(niches.validation) == int((~niches.reported).sum())


def test_the_same_seed_hides_the_same_and_another_seed_something_else(shop):
    once, again, other = (draw_niches(*shop, SETTINGS, seed) for seed in (0, 0, 3))
    assert (once.train != again.train).nnz == 0
    assert (once.train != other.train).nnz > 0


def test_a_shop_without_well_known_products_has_no_neighbourhood_to_hide(shop):
    pairs, content = shop
    with pytest.raises(TrainingError, match="quiet corners"):
        draw_niches(pairs[:20], content, SETTINGS, 0)
