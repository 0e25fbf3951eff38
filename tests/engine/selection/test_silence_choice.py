"""What products that behaviour hardly knows are treated by, on a shop whose groups are known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy import sparse

from engine.core.vectors import unit_rows
from engine.evaluation.targets import Targets
from engine.models.recipe import Silence, default_recipe
from engine.selection.silence_choice import Measured, choose_silence
from tests.support.grouped_catalogue import GROUP, GroupedCatalogue

SHOP = GroupedCatalogue()
QUIET = np.arange(0, 240, 2)


def measured(content: np.ndarray, rows: np.ndarray, *, mute: bool) -> Measured:
    """Products of a group belong together; where `mute`, behaviour knows nothing of the quiet half."""
    hybrid = replace(SHOP.fitted(), unknown=np.full(240, 0.1, np.float32))
    factors = np.pad(SHOP.factors, ((0, 0), (0, hybrid.query.shape[1])))[:, : hybrid.query.shape[1]]
    if mute:
        rng = np.random.default_rng(2)
        query, factors, unknown = hybrid.query.copy(), factors.copy(), hybrid.unknown.copy()
        query[QUIET] = rng.normal(size=(len(QUIET), query.shape[1]))
        factors[QUIET], unknown[QUIET] = 0.0, 0.95
        counts = np.where(np.isin(np.arange(240), QUIET), 0, 30)
        hybrid = replace(hybrid, query=query, unknown=unknown, counts=counts)
    allowed = np.ones(240, dtype=bool)
    gains = sparse.csr_matrix(
        ((GROUP[rows][:, None] == GROUP[None]) & (np.arange(240)[None] != rows[:, None])).astype(float)
    )
    return Measured(hybrid, factors, content, Targets(rows, gains, allowed))


def test_content_speaks_where_behaviour_is_silent_and_content_knows():
    right = unit_rows(np.eye(6, dtype=np.float32)[GROUP] + np.float32(0.01))
    thinned = measured(right, np.arange(1, 240, 7), mute=False)
    niches = measured(right, QUIET[:60], mute=True)
    recipe, trials = choose_silence(default_recipe(SHOP.views, 240), thinned, niches, 0)
    assert recipe.silence.weight > 0
    chosen = next(one for one in trials if one.tried == recipe)
    plain = next(one for one in trials if one.tried == replace(recipe, silence=Silence(weight=0.0)))
    assert chosen.niches > plain.niches + 0.2
    assert chosen.thinned >= max(one.thinned for one in trials) - 0.02


def test_without_hidden_neighbourhoods_thinned_products_decide():
    right = unit_rows(np.eye(6, dtype=np.float32)[GROUP] + np.float32(0.01))
    recipe, trials = choose_silence(
        default_recipe(SHOP.views, 240), measured(right, np.arange(1, 240, 7), mute=False), None, 0
    )
    chosen = next(one for one in trials if one.tried == recipe)
    assert all(one.niches is None for one in trials)
    assert chosen.thinned >= max(one.thinned for one in trials) - 0.01


def test_what_is_served_stays_while_it_is_as_good_and_goes_where_it_is_not():
    right = unit_rows(np.eye(6, dtype=np.float32)[GROUP] + np.float32(0.01))
    thinned = measured(right, np.arange(1, 240, 7), mute=False)
    niches = measured(right, QUIET[:60], mute=True)
    start = default_recipe(SHOP.views, 240)
    best, _ = choose_silence(start, thinned, niches, 0)
    louder = replace(best, silence=Silence(best.silence.power, best.silence.weight * 1.01), unseen=best.unseen * 1.01)
    kept, trials = choose_silence(start, thinned, niches, 0, standing=louder)
    assert kept == louder
    assert trials[-1].tried == louder
    silent = replace(best, silence=Silence(weight=0.0))  # quiet products would have random neighbours
    assert choose_silence(start, thinned, niches, 0, standing=silent)[0].silence.weight > 0
