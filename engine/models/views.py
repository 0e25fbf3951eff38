"""Views of the content: the rows that the smoother compares products by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from engine.core.vectors import unit_rows
from engine.models.encoders.base import Features
from engine.models.kernel import Rows

__all__ = ["Standard", "fit_standard"]


@dataclass(frozen=True)
class Standard:
    """How features become views: the catalogue's mean of each modality, (d,) float32, is subtracted."""

    means: dict[str, np.ndarray]

    def views(
        self, features: Mapping[str, Features], predicted: np.ndarray, words: sparse.csr_matrix | None
    ) -> dict[str, Rows]:
        """Every view of n items; a modality that an item lacks is a zero row.

        Parameters
        ----------
        predicted : (n, f) float32, predicted factors.
        words : (n, n_words) TF-IDF rows.
        """
        blocks: dict[str, np.ndarray] = {}
        for modality, mean in self.means.items():
            if modality in features:
                block = features[modality]
                blocks[modality] = unit_rows(np.where(block.present[:, None], block.values - mean, np.float32(0.0)))
            else:
                blocks[modality] = np.zeros((len(predicted), len(mean)), dtype=np.float32)
        views: dict[str, Rows] = {"content": unit_rows(np.concatenate(list(blocks.values()), axis=1))}
        if len(blocks) > 1:
            views |= blocks
        views["prediction"] = unit_rows(predicted)
        if words is not None:
            views["words"] = words
        return views


def fit_standard(features: Mapping[str, Features]) -> Standard:
    """The mean of each modality over the items that have it."""
    return Standard({m: f.values[f.present].mean(axis=0) for m, f in features.items() if f.present.any()})
