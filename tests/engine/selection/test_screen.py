"""Trying kernels on a sample."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from engine.core.vectors import unit_rows
from engine.models.recipe import default_recipe
from engine.models.smoother import fit_smoother
from engine.selection import screen
from engine.selection.screen import Screen
from tests.support.grouped_catalogue import GroupedCatalogue

SHOP = GroupedCatalogue()
ROWS = np.arange(0, 240, 5)


@pytest.mark.parametrize("noise", [3.0, 30.0])
def test_a_small_shop_is_fitted_as_it_is_served(noise):
    recipe = replace(default_recipe(SHOP.views, 240), noise=noise)
    tried = Screen(SHOP.factors, SHOP.counts, SHOP.views, ROWS, 0).queries(recipe)
    smoother = fit_smoother(SHOP.factors, SHOP.counts, SHOP.views, recipe.kernel(), noise=noise)
    served = smoother({view: rows[ROWS] for view, rows in SHOP.views.items()})
    np.testing.assert_allclose(tried, served, atol=2e-3)


def test_in_a_large_shop_a_part_stands_for_all(monkeypatch):
    recipe = default_recipe(SHOP.views, 240)
    exact = Screen(SHOP.factors, SHOP.counts, SHOP.views, ROWS, 0).queries(recipe)
    monkeypatch.setattr(screen, "MOST", 100)
    monkeypatch.setattr(screen, "LANDMARKS", 90)
    few = Screen(SHOP.factors, SHOP.counts, SHOP.views, ROWS, 0)
    assert np.median((unit_rows(few.queries(recipe)) * unit_rows(exact)).sum(axis=1)) > 0.9
    louder = few.queries(replace(recipe, noise=300.0))
    assert np.linalg.norm(louder) < np.linalg.norm(few.queries(recipe))
