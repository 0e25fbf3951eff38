"""Which settings ALS gets on a catalogue: a few compared on thinned validation targets that no report uses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse

from engine.core.settings import AlsSettings
from engine.core.vectors import unit_rows
from engine.models.als import AlsFactors, fit_als
from engine.selection.recipe_choice import ndcg_of

__all__ = ["AlsChoice", "candidates_for", "choose_als"]

VARIATIONS: tuple[dict[str, float], ...] = (
    {"regularization": 100.0, "alpha": 5.0},
    {"regularization": 30.0, "alpha": 5.0},
    {"regularization": 30.0, "alpha": 1.0},
    {"regularization": 10.0, "alpha": 5.0},
    {"regularization": 300.0, "alpha": 5.0},
    {"regularization": 100.0, "alpha": 20.0},
    {"regularization": 1.0, "alpha": 5.0},
    {"regularization": 1.0, "alpha": 20.0},
)
"""What did best on the shops that were measured comes first; the factors' number stays as it is set."""


@dataclass(frozen=True)
class AlsChoice:
    """What was chosen, and its factors; the factors of the settings that were given; all that was tried with its NDCG."""

    settings: AlsSettings
    factors: AlsFactors
    given: AlsFactors
    tried: list[dict[str, Any]]


def candidates_for(settings: AlsSettings) -> list[AlsSettings]:
    """At most `settings.tries` distinct settings, those given first."""
    wanted = [settings, *(settings.model_copy(update=variation) for variation in VARIATIONS)]
    return list(dict.fromkeys(wanted))[: settings.tries]


def choose_als(
    train: sparse.csr_matrix,
    settings: AlsSettings,
    targets: np.ndarray,
    gains: sparse.csr_matrix,
    allowed: np.ndarray,
    seed: int,
    *,
    k: int = 10,
) -> AlsChoice:
    """The settings whose factors rank validation targets best.

    The budget is a number of fits and not of seconds, so that the same data gives the same release on any machine.

    Parameters
    ----------
    train : (n_users, n_items) thinned interactions.
    targets, gains, allowed : validation rows, `(n_targets, n_items)` relevance, `(n_items,) bool` candidates.
    """
    judged = np.flatnonzero(np.diff(gains.indptr))
    tried: list[dict[str, Any]] = []
    fitted: list[tuple[float, AlsSettings, AlsFactors]] = []
    for one in candidates_for(settings):
        factors = fit_als(train, one, seed)
        units = unit_rows(factors.item_factors)
        known: np.ndarray = np.any(units, axis=1)
        rows = targets[judged]
        scores = np.where(known[rows][:, None] & known, units[rows] @ units.T, -np.inf)
        ndcg = float(ndcg_of(scores, gains[judged], allowed, k).mean()) if len(judged) else 0.0
        tried.append({**one.model_dump(exclude={"tries", "iterations"}), "ndcg": round(ndcg, 4)})
        fitted.append((ndcg, one, factors))
    _, chosen, its_factors = max(fitted, key=lambda one: one[0])  # of equals the first, which is the one that was given
    return AlsChoice(chosen, its_factors, fitted[0][2], tried)
