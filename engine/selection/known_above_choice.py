"""From how many interactions on a candidate of the Predicted arm is found by its real factors."""

from __future__ import annotations

import numpy as np

from engine.arms.geometry import similarities
from engine.arms.plan import DEFAULT_KNOWN_ABOVE, Trial
from engine.arms.registry import arm_vectors
from engine.evaluation.fits import Behaviour, Content, fitted_models
from engine.evaluation.targets import Targets

__all__ = ["GRID", "choose_known_above"]

GRID = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0)
"""More than 128 was within the noise of it on online_retail, and far worse on the demo shop."""


def choose_known_above(
    behaviour: Behaviour, content: Content, counts: np.ndarray, targets: Targets, grid: tuple[float, ...] = GRID
) -> tuple[float, tuple[Trial[float], ...]]:
    """The largest of `grid` with which the Predicted arm ranks as well as with the best of them, by mean NDCG@10.

    As well: their difference, target by target, is within one standard error. Thinned targets are products that became
    well known, and behaviour speaks clearest of those, so among equals the one that leans on content is safer for the
    rest.

    Parameters
    ----------
    behaviour : fitted on thinned interactions; `counts` (n_items,) of the same.
    targets : validation targets.
    """
    judged = targets.judged()
    if not len(judged):
        return DEFAULT_KNOWN_ABOVE, ()

    def ndcg(known_above: float) -> np.ndarray:
        arm = arm_vectors(fitted_models(behaviour, content, counts, known_above))["predicted"]
        return judged.ndcg(similarities(arm, judged.rows))

    found = np.array([ndcg(known_above) for known_above in grid])
    behind = found[np.argmax(found.mean(axis=1))] - found
    as_well = behind.mean(axis=1) <= behind.std(axis=1) / np.sqrt(behind.shape[1])
    trials = tuple(Trial(above, round(float(mean), 4)) for above, mean in zip(grid, found.mean(axis=1), strict=True))
    return max(above for above, well in zip(grid, as_well, strict=True) if well), trials
