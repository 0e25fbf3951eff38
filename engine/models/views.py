"""Views of the content: the rows that the smoother compares products by."""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from engine.core.large_arrays import BLOCK, blocks, zeros
from engine.core.vectors import unit_rows
from engine.models.encoders.base import Features
from engine.models.kernel import Rows

__all__ = ["Standard", "fit_standard"]

CONTENT = "content"


@dataclass(frozen=True)
class Standard:
    """How features become views: the catalogue's mean of each modality, (d,) float32, is subtracted."""

    means: dict[str, np.ndarray]

    def views(
        self,
        features: Mapping[str, Features],
        predicted: np.ndarray,
        words: sparse.csr_matrix | None,
        only: Container[str] | None = None,
    ) -> dict[str, Rows]:
        """Every view of n items; a modality that an item lacks is a zero row.

        Parameters
        ----------
        predicted : (n, f) float32, predicted factors.
        words : (n, n_words) TF-IDF rows.
        only : of "content" and modalities, the views that are wanted; all of them unless given.
        """
        n, single = len(predicted), len(self.means) == 1
        wanted = [name for name in (CONTENT, *self.means) if only is None or name in only]
        width = sum(len(mean) for mean in self.means.values())
        views: dict[str, Rows] = {
            name: zeros((n, width if name == CONTENT else len(self.means[name])))
            for name in wanted
            if name == CONTENT or not single
        }
        for rows in blocks(n if views else 0):
            parts = {name: self._of(name, features.get(name), rows) for name in self.means}
            for name, view in views.items():
                view[rows] = unit_rows(np.concatenate(list(parts.values()), axis=1)) if name == CONTENT else parts[name]
        views["prediction"] = unit_rows(predicted)
        if words is not None:
            views["words"] = words
        return views

    def _of(self, modality: str, block: Features | None, rows: slice) -> np.ndarray:
        """(b, d) float32 unit rows, some items' content about its mean."""
        mean = self.means[modality]
        if block is None:
            return np.zeros((rows.stop - rows.start, len(mean)), dtype=np.float32)
        about = np.where(block.present[rows][:, None], block.values[rows] - mean, np.float32(0.0))
        return unit_rows(about)


def fit_standard(features: Mapping[str, Features]) -> Standard:
    """The mean of each modality over the items that have it."""
    return Standard({name: _mean(one) for name, one in features.items() if one.present.any()})


def _mean(block: Features) -> np.ndarray:
    """(d,) float32, over the items that have it; in double precision, block by block, where they are many."""
    if len(block.present) <= BLOCK:
        return np.asarray(block.values[block.present].mean(axis=0))
    total = np.zeros(block.values.shape[1])
    for rows in blocks(len(block.present)):
        total += block.values[rows][block.present[rows]].sum(axis=0, dtype=np.float64)
    return np.asarray(total / block.present.sum(), dtype=np.float32)
