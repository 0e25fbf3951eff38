"""Two-dimensional maps of the item space: t-SNE by openTSNE (Poličar, Stražar and Zupan 2024), started from principal components."""

from __future__ import annotations

import numpy as np

from engine.core.errors import TrainingError

__all__ = ["project"]

PERPLEXITY = 30.0
EXAGGERATED_ITERATIONS, ITERATIONS = 80, 150
"""A quarter of the usual number: by then, neighbourhoods of a few thousand items have settled."""
THETA = 0.8
MAX_FITTED = 20_000
"""In larger catalogues a sample of this size is laid out, and the other items are added to it."""
NEIGHBOURS = 15
MIN_SHARED = 1000
"""With fewer items, threads wait for each other longer than they work."""
MIN_FITTED = 5
"""Fewer items are laid out by their principal components."""


def project(vectors: np.ndarray, seed: int) -> np.ndarray:
    """Lay items out so that items with similar directions lie close together.

    Parameters
    ----------
    vectors : (n, d) finite; compared by cosine.
    seed : of the layout, and of the sample of large catalogues; the same vectors and seed give the same map.

    Returns
    -------
    (n, 2) float32, centred, within [-1, 1]; all zero if all vectors are equal.

    Raises `TrainingError` if a number is not finite.
    """
    if vectors.ndim != 2 or not np.isfinite(vectors).all():
        raise TrainingError("The vectors of the map are not a table of finite numbers. Train again.")
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit = np.divide(vectors, lengths, out=np.zeros(vectors.shape), where=lengths > 1e-12)
    rng = np.random.default_rng(seed)
    if len(unit) < MIN_FITTED or np.ptp(unit, axis=0).max(initial=0.0) < 1e-9:
        return _framed(_principal_components(unit))
    if len(unit) <= MAX_FITTED:
        return _framed(_layout(unit, seed))
    sample = np.sort(rng.choice(len(unit), MAX_FITTED, replace=False))
    layout = _layout(unit[sample], seed)
    points = _added(unit, unit[sample], layout, rng)
    points[sample] = layout
    return _framed(points)


def _layout(unit: np.ndarray, seed: int) -> np.ndarray:
    import torch
    from openTSNE import TSNE

    fitted = TSNE(
        perplexity=min(PERPLEXITY, (len(unit) - 1) / 3),
        initialization=_start(unit),
        early_exaggeration_iter=EXAGGERATED_ITERATIONS,
        n_iter=ITERATIONS,
        theta=THETA,
        # Unit vectors have the same neighbours by cosine and by Euclidean distance. Exact neighbours and the Barnes-Hut
        # method give the same bits for any number of threads.
        neighbors="exact",
        negative_gradient_method="bh",
        n_jobs=torch.get_num_threads() if len(unit) >= MIN_SHARED else 1,  # see `engine.models.threads`
        random_state=seed,
    ).fit(unit)
    return np.asarray(fitted, dtype=np.float64)


def _start(unit: np.ndarray) -> np.ndarray:
    """Principal components, scaled as t-SNE's start (standard deviation 1e-4)."""
    points = _principal_components(unit)
    return np.asarray(points / max(float(points[:, 0].std()), 1e-12) * 1e-4)


def _principal_components(unit: np.ndarray) -> np.ndarray:
    """(n, 2): the two directions of most variance, with the sign that makes their largest weight positive."""
    points = np.zeros((len(unit), 2))
    if len(unit) < 2:
        return points
    centred = unit - unit.mean(0)
    _, directions = np.linalg.eigh(centred.T @ centred)
    first = directions[:, : -min(2, centred.shape[1]) - 1 : -1]
    first = first * np.sign(first[np.abs(first).argmax(0), np.arange(first.shape[1])])
    points[:, : first.shape[1]] = centred @ first
    return points


def _added(unit: np.ndarray, fitted: np.ndarray, layout: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Each item at the median of its nearest fitted items, with a little noise so that none hides another."""
    from sklearn.neighbors import NearestNeighbors

    nearest = NearestNeighbors(n_neighbors=NEIGHBOURS, algorithm="brute").fit(fitted)
    points = np.median(layout[nearest.kneighbors(unit, return_distance=False)], axis=1)
    return np.asarray(points + rng.normal(scale=0.002 * np.ptp(layout), size=points.shape))


def _framed(points: np.ndarray) -> np.ndarray:
    points = points - (points.max(0, initial=0.0) + points.min(0, initial=0.0)) / 2 if len(points) else points
    framed: np.ndarray = (points / max(float(np.abs(points).max(initial=0.0)), 1e-12)).astype(np.float32)
    return framed
