"""What each modality adds for this shop: the smoother with everything but that modality, on validation targets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from engine.arms.hybrid_fit import candidates_of
from engine.arms.plan import Trial
from engine.core.vectors import unit_rows
from engine.evaluation.fits import Content
from engine.evaluation.targets import Targets
from engine.models.kernel import Rows
from engine.models.recipe import Recipe
from engine.models.views import fit_standard
from engine.selection.screen import Screen

__all__ = ["modality_gains"]

MOST_TARGETS = 300


def modality_gains(
    recipe: Recipe, factors: np.ndarray, counts: np.ndarray, content: Content, targets: Targets, seed: int
) -> tuple[Trial[str], ...]:
    """Mean NDCG@10 with every modality (""), and without each; empty where there are fewer than two.

    The prediction is left out everywhere, since the network behind it read all of them; without text, words are left out too.

    Parameters
    ----------
    factors : (n_items, at least recipe.rank) residual factors of thinned interactions, `counts` (n_items,) of the same.
    """
    judged = targets.judged()
    present = [name for name, one in content.features.items() if one.present.any()]
    if len(present) < 2 or not len(judged):
        return ()
    judged = judged[np.sort(np.random.default_rng([seed, 8]).permutation(len(judged))[:MOST_TARGETS])]
    own = factors[:, : recipe.rank]
    real, _ = candidates_of(own, np.zeros_like(own), np.zeros(len(own), np.float32), counts, recipe)

    def ndcg(left_out: str) -> float:
        views = _views(content, left_out)
        trial = replace(recipe, weights=dict.fromkeys(views, 1.0))
        query = Screen(own, counts, views, judged.rows, seed).queries(trial)
        return round(float(judged.ndcg(unit_rows(query) @ real.T).mean()), 4)

    return tuple(Trial(name, ndcg(name)) for name in ("", *present))


def _views(content: Content, left_out: str) -> Mapping[str, Rows]:
    """The content that is left, and words where text is part of it."""
    features = {name: one for name, one in content.features.items() if name != left_out and one.present.any()}
    nothing = np.zeros((len(content.vectors), 1), dtype=np.float32)
    views = fit_standard(features).views(features, nothing, content.words)
    names = ["content", *(["words"] if content.words is not None and left_out != "text" else [])]
    return {name: views[name] for name in names}
