"""Approved drafts among the served lists: an exact search over the few of them, merged with the release's own.

A draft's vectors are those the release gives a product without interactions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from engine.catalogue.product import Product
from engine.core.progress import Progress, silent
from engine.core.vectors import unit_rows
from engine.core.workspace import Workspace
from engine.edits.drafts.store import Draft
from engine.recommend.neighbour import Neighbour
from engine.recommend.recommender import Recommender
from engine.recommend.unseen import vectors_of_unseen
from engine.recommend.vector_cache import Arrays, VectorCache, cache_key

__all__ = ["DraftBuffer", "drafts_in_cache", "vectors_of_drafts"]

ARM = "hybrid"


@dataclass(frozen=True)
class DraftBuffer:
    """The approved drafts beside a release; valid until they change (`DraftStore.stamp`)."""

    recommender: Recommender
    workspace: Workspace
    drafts: tuple[Draft, ...]

    @property
    def ids(self) -> list[str]:
        """Ids in order."""
        return [draft.id for draft in self.drafts]

    def merged(self, item_id: str, neighbours: Sequence[Neighbour], k: int) -> list[Neighbour]:
        """A product's list with the approved drafts ranked in it by similarity; drafts have row -1."""
        if not self.drafts:
            return list(neighbours)
        query = self.recommender.arm(ARM).query[[self.recommender.row(item_id)]]
        return _merge(neighbours, self._scores(query), k)

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
        """The list of a draft: products of the catalogue, and other approved drafts."""
        query = self._vectors["query"][[self.ids.index(draft_id)]]
        own = self.recommender.found(*self.recommender.arm(ARM).of_vector(query[0], k))
        others = [(score, one) for score, one in self._scores(query) if one != draft_id]
        return _merge(own, others if query.any() else [], k)

    def candidate(self, draft_id: str) -> np.ndarray | None:
        """What an approved draft is found by, (d,) float32; None where there is no such draft."""
        return self._vectors["candidate"][self.ids.index(draft_id)] if draft_id in self.ids else None

    def _scores(self, query: np.ndarray) -> list[tuple[float, str]]:
        """How similar each draft is to a query (1, d), for those that can be neighbours."""
        candidates = self._vectors["candidate"]
        scores = candidates @ unit_rows(np.asarray(query))[0]
        return [(float(scores[row]), self.ids[row]) for row in np.flatnonzero(candidates.any(axis=1))]

    @cached_property
    def _vectors(self) -> dict[str, np.ndarray]:
        """`query` and `candidate`, (n_drafts, d) float32 each."""
        nothing = np.zeros(self.recommender.arm(ARM).query.shape[1], dtype=np.float32)
        found = vectors_of_drafts(self.recommender, self.workspace, self.drafts)
        return {
            side: np.stack([nothing if one is None else one[side] for one in found]) for side in ("query", "candidate")
        }


def vectors_of_drafts(
    recommender: Recommender, workspace: Workspace, drafts: Sequence[Draft], progress: Progress = silent
) -> list[Arrays | None]:
    """Each draft's vectors in this release, from the cache on disk or else computed; None for one that cannot be read.

    `query` and `candidate` (d,) float32, zero where the release reads nothing of it.
    """
    products = _readable(recommender, workspace, drafts)

    def compute(positions: list[int]) -> list[Arrays]:
        sides = vectors_of_unseen(recommender, workspace, [products[position] for position in positions]).sides[ARM]
        return [
            {"query": query, "candidate": candidate}
            for query, candidate in zip(sides.query, sides.candidates, strict=True)
        ]

    return VectorCache(workspace, recommender.edition).fill([_key(one) for one in products], compute, progress)


def drafts_in_cache(recommender: Recommender, workspace: Workspace, drafts: Sequence[Draft]) -> list[Draft]:
    """The drafts whose vectors are in the cache: to serve them no picture is read and no network is loaded."""
    cache = VectorCache(workspace, recommender.edition)
    products = _readable(recommender, workspace, drafts)
    return [draft for draft, one in zip(drafts, products, strict=True) if cache.read(_key(one)) is not None]


def _readable(recommender: Recommender, workspace: Workspace, drafts: Sequence[Draft]) -> list[Product]:
    return [draft.product.readable_by(recommender.attribute_kinds, workspace) for draft in drafts]


def _key(product: Product) -> str:
    return cache_key("new", product.to_json())


def _merge(own: Sequence[Neighbour], others: Sequence[tuple[float, str]], k: int) -> list[Neighbour]:
    both = [(one.score, one.item_id, one.row) for one in own] + [(score, name, -1) for score, name in others]
    best = sorted(both, key=lambda one: -round(one[0], 6))[:k]
    return [Neighbour(name, row, rank, score) for rank, (score, name, row) in enumerate(best, start=1)]
