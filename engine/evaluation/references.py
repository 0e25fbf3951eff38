"""What the arms are held against on the same thinned targets: simple methods, and the ceiling that rich behaviour sets."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from scipy import sparse

from engine.core.settings import AlsSettings
from engine.core.vectors import unit_rows
from engine.evaluation.baselines import item_knn, popularity, residual_knn
from engine.evaluation.thinning import Thinned
from engine.models.als import fit_als

__all__ = ["Scores", "ceilings", "simple_methods"]

Scores = Callable[[np.ndarray], np.ndarray]
"""From rows of items to their scores against all items, (n, n_items); -inf where there is none."""


def simple_methods(train: sparse.csr_matrix, words: sparse.csr_matrix | None) -> dict[str, Scores]:
    """Methods that see what the arms see: "popularity", "item_knn", "residual_knn" and, with word vectors, "words"."""
    methods: dict[str, Scores] = {
        "popularity": lambda rows: popularity(train, rows),
        "item_knn": lambda rows: item_knn(train, rows),
        "residual_knn": lambda rows: residual_knn(train, rows),
    }
    if words is not None:
        methods["words"] = lambda rows: np.asarray((words[rows] @ words.T).toarray())
    return methods


def ceilings(split: Thinned, als: AlsSettings, seed: int) -> Mapping[str, Scores]:
    """Behaviour with half of what was hidden from the arms given back: what a product that has sold well would get.

    "rich_als" is there only where ALS was tuned (`als.tries` above 1): untuned it is no ceiling, and costs a fit.
    """
    rich: sparse.csr_matrix = sparse.csr_matrix(split.train + split.half_a)
    methods: dict[str, Scores] = {
        "rich_item_knn": lambda rows: item_knn(rich, rows),
        "rich_residual_knn": lambda rows: residual_knn(rich, rows),
    }
    if als.tries > 1:
        units = unit_rows(fit_als(rich, als, seed).item_factors)
        known: np.ndarray = np.any(units, axis=1)
        methods["rich_als"] = lambda rows: np.where(known[rows][:, None] & known, units[rows] @ units.T, -np.inf)
    return methods
