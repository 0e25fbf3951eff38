"""Features of several modalities as one content vector per item."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from engine.core.large_arrays import blocks, zeros
from engine.core.side_by_side import do_side_by_side
from engine.core.vectors import unit_rows
from engine.models.encoders.base import Features
from engine.models.encoders.registry import MODALITIES

__all__ = ["content_vectors", "content_widths"]

AT_ONCE = 1 << 13
"""Products whose modalities are put together in one thread."""
MAX_CONTENT_DIM = 1024
"""Wider blocks (many brands, many attributes) are projected to this width before they enter a content vector."""


def content_vectors(features: Mapping[str, Features], weights: Mapping[str, float] | None = None) -> np.ndarray:
    """One unit vector per item from all modalities: their cosine is the weighted mean of the modalities' cosines.

    Parameters
    ----------
    features : by modality, all of n items.
    weights : what a modality counts; 1 unless given.

    Returns
    -------
    (n, d) float32: each modality at unit length, concatenated in the order of `MODALITIES`, at unit length again.
    Zero rows for items without any content.
    """
    tables = {modality: features[modality].values for modality in MODALITIES if modality in features}
    if not tables:
        raise ValueError("content_vectors needs the features of at least one modality")
    n, widths = len(next(iter(tables.values()))), content_widths({name: one.shape[1] for name, one in tables.items()})
    signs = {name: _signs(one.shape[1]) for name, one in tables.items()}
    found = zeros((n, sum(widths.values())))

    def put_together(rows: slice) -> None:
        parts = [
            math.sqrt((weights or {}).get(name, 1.0)) * unit_rows(_narrow(one[rows], signs[name]))
            for name, one in tables.items()
        ]
        found[rows] = unit_rows(np.concatenate(parts, axis=1))

    do_side_by_side(put_together, blocks(n, AT_ONCE))
    return found


def content_widths(dims: Mapping[str, int]) -> dict[str, int]:
    """Modality -> number of its columns in a content vector, in order; `dims` are those of the encoders."""
    return {modality: min(dims[modality], MAX_CONTENT_DIM) for modality in MODALITIES if modality in dims}


def _narrow(values: np.ndarray, signs: np.ndarray | None) -> np.ndarray:
    projected: np.ndarray = values if signs is None else values @ signs
    return projected


def _signs(width: int) -> np.ndarray | None:
    """A fixed random projection of a very wide block, which preserves cosines to about 1/sqrt(width) (Achlioptas 2003); None for others.

    It depends on the width alone, so a product uploaded later is projected exactly as the catalogue was.
    """
    if width <= MAX_CONTENT_DIM:
        return None
    signs = np.random.default_rng(width).integers(0, 2, size=(width, MAX_CONTENT_DIM), dtype=np.int8)
    return np.asarray((2.0 * signs - 1.0).astype(np.float32))
