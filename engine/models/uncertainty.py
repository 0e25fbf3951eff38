"""How much of a smoothed vector is guesswork: its posterior variance over its prior variance, between 0 and 1."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import scipy
from scipy import sparse

from engine.models.kernel import Kernel, Rows, present

__all__ = ["TELLING", "among_all", "among_landmarks", "both_factors", "by_explained", "explained_factor"]

TELLING = 48
"""The variance is taken given so many observed items, those that tell most; the rest would lower it by little."""
AT_ONCE, SOLVED_AT_ONCE, COLUMNS_AT_ONCE = 256, 256, 512
JITTER = 1e-3


def among_all(
    kernel: Kernel, landmarks: Mapping[str, Rows], noise: np.ndarray, cross: np.ndarray, prior: np.ndarray
) -> np.ndarray:
    """(n,) float32, where each of the m landmarks is an observed item.

    Parameters
    ----------
    noise : (m,) float32, variances of what was observed of the landmarks.
    cross : (n, m) float32, similarities of n items to the landmarks. prior : (n,) float32, to themselves.
    """
    kept = min(TELLING, cross.shape[1])
    tells = np.square(cross) / (1.0 + noise)
    near = np.sort(np.argpartition(-tells, kept - 1, axis=1)[:, :kept], axis=1)
    found = np.empty(len(cross), dtype=np.float32)
    for start in range(0, len(cross), AT_ONCE):
        rows = near[start : start + AT_ONCE]
        similar = np.take_along_axis(cross[start : start + AT_ONCE], rows, axis=1)
        system = _similar(kernel, landmarks, rows)
        place = np.arange(kept)
        system[:, place, place] += noise[rows]
        solved = np.linalg.solve(system, similar[:, :, None])[:, :, 0]
        found[start : start + AT_ONCE] = (similar * solved).sum(axis=1)
    return _share(prior - found, prior)


def among_landmarks(
    kernel: Kernel, landmarks: Mapping[str, Rows], factor: np.ndarray
) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    """A function of `cross` (n, m) and `prior` (n,) as above, where m landmarks stand for all items.

    What landmarks cannot represent of an item counts as unknown (the deterministic training conditional; Quinonero-Candela
    and Rasmussen 2005).

    Parameters
    ----------
    factor : (m, m), the lower Cholesky factor of the landmarks' system.
    """
    before, after = (_squared_solution(one) for one in both_factors(kernel, landmarks, factor))

    def share(cross: np.ndarray, prior: np.ndarray) -> np.ndarray:
        return _share(prior - before(cross) + after(cross), prior)

    return share


def _squared_solution(lower: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """A function of `cross` (n, m): (n,) float32, the squared lengths of the solutions of lower (m, m) x = cross'.

    Block by block, so that matrix products do it: other threads work beside those, and not beside SciPy's triangular systems.
    """
    m = len(lower)
    parts = [slice(start, min(start + SOLVED_AT_ONCE, m)) for start in range(0, m, SOLVED_AT_ONCE)]
    inverses = [
        scipy.linalg.solve_triangular(
            lower[part, part].astype(np.float64), np.eye(part.stop - part.start), lower=True
        ).astype(np.float32)
        for part in parts
    ]

    def squared(cross: np.ndarray) -> np.ndarray:
        solved = np.empty((m, len(cross)), dtype=np.float32)
        for part, inverse in zip(parts, inverses, strict=True):
            solved[part] = inverse @ (cross.T[part] - lower[part, : part.start] @ solved[: part.start])
        return np.asarray(np.einsum("mn,mn->n", solved, solved))

    return squared


def both_factors(kernel: Kernel, landmarks: Mapping[str, Rows], factor: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(m, m) float32 lower Cholesky factors: of the landmarks' similarities, and of the system that was fitted."""
    return _own_factor(kernel, landmarks).astype(np.float32), factor.astype(np.float32)


def by_explained(explains: np.ndarray) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    """What `among_landmarks` gives, by `explained_factor`: for very many items in half the time."""
    parts = [slice(start, start + COLUMNS_AT_ONCE) for start in range(0, len(explains), COLUMNS_AT_ONCE)]

    def share(cross: np.ndarray, prior: np.ndarray) -> np.ndarray:
        explained = np.zeros(len(cross), dtype=np.float32)
        for part in parts:  # above its diagonal there is nothing
            found = cross[:, part.start :] @ explains[part.start :, part]
            explained += np.einsum("nm,nm->n", found, found)
        return _share(prior - explained, prior)

    return share


def explained_factor(kernel: Kernel, landmarks: Mapping[str, Rows], factor: np.ndarray) -> np.ndarray:
    """(m, m) float32, lower triangular: the squared length of `cross @ it` is what is explained of each item's prior variance.

    That is the difference of two quadratic forms, by the inverses of the landmarks' similarities and of their system (its lower Cholesky factor). Both are taken at
    once, in double precision, so items are multiplied with one triangular matrix instead of two; finding it costs as much as some forty thousand items.
    """
    explained = _inverse(_own_factor(kernel, landmarks)) - _inverse(factor.astype(np.float64))
    try:
        return np.asarray(scipy.linalg.cholesky(explained, lower=True), dtype=np.float32)
    except scipy.linalg.LinAlgError:  # some explain nothing, up to rounding
        squares, directions = scipy.linalg.eigh(explained)
        roots = np.sqrt(np.maximum(squares, 0.0))[:, None] * directions.T
        upper = np.asarray(np.linalg.qr(roots, mode="r"))
        return np.asarray(upper.T, dtype=np.float32)


def _own_factor(kernel: Kernel, landmarks: Mapping[str, Rows]) -> np.ndarray:
    """(m, m) float64, the lower Cholesky factor of the landmarks' similarities."""
    own = kernel(landmarks, landmarks).astype(np.float64)
    own[np.diag_indices_from(own)] += JITTER * float(kernel.prior(landmarks).mean())
    return np.asarray(scipy.linalg.cholesky(own, lower=True))


def _inverse(lower: np.ndarray) -> np.ndarray:
    """(m, m) float64, of the matrix whose lower Cholesky factor this is."""
    half, _ = scipy.linalg.lapack.dpotri(lower, lower=1)
    return np.asarray(np.tril(half) + np.tril(half, -1).T)


def _similar(kernel: Kernel, landmarks: Mapping[str, Rows], rows: np.ndarray) -> np.ndarray:
    """(n, k, k) float32, the similarities among k landmarks, for each of n choices of them."""
    n, kept = rows.shape
    total = np.zeros((n, kept, kept), dtype=np.float32)
    for view in kernel.weights:
        values = landmarks[view]
        if isinstance(values, sparse.csr_matrix):
            some = [values[one] for one in rows]
            cosines = np.stack([(one @ one.T).toarray() for one in some]).astype(np.float32)
            known = present(values)[rows]
        else:
            chosen = values[rows]
            cosines, known = chosen @ chosen.transpose(0, 2, 1), chosen.any(axis=2)
        total += kernel.of_cosines(view, cosines, known, known)
    return total


def _share(variance: np.ndarray, prior: np.ndarray) -> np.ndarray:
    """Posterior over prior variance, kept between 0 and 1; 1 where there is no content."""
    share = np.divide(variance, prior, out=np.ones_like(prior), where=prior > 0)
    return np.asarray(np.clip(share, 0.0, 1.0), dtype=np.float32)
