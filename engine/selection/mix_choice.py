"""How real and predicted factors are mixed in what the Predicted arm's candidates are found by."""

from __future__ import annotations

import numpy as np

from engine.arms.candidate_mix import CandidateMix
from engine.arms.geometry import similarities
from engine.arms.plan import Trial
from engine.arms.predicted import PREDICTED
from engine.evaluation.fits import Behaviour, Content, fitted_models
from engine.evaluation.targets import Targets
from engine.selection.better import SERVED, better

__all__ = ["HALF_KNOWN", "WORTHS", "choose_mix"]

HALF_KNOWN = (0.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0)
WORTHS = (0.35, 0.5, 0.7, 1.0)


def choose_mix(
    behaviour: Behaviour,
    content: Content,
    counts: np.ndarray,
    targets: Targets,
    half_known: tuple[float, ...] = HALF_KNOWN,
    worths: tuple[float, ...] = WORTHS,
    standing: CandidateMix | None = None,
) -> tuple[CandidateMix, tuple[Trial[CandidateMix], ...]]:
    """The mix with which the Predicted arm ranks best by mean NDCG@10: first by `half_known`, then by what predictions are worth.

    Of half_known, the largest with which it ranks as well as with the best: their difference, target by target, is within
    one standard error. Thinned targets are products that became well known, and behaviour speaks clearest of those, so among
    equals the one that leans on content is safer for the rest. A mix that stands stays as long as the one that would be chosen is no better.

    Parameters
    ----------
    standing : what the served release was made with, among `half_known` and `worths`; None where there is none.
    behaviour : fitted on thinned interactions; `counts` (n_items,) of the same.
    targets : validation targets.
    """
    judged, start = targets.judged(), CandidateMix(half_known[0])
    if not len(judged):
        return CandidateMix(), ()
    found: dict[CandidateMix, np.ndarray] = {}

    def try_all(mixes: list[CandidateMix]) -> CandidateMix:
        for mix in mixes:
            if mix not in found:
                vectors = PREDICTED.vectors(fitted_models(behaviour, content, counts, mix), {})
                found[mix] = judged.ndcg(similarities(vectors, judged.rows))
        return max(mixes, key=lambda mix: float(found[mix].mean()))

    by_count = [CandidateMix(one, start.prediction_worth) for one in half_known]
    best = found[try_all(by_count)]
    half = max(mix.half_known for mix in by_count if _as_well(found[mix], best))
    chosen = try_all([CandidateMix(half, worth) for worth in worths])
    if standing is not None and standing.half_known in half_known:
        try_all([standing])
        chosen = chosen if better(found[chosen], found[standing], SERVED) else standing
    return chosen, tuple(Trial(mix, round(float(ndcg.mean()), 4)) for mix, ndcg in found.items())


def _as_well(ndcg: np.ndarray, best: np.ndarray) -> bool:
    behind = best - ndcg
    return bool(behind.mean() <= behind.std() / np.sqrt(len(behind)))
