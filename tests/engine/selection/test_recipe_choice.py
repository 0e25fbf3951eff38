"""Recipes on a catalogue whose groups are known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy import sparse

from engine.core.vectors import unit_rows
from engine.evaluation.targets import Targets
from engine.models.recipe import default_recipe
from engine.selection.recipe_choice import choose_recipe
from tests.support.grouped_catalogue import GROUP, GroupedCatalogue


def truth() -> Targets:
    targets = np.arange(0, 240, 7)  # of all groups
    allowed = np.ones(240, dtype=bool)
    allowed[targets] = False
    gains = sparse.csr_matrix(((GROUP[targets][:, None] == GROUP[None]) & allowed).astype(float))
    return Targets(targets, gains, allowed)


def test_a_view_that_misleads_is_left_out_of_the_recipe():
    shop = GroupedCatalogue()
    rng = np.random.default_rng(5)
    misleading = unit_rows(np.eye(40, dtype=np.float32)[rng.permutation(240) % 40])
    views = {"content": shop.views["content"], "prediction": misleading}
    targets = truth()
    thinned = np.where(np.isin(np.arange(240), targets.rows), 0, shop.counts)
    recipe, trials = choose_recipe(default_recipe(views, 240), shop.factors, thinned, views, targets, 0)
    share = recipe.weights.get("prediction", 0) / sum(recipe.weights.values())
    assert share <= 0.5
    chosen = [one.ndcg for one in trials if one.tried == recipe]
    assert chosen[0] >= max(one.ndcg for one in trials) - 0.02
    assert len(trials) > 5

    usual = default_recipe(views, 240)
    given = shop.factors, thinned, views, targets, 0
    assert choose_recipe(replace(usual, sharpness=4.01), *given, usual)[0].sharpness == 4.01  # served, and as good
    assert choose_recipe(replace(usual, weights={"prediction": 1.0}), *given, usual)[0].weights.get("content")
