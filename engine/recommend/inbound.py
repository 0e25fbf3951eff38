"""On whose lists a product that the release does not have would appear."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.core.vectors import unit_rows
from engine.recommend.recommender import Recommender
from engine.recommend.unseen import UnseenVectors
from engine.release.top_lists import NOBODY, TOP

__all__ = ["Inbound", "inbound_of", "inbound_of_candidate"]

ARM = "hybrid"

_score_cache: dict[tuple[str, int], np.ndarray] = {}


@dataclass(frozen=True)
class Inbound:
    """A product on whose list a described one would appear, and at which rank (1 is the first)."""

    item_id: str
    rank: int


def inbound_of(recommender: Recommender, vectors: UnseenVectors, k: int = 10) -> list[Inbound]:
    """The products on whose list of k the first described product would appear, the best ranks first.

    Empty where the release reads nothing of it.
    """
    return inbound_of_candidate(recommender, vectors.sides[ARM].candidates[0], k)


def inbound_of_candidate(
    recommender: Recommender, candidate: np.ndarray, k: int = 10, boost: float = 1.0
) -> list[Inbound]:
    """The same of a product by its candidate vector in the served arm, (d,) float32, whose similarity counts `boost` times."""
    if not candidate.any():
        return []
    search = recommender.arm(ARM)
    scores = boost * (search.query @ unit_rows(candidate[None])[0]) / search.query_lengths
    listed = _listed_scores(recommender, k)
    rows = np.flatnonzero(scores > listed[:, -1])
    ranks = 1 + (listed[rows] >= scores[rows, None]).sum(axis=1)
    order = np.lexsort((-scores[rows], ranks))
    ids = recommender.items["item_id"]
    return [Inbound(str(ids.iloc[rows[one]]), int(ranks[one])) for one in order]


def _listed_scores(recommender: Recommender, k: int) -> np.ndarray:
    """(n_items, k) float32, the scores of every product's list; -inf where it is shorter, inf where there is none.

    Worked out once for each version of a release.
    """
    key = (f"{recommender.directory}/{recommender.version}", k)
    if key not in _score_cache:
        search = recommender.arm(ARM)
        listed = np.full((len(recommender.items), k), -np.inf, dtype=np.float32)
        if k <= TOP and not search.changed.size:
            top = recommender.top_lists(ARM)
            listed = np.where(top.rows[:, :k] == NOBODY, -np.inf, top.scores[:, :k]).astype(np.float32)
        else:
            rows = np.arange(len(recommender.items))
            lists = recommender.top_lists(ARM).of_rows(search, rows, k) if k <= TOP else search.of_all(rows, k)
            for row, (found, scores) in enumerate(lists):
                listed[row, : len(found)] = scores
        listed[~search.has_list] = np.inf
        _score_cache.clear()
        _score_cache[key] = listed
    return _score_cache[key]
