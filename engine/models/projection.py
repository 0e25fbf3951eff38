"""Two-dimensional maps of the item space: t-SNE by openTSNE (Poličar, Stražar and Zupan 2024), started from principal components or from another map.

A map that starts from another one keeps its arrangement: what stays alike stays where it was, so that the same product can be found in both
(initialisation decides the global arrangement of t-SNE: Kobak and Linderman 2021). The result is turned, mirrored, scaled and moved onto the other map.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from engine.core.errors import TrainingError
from engine.core.joined_rows import Table
from engine.core.large_arrays import blocks
from engine.core.side_by_side import side_by_side
from engine.core.vectors import unit_rows
from engine.models.near_points import nearest_points

if TYPE_CHECKING:
    from openTSNE.affinity import Affinities

__all__ = ["principal_components", "project"]

PERPLEXITY = 20.0
EXAGGERATED_ITERATIONS, ITERATIONS = 80, 200
"""Less than half of the usual number: by then, neighbourhoods of a few thousand items have settled."""
SIZE = 0.18
"""How wide a settled map of n items is to begin with, in standard deviations over the root of n: half of what it comes to."""
THETA = 0.8
MAX_FITTED = 20_000
"""In larger catalogues a sample of this size is laid out, the other items are added to it, and then all of them move together."""
NEIGHBOURS = 15
SETTLING_ITERATIONS, SETTLING_EXAGGERATION = 60, 2.0
"""How long all items of a large catalogue move, and how much harder they attract each other than push: less, and groups run into one another."""
WIDEST = 64
"""Neighbours in large catalogues are found by so many principal components."""
CENTRED = 8_192
"""Items whose differences from the middle are held in double precision at a time."""
MIN_SHARED = 1000
"""With fewer items, threads wait for each other longer than they work."""
MIN_FITTED = 5
"""Fewer items are laid out by their principal components."""


def project(vectors: Table, seed: int, start: np.ndarray | None = None) -> np.ndarray:
    """Lay items out so that items with similar directions lie close together.

    Parameters
    ----------
    vectors : (n, d) finite; compared by cosine.
    seed : of the layout, and of the sample of large catalogues; the same vectors, seed and start give the same map.
    start : (n, 2), where the items lay on another map, NaN for those that were not on it. They stay close to it.

    Returns
    -------
    (n, 2) float32 within [-1, 1], centred unless there is a start; all zero if all vectors are equal.

    Raises `TrainingError` if a number is not finite.
    """
    if vectors.ndim != 2 or not all(np.isfinite(vectors[rows]).all() for rows in blocks(len(vectors))):
        raise TrainingError("The vectors of the map are not a table of finite numbers. Train again.")
    unit = _units(vectors)
    if len(unit) < MIN_FITTED or np.ptp(unit, axis=0).max(initial=0.0) < 1e-9:
        return _framed(principal_components(unit))
    known = None if start is None else np.isfinite(start).all(axis=1)
    if start is None or known is None or known.sum() < MIN_FITTED or not np.ptp(start[known], axis=0).all():
        return _framed(_laid_out(unit, principal_components(unit), seed))
    first = np.where(known[:, None], start, 0.0)
    if not known.all():
        first[~known] = _among(unit[~known], unit[known], first[known])
    points = _onto(_laid_out(unit, first, seed, settled=True), start, known)
    return np.asarray(points / max(1.0, float(np.abs(points).max())), dtype=np.float32)


def _units(vectors: Table) -> np.ndarray:
    """(n, d) unit rows: float64, but in large catalogues float32."""
    if len(vectors) > MAX_FITTED:
        return unit_rows(vectors)
    vectors = np.asarray(vectors)
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(np.divide(vectors, lengths, out=np.zeros(vectors.shape), where=lengths > 1e-12))


def _laid_out(unit: np.ndarray, first: np.ndarray, seed: int, settled: bool = False) -> np.ndarray:
    """(n, 2): t-SNE of the items, or of a sample among which the others then find their places.

    Where `first` is a settled map, it is started from at full size: from a small one, groups would spread in other directions.
    """
    layout_of = _moved if settled else _layout
    if len(unit) <= MAX_FITTED:
        return layout_of(unit, first, seed)
    rng = np.random.default_rng(seed)
    sample = np.sort(rng.choice(len(unit), MAX_FITTED, replace=False))
    layout = layout_of(unit[sample], first[sample], seed)
    narrow = _narrow(unit)
    points = _among(narrow, narrow[sample], layout)
    points += rng.normal(scale=0.002 * np.ptp(layout), size=points.shape)  # so that none hides another
    points[sample] = layout
    return _settled(narrow, points, seed)


def _layout(unit: np.ndarray, first: np.ndarray, seed: int) -> np.ndarray:
    from openTSNE import TSNE

    fitted = TSNE(
        initialization=first / max(float(first[:, 0].std()), 1e-12) * 1e-4,
        early_exaggeration_iter=EXAGGERATED_ITERATIONS,
        n_iter=ITERATIONS,
        **_method(unit, seed),
    ).fit(affinities=_exact_affinities(unit))
    return np.asarray(fitted, dtype=np.float64)


def _moved(unit: np.ndarray, first: np.ndarray, seed: int) -> np.ndarray:
    from openTSNE import TSNEEmbedding

    size = SIZE * np.sqrt(len(unit)) / max(float(first.std()), 1e-12)
    noise = np.random.default_rng(seed).normal(scale=0.01, size=first.shape)  # items on one point would never part
    embedding = TSNEEmbedding(first * size + noise, _exact_affinities(unit), **_method(unit, seed))
    return np.asarray(embedding.optimize(ITERATIONS, momentum=0.8), dtype=np.float64)


def _method(unit: np.ndarray, seed: int) -> dict[str, Any]:
    """Exact neighbours and the Barnes-Hut method give the same bits for any number of threads."""
    return {"negative_gradient_method": "bh", "theta": THETA, "n_jobs": _threads(len(unit)), "random_state": seed}


def _exact_affinities(unit: np.ndarray) -> Affinities:
    from openTSNE.affinity import PerplexityBasedNN

    # Unit vectors have the same neighbours by cosine and by Euclidean distance.
    perplexity = min(PERPLEXITY, (len(unit) - 1) / 3)
    return PerplexityBasedNN(unit, perplexity=perplexity, method="exact", n_jobs=_threads(len(unit)))


def _settled(narrow: np.ndarray, points: np.ndarray, seed: int) -> np.ndarray:
    """All items of a large catalogue, moved together from where they were put: by then only their close surroundings matter."""
    from openTSNE import TSNEEmbedding

    embedding = TSNEEmbedding(
        points,
        _affinities(narrow),
        negative_gradient_method="fft",
        n_jobs=_threads(len(points)),
        random_state=seed,
    )
    moved = embedding.optimize(SETTLING_ITERATIONS, exaggeration=SETTLING_EXAGGERATION, momentum=0.8)
    return np.asarray(moved, dtype=np.float64)


def _affinities(narrow: np.ndarray) -> Affinities:
    from openTSNE.affinity import PerplexityBasedNN
    from openTSNE.nearest_neighbors import PrecomputedNeighbors

    neighbours, distances = nearest_points(narrow, narrow, NEIGHBOURS + 1)
    index = PrecomputedNeighbors(neighbours[:, 1:], distances[:, 1:])
    return PerplexityBasedNN(perplexity=NEIGHBOURS / 3, knn_index=index, n_jobs=_threads(len(narrow)))


def _threads(n: int) -> int:
    import torch

    return torch.get_num_threads() if n >= MIN_SHARED else 1  # see `engine.models.threads`


def principal_components(unit: np.ndarray, wanted: int = 2) -> np.ndarray:
    """(n, wanted): the directions of most variance, with the sign that makes their largest weight positive."""
    points = np.zeros((len(unit), wanted))
    if len(unit) < 2:
        return points
    middle = sum(unit[rows].sum(0, dtype=np.float64) for rows in blocks(len(unit))) / len(unit)

    def squared(rows: slice) -> np.ndarray:
        centred = unit[rows] - middle
        return np.asarray(centred.T @ centred)

    gram = sum(side_by_side(squared, blocks(len(unit), CENTRED)))
    _, directions = np.linalg.eigh(gram)
    first = directions[:, : -min(wanted, unit.shape[1]) - 1 : -1]
    first = first * np.sign(first[np.abs(first).argmax(0), np.arange(first.shape[1])])
    parts = side_by_side(lambda rows: (unit[rows] - middle) @ first, blocks(len(unit), CENTRED))
    points[:, : first.shape[1]] = np.concatenate(list(parts))
    return points


def _narrow(unit: np.ndarray) -> np.ndarray:
    """(n, at most WIDEST) float32, in which distances are nearly what they were."""
    return np.asarray(unit if unit.shape[1] <= WIDEST else principal_components(unit, WIDEST), dtype=np.float32)


def _among(asking: np.ndarray, placed: np.ndarray, places: np.ndarray) -> np.ndarray:
    """(n, 2): each item at the median place of its nearest placed items."""
    nearest, _ = nearest_points(asking, placed, min(NEIGHBOURS, len(placed)))
    return np.asarray(np.median(places[nearest], axis=1))


def _onto(points: np.ndarray, start: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Turned, mirrored, scaled and moved so that the known items lie close to where they were (orthogonal Procrustes).

    The scale makes both equally wide. The one of least squares would shrink a map the more, the less it agrees with the other.
    """
    middle, other = points[known].mean(0), start[known].mean(0)
    centred, wanted = points[known] - middle, start[known] - other
    left, _, right = np.linalg.svd(centred.T @ wanted)
    scale = np.linalg.norm(wanted) / max(float(np.linalg.norm(centred)), 1e-12)
    return np.asarray((points - middle) @ (left @ right) * scale + other)


def _framed(points: np.ndarray) -> np.ndarray:
    points = points - (points.max(0, initial=0.0) + points.min(0, initial=0.0)) / 2 if len(points) else points
    framed: np.ndarray = (points / max(float(np.abs(points).max(initial=0.0)), 1e-12)).astype(np.float32)
    return framed
