"""Choosing how a catalogue's shoppers are served, and what that is worth, without judging a choice by what it was made on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from engine.arms.plan import Trial
from engine.evaluation.published_task import TaskScores, TaskSplit, score_shoppers
from engine.models.user_scoring import UserScorer, UserScoring
from engine.selection.better import SERVED, better

__all__ = ["UserScoringFigures", "measure_user_scorings"]

WORTH = 0.02
"""A scoring must be better than the plainest one, or than the one that stands, by this share to be chosen."""
FOLDS = 10


@dataclass(frozen=True)
class UserScoringFigures:
    """Figures of every scoring that was compared.

    Attributes
    ----------
    scorings : what was compared, the plainest first.
    scores : by scoring, then by set of candidates; a set's shoppers are the same for every scoring.
    standing : the place of the one that is served, which another must beat by two standard errors as well; None where there is none.
    """

    scorings: tuple[UserScoring, ...]
    scores: list[list[TaskScores]]
    standing: int | None = None

    def best(self, shoppers: np.ndarray | None = None) -> UserScoring:
        """The scoring with the best NDCG relative to the plainest one, on average over the sets, by these shoppers or all."""
        return self.scorings[self._best(shoppers)]

    def trials(self) -> tuple[Trial[UserScoring], ...]:
        """Every scoring with its mean NDCG, on average over the sets."""
        return tuple(
            Trial(scoring, round(float(np.mean(self._means(place))), 4)) for place, scoring in enumerate(self.scorings)
        )

    def cross_fitted(self, rng: np.random.Generator) -> list[TaskScores]:
        """Per set, every shopper's figures under the scoring that the shoppers of the other folds chose."""
        everybody = np.unique(np.concatenate([one.shoppers for one in self.scores[0]]))
        folds = np.array_split(rng.permutation(everybody), FOLDS)
        chosen = [self._best(np.setdiff1d(everybody, fold)) for fold in folds]
        made = []
        for place, plain in enumerate(self.scores[0]):
            ndcg, precision = plain.ndcg.copy(), plain.average_precision.copy()
            for fold, scoring in zip(folds, chosen, strict=True):
                theirs, ours = np.isin(plain.shoppers, fold), self.scores[scoring][place]
                ndcg[theirs], precision[theirs] = ours.ndcg[theirs], ours.average_precision[theirs]
            made.append(TaskScores(plain.shoppers, ndcg, precision))
        return made

    def _best(self, shoppers: np.ndarray | None) -> int:
        plain = self._means(0, shoppers)
        gains = [
            float(
                np.mean(
                    [own / base for own, base in zip(self._means(scoring, shoppers), plain, strict=True) if base > 0]
                    or [1.0]
                )
            )
            for scoring in range(len(self.scorings))
        ]
        best = int(np.argmax(gains))
        kept = self.standing or 0
        worth = gains[best] > (1.0 + WORTH) * gains[kept]
        if worth and self.standing is not None:
            found, served = (np.concatenate(self._ndcg(place, shoppers)) for place in (best, kept))
            worth = better(found, served, SERVED)
        return best if worth else kept

    def _means(self, scoring: int, shoppers: np.ndarray | None = None) -> list[float]:
        """Mean NDCG of a scoring in each set of candidates, for these shoppers or all."""
        return [float(one.mean()) if len(one) else 0.0 for one in self._ndcg(scoring, shoppers)]

    def _ndcg(self, scoring: int, shoppers: np.ndarray | None) -> list[np.ndarray]:
        return [
            one.ndcg if shoppers is None else one.ndcg[np.isin(one.shoppers, shoppers)] for one in self.scores[scoring]
        ]


def measure_user_scorings(
    scorer: UserScorer,
    scorings: tuple[UserScoring, ...],
    split: TaskSplit,
    candidate_sets: Sequence[np.ndarray],
    shoppers: np.ndarray,
    *,
    k: int = 10,
    standing: UserScoring | None = None,
) -> UserScoringFigures:
    """NDCG@k and AP@k of every scoring for these shoppers.

    Parameters
    ----------
    scorings : the plainest first. standing : the one that is served, None where there is none.
    candidate_sets : (n_items,) bool each.
    shoppers : rows of the split.
    """
    rows = np.sort(shoppers)
    scores = []
    for found in scorer.by_scoring(split.train[rows], scorings):

        def score(some: np.ndarray, items: np.ndarray, found: np.ndarray = found) -> np.ndarray:
            return found[np.searchsorted(rows, some)][:, items]

        scores.append([score_shoppers(split, candidates, score, k=k, shoppers=rows) for candidates in candidate_sets])
    return UserScoringFigures(scorings, scores, scorings.index(standing) if standing in scorings else None)
