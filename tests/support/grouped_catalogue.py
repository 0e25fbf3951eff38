"""A catalogue whose groups are known: what a list should hold is known by construction."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
from scipy import sparse

from engine.arms.hybrid_fit import Hybrid, fit_hybrid
from engine.models.encoders import Features
from engine.models.recipe import Recipe, Silence, default_recipe
from engine.models.residual import residual_factors
from engine.models.tfidf import fit_tfidf
from engine.models.views import fit_standard

__all__ = ["GROUP", "GROUPS", "GroupedCatalogue"]

GROUPS = 6
GROUP = np.arange(240) % GROUPS


class GroupedCatalogue:
    """Six groups that share shoppers and words; every tenth item has no interactions."""

    def __init__(self) -> None:
        rng = np.random.default_rng(0)
        taste = np.arange(900) % GROUPS
        chance = np.where(taste[:, None] == GROUP, 0.15, 0.01)
        pairs = (rng.random(chance.shape) < chance).astype(np.float32)
        pairs[:, ::10] = 0
        self.user_items = sparse.csr_matrix(pairs)
        self.counts = np.bincount(self.user_items.indices, minlength=240)
        self.taste = taste
        names = ("scarf", "lamp", "mug", "kettle", "ribbon", "clock")
        self.items = pd.DataFrame({"title": [f"{names[g]} number{i % 7}" for i, g in enumerate(GROUP)]})
        values = (np.eye(GROUPS)[GROUP] + rng.normal(0, 0.2, (240, GROUPS))).astype(np.float32)
        self.features = {"text": Features(values, np.ones(240, dtype=bool))}
        self.predicted = rng.normal(size=(240, 8)).astype(np.float32)
        self.vocabulary = fit_tfidf(self.items, {})
        self.standard = fit_standard(self.features)
        self.views = self.standard.views(self.features, self.predicted, self.vocabulary.encode(self.items))
        self.factors = residual_factors(self.user_items, 16, 0)

    def fitted(self, recipe: Recipe | None = None) -> Hybrid:
        chosen = recipe or replace(default_recipe(self.views, 240), silence=Silence(weight=0.0))
        return fit_hybrid(self.user_items, self.counts, self.standard, self.views, chosen, 0)
