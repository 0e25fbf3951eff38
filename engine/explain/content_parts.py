"""Content vectors taken apart again: what each modality adds to a cosine, and how alike two products are in it.

"Similar" is told by random pairs of the catalogue: a pair stands above a share of them. The pairs are a sample of `SAMPLED`, so
`SIMILAR` asks for three standard errors more than the 95 of 100 that people are told, and `VERY_SIMILAR` for three more than 99.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np

from engine.arms.geometry import BlockLayout
from engine.core.vectors import unit_rows
from engine.models.encoders import content_widths
from engine.models.recipe import CONTENT
from engine.recommend.recommender import Recommender

__all__ = ["SIMILAR", "VERY_SIMILAR", "ContentParts"]

SIMILAR, VERY_SIMILAR = 0.961, 0.995
SAMPLED = 4000
_ROUNDING = 1e-6


class ContentParts:
    """The content vectors of one release, by modality."""

    def __init__(self, release: Recommender) -> None:
        self._search = release.arm(CONTENT)
        widths = content_widths(release.manifest.dims)
        self._layout = BlockLayout(widths) if sum(widths.values()) == self._search.query.shape[1] else None

    def sums(self, query: np.ndarray, candidates: np.ndarray) -> dict[str, np.ndarray]:
        """What each modality adds to the inner products of a query (d,) with candidates (n, d): name -> (n,) float32.

        All content together as "content" where the manifest does not say whose the columns are.
        """
        if self._layout is None:
            return {CONTENT: candidates @ query}
        return {
            name: self._layout.block(candidates, name) @ self._layout.block(query[None], name)[0]
            for name in self._layout.widths
        }

    def alike(self, query: np.ndarray, rows: np.ndarray) -> dict[str, np.ndarray]:
        """Modality -> (n,) the share of random pairs of products that are less alike than a query (d,) and each row."""
        if self._layout is None or not len(rows):
            return {}
        vectors, found = np.asarray(self._search.candidates[rows]), {}
        for name, pairs in self._random_pairs.items():
            mine = unit_rows(self._layout.block(query[None], name))[0]
            cosines = unit_rows(self._layout.block(vectors, name)) @ mine
            found[name] = np.searchsorted(pairs, cosines - _ROUNDING) / max(len(pairs), 1)
        return found

    @cached_property
    def _random_pairs(self) -> dict[str, np.ndarray]:
        """Modality -> (n,) float32 ascending, cosines of random pairs of products that have it."""
        assert self._layout is not None
        vectors = self._search.candidates
        one, other = np.random.default_rng(0).integers(0, len(vectors), (2, SAMPLED))
        apart = one != other
        left, right = np.asarray(vectors[one[apart]]), np.asarray(vectors[other[apart]])
        found = {}
        for name in self._layout.widths:
            mine, theirs = (unit_rows(self._layout.block(side, name)) for side in (left, right))
            both = mine.any(axis=1) & theirs.any(axis=1)
            found[name] = np.sort((mine[both] * theirs[both]).sum(axis=1))
        return found
