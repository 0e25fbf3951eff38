"""Approved drafts among the served lists: an exact search over the few of them, merged with the release's own.

A draft's vectors are those the release would give a product without interactions: the smoothed vector of its look-alikes
asks the index, and as somebody else's neighbour it stands with the weight that the release gives such products. That
weight's scale is read off the release's own products without interactions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from engine.core.progress import Progress, silent
from engine.core.workspace import Workspace
from engine.edits.drafts.store import Draft
from engine.recommend.product_description import described, readable
from engine.recommend.recommender import Neighbour, Recommender
from engine.recommend.unseen import UnseenVectors, vectors_of_unseen
from engine.recommend.vector_cache import Arrays, VectorCache, cache_key

__all__ = [
    "DraftBuffer",
    "Inbound",
    "candidates_of_unseen",
    "drafts_in_cache",
    "inbound_of",
    "query_of",
    "vectors_of_drafts",
]

SAMPLE = 16  # products without interactions that tell the scale


@dataclass(frozen=True)
class Inbound:
    """A product on whose list a described one would appear, and at which place (1 is the first)."""

    item_id: str
    rank: int


@dataclass(frozen=True)
class DraftBuffer:
    """The approved drafts of a release, read together; holds as long as they do not change (`DraftStore.stamp`)."""

    recommender: Recommender
    workspace: Workspace
    drafts: tuple[Draft, ...]

    @property
    def ids(self) -> list[str]:
        """Ids in order."""
        return [draft.id for draft in self.drafts]

    def merged(self, item_id: str, neighbours: Sequence[Neighbour], k: int) -> list[Neighbour]:
        """A product's served list with the approved drafts where their likeness puts them; drafts have row -1."""
        if not self.drafts:
            return list(neighbours)
        scores = self._candidates @ query_of(self.recommender, item_id)
        found = [(float(score), place) for place, score in enumerate(scores) if np.isfinite(score)]
        return _merge(neighbours, [(score, self.drafts[place].id) for score, place in found], k)

    def merged_table(self, table: pd.DataFrame, k: int, *, own: bool = True) -> pd.DataFrame:
        """The lists of many products (`Recommender.neighbours_all`) with the approved drafts among them.

        `own` appends the drafts' own lists.
        """
        if not self.drafts:
            return table
        lists = dict(iter(table.groupby("item_id", sort=False)))
        rows: list[tuple[str, int, str, float]] = []
        for anchor, group in lists.items():
            columns = (group[name].tolist() for name in ("neighbour_id", "rank", "score"))
            listed = [Neighbour(name, 0, rank, score) for name, rank, score in zip(*columns, strict=True)]
            rows += [(str(anchor), one.rank, one.item_id, one.score) for one in self.merged(str(anchor), listed, k)]
        if own:
            for draft_id in self.ids:
                rows += [(draft_id, one.rank, one.item_id, one.score) for one in self.neighbours_of_draft(draft_id, k)]
        return pd.DataFrame(rows, columns=list(table.columns)).astype(table.dtypes.to_dict())

    def neighbours_of_draft(self, draft_id: str, k: int = 10) -> list[Neighbour]:
        """What stands beside a draft: products of the catalogue, and other approved drafts."""
        place = self.ids.index(draft_id)
        if not self._placed[place]["present"]:
            return []
        query = self._placed[place]["query"]
        own = self.recommender.found(*self.recommender.arm("hybrid").of_vector(query, k))
        scores = self._candidates @ (query / max(float(np.linalg.norm(query)), 1e-12))
        others = [(float(score), one) for one, score in zip(self.ids, scores, strict=True) if one != draft_id]
        return _merge(own, others, k)

    @cached_property
    def _placed(self) -> list[Arrays]:
        nothing = np.zeros(self.recommender.arm("hybrid").query.shape[1], dtype=np.float32)
        unread: Arrays = {"query": nothing, "candidate": np.full_like(nothing, np.nan), "present": np.array(False)}
        return [found or unread for found in vectors_of_drafts(self.recommender, self.workspace, self.drafts)]

    @cached_property
    def _candidates(self) -> np.ndarray:
        return np.stack([placed["candidate"] for placed in self._placed])


def vectors_of_drafts(
    recommender: Recommender, workspace: Workspace, drafts: Sequence[Draft], progress: Progress = silent
) -> list[Arrays | None]:
    """Each draft's vectors in this release, kept on disk from the first time on; None for one that cannot be read.

    `query` and `candidate` (d,) float32, NaN where it is nobody's neighbour; `present` (), whether anything of it is read.
    """
    items = [readable(draft.described(), recommender, workspace) for draft in drafts]

    def work(places: list[int]) -> list[Arrays]:
        vectors = vectors_of_unseen(recommender, workspace, [items[place] for place in places])
        candidates = candidates_of_unseen(recommender, workspace, vectors)
        rows = zip(vectors.query, candidates, vectors.present, strict=True)
        return [{"query": query, "candidate": one, "present": present} for query, one, present in rows]

    return VectorCache(workspace, recommender.release_id).fill(_keys(items), work, progress)


def drafts_in_cache(recommender: Recommender, workspace: Workspace, drafts: Sequence[Draft]) -> list[Draft]:
    """The drafts whose vectors are on disk: to serve them no picture is read and no network is loaded."""
    kept = VectorCache(workspace, recommender.release_id)
    keys = _keys([readable(draft.described(), recommender, workspace) for draft in drafts])
    return [draft for draft, key in zip(drafts, keys, strict=True) if kept.read(key) is not None]


def _keys(items: Sequence[Mapping[str, Any]]) -> list[str]:
    return [cache_key("new", dict(item)) for item in items]


def inbound_of(recommender: Recommender, workspace: Workspace, vectors: UnseenVectors, k: int = 10) -> list[Inbound]:
    """The products on whose list of k the first described product would appear, the best places first.

    Empty where the release reads nothing of it.
    """
    if not vectors.present[0]:
        return []
    search = recommender.arm("hybrid")
    candidate = candidates_of_unseen(recommender, workspace, vectors)[0]
    lengths = np.linalg.norm(search.query, axis=1)
    scores = (search.query @ candidate) / np.maximum(lengths, 1e-12)
    bound = _bounds(recommender, k)
    rows = np.flatnonzero(scores > bound[:, -1])
    ranks = 1 + (bound[rows] >= scores[rows, None]).sum(axis=1)
    order = np.lexsort((-scores[rows], ranks))
    ids = recommender.items["item_id"]
    return [Inbound(str(ids.iloc[rows[place]]), int(ranks[place])) for place in order]


def query_of(recommender: Recommender, item_id: str) -> np.ndarray:
    """(d,) float32, the unit vector with which a product of the catalogue asks."""
    query = np.asarray(recommender.arm("hybrid").query[recommender.row(item_id)])
    return np.asarray(query / max(float(np.linalg.norm(query)), 1e-12))


def candidates_of_unseen(recommender: Recommender, workspace: Workspace, vectors: UnseenVectors) -> np.ndarray:
    """(n, d) float32, how described products stand as neighbours of others: unit rows, as the release's candidates.

    The blocks of other arms that a hybrid may hold beside its own stay empty: they speak for anchors with interactions.
    """
    search = recommender.arm("hybrid")
    width = search.candidates.shape[1]
    if vectors.smoothed is None:
        # A release without a smoother: its candidates without interactions point where their queries do, only shorter.
        units = vectors.query / np.maximum(np.linalg.norm(vectors.query, axis=1, keepdims=True), 1e-12)
        cold = np.flatnonzero(recommender.items["interaction_count"].to_numpy() == 0)[:SAMPLE]
        asked = search.query[cold] / np.maximum(np.linalg.norm(search.query[cold], axis=1, keepdims=True), 1e-12)
        shorter = float(np.median((search.candidates[cold] * asked).sum(axis=1))) if cold.size else 1.0
        return np.asarray(np.where(vectors.present[:, None], shorter * units, np.nan), dtype=np.float32)
    rank = vectors.smoothed.shape[1]
    length = np.linalg.norm(vectors.smoothed, axis=1, keepdims=True)
    scale, exponent = _scale(recommender, workspace, rank)
    own = vectors.smoothed / np.maximum(length, 1e-12) * np.minimum(scale * np.power(length, 1 - exponent), 1.0)
    full = np.zeros((len(own), width), dtype=np.float32)
    full[:, :rank] = own
    full[:, -1] = np.sqrt(np.maximum(1 - np.square(own).sum(axis=1), 0))
    return np.where(vectors.present[:, None], full, np.nan).astype(np.float32)


_scales: dict[str, tuple[float, float]] = {}


def _scale(recommender: Recommender, workspace: Workspace, rank: int) -> tuple[float, float]:
    """What turns the length of a smoothed vector into that of a candidate: the factor, and the recipe's exponent."""
    key = str(recommender.directory)
    if key not in _scales:
        exponent = recommender.plan.recipe.exponent
        items = recommender.items
        rows = np.flatnonzero(items["interaction_count"].to_numpy() == 0)[:SAMPLE]
        factor = 0.0
        if rows.size:
            seen = vectors_of_unseen(
                recommender, workspace, [described(recommender, int(row), workspace) for row in rows]
            )
            if seen.smoothed is not None:
                theirs = np.linalg.norm(recommender.arm("hybrid").candidates[rows][:, :rank], axis=1)
                ours = np.power(np.linalg.norm(seen.smoothed, axis=1), 1 - exponent)
                factor = float(np.median(theirs / np.maximum(ours, 1e-12)))
        if not factor:
            # Every product has interactions: stand as the lightest of them.
            lengths = np.linalg.norm(recommender.arm("hybrid").candidates[:, :rank], axis=1)
            factor = float(np.quantile(lengths[lengths > 0], 0.05)) if np.any(lengths > 0) else 1.0
        _scales[key] = factor, exponent
    return _scales[key]


_bound_cache: dict[tuple[str, int], np.ndarray] = {}


def _bounds(recommender: Recommender, k: int) -> np.ndarray:
    """(n_items, k) float32, the scores of every product's list, -inf where it is shorter; worked out once per release."""
    key = (f"{recommender.directory}/{recommender.version}", k)
    if key not in _bound_cache:
        search = recommender.arm("hybrid")
        lists = search.of_all(np.arange(len(recommender.items)), k)
        bound = np.full((len(lists), k), -np.inf, dtype=np.float32)
        for place, (rows, scores) in enumerate(lists):
            bound[place, : len(rows)] = scores
        bound[~search.has_list] = np.inf  # no list at all
        _bound_cache.clear()
        _bound_cache[key] = bound
    return _bound_cache[key]


def _merge(own: Sequence[Neighbour], others: Sequence[tuple[float, str]], k: int) -> list[Neighbour]:
    both = [(one.score, one.item_id, one.row) for one in own] + [(score, name, -1) for score, name in others]
    best = sorted(both, key=lambda one: -round(one[0], 6))[:k]
    return [Neighbour(name, row, rank, score) for rank, (score, name, row) in enumerate(best, start=1)]
