"""Which settings ALS gets on a catalogue: a few compared on thinned validation targets that no report uses.

Settings that are served stay until others are better by more than two standard errors: factors can be learned on from yesterday's only while their settings are the same.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from engine.arms.plan import Trial
from engine.core.settings import AlsSettings
from engine.core.vectors import unit_rows
from engine.evaluation.targets import Targets
from engine.models.als import AlsFactors, fit_als
from engine.selection.better import SERVED, better

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
    """What was chosen, and its factors; all that was tried."""

    settings: AlsSettings
    factors: AlsFactors
    trials: tuple[Trial[AlsSettings], ...]


def candidates_for(settings: AlsSettings, standing: AlsSettings | None = None) -> list[AlsSettings]:
    """At most `settings.tries` distinct settings: those that stand, those given, and others."""
    first = [settings] if standing is None else [standing, settings]
    wanted = [*first, *(settings.model_copy(update=variation) for variation in VARIATIONS)]
    return list(dict.fromkeys(wanted))[: settings.tries]


def choose_als(
    train: sparse.csr_matrix,
    settings: AlsSettings,
    targets: Targets,
    seed: int,
    standing: AlsSettings | None = None,
) -> AlsChoice:
    """The settings whose factors rank validation targets best, unless those that stand do as well.

    The budget is a number of fits and not of seconds, so that the same data gives the same release on any machine.

    Parameters
    ----------
    train : (n_users, n_items) thinned interactions.
    """
    judged = targets.judged()
    fitted: list[tuple[np.ndarray, AlsSettings, AlsFactors]] = []
    for one in candidates_for(settings, standing):
        factors = fit_als(train, one, seed)
        units = unit_rows(factors.item_factors)
        known: np.ndarray = np.any(units, axis=1)
        scores = np.where(known[judged.rows][:, None] & known, units[judged.rows] @ units.T, -np.inf)
        fitted.append((judged.ndcg(scores) if len(judged) else np.zeros(1), one, factors))
    best = max(fitted, key=lambda one: float(one[0].mean()))  # of equals the first, which is the one that was given
    if standing is not None and not better(best[0], fitted[0][0], SERVED):
        best = fitted[0]
    trials = tuple(Trial(one, round(float(ndcg.mean()), 4)) for ndcg, one, _ in fitted)
    return AlsChoice(*best[1:], trials)
