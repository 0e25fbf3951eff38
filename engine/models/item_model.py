"""A linear model of what goes with what, drawn towards what content and look-alikes say; in closed form.

It predicts every shopper's interactions X from their other ones, as EASE does (Steck 2019, "Embarrassingly shallow
autoencoders for sparse data"), and its weights B are pulled towards a prior R as well as towards 0:

    minimise ||X - X B||^2 + l ||B||^2 + d ||B - R||^2  with  diag B = 0
    P = (X'X + (l + d) I)^-1,  B = P (X'X + d R) - P diag(g),  g_j = [P (X'X + d R)]_jj / P_jj

R is a power of the cosine of the smoothed vectors plus some of that of the words, so a product that hardly anybody bought
is found through its look-alikes, and a well-known one through its own shoppers. Only the scale of R matters beside l + d.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy
from scipy import sparse

from engine.core.errors import TrainingError
from engine.core.vectors import unit_rows
from engine.models.kernel import unit

__all__ = ["MAX_ITEMS", "ItemModel", "item_weights"]

MAX_ITEMS = 10_000
"""The closed form inverts a matrix of all products: 20 seconds of one core and 0.7 GB for so many."""
IN_PRIOR = 100
"""Products that a product's prior is spread over."""
POWER, WORDS = 6, 0.3
KEPT = (8, 256)
"""Fewest and most weights kept for a product; between them they grow with the root of its interactions."""
COLUMNS_AT_ONCE = 512
MOST_RIDGES = 4


@dataclass(frozen=True)
class ItemModel:
    """What one model is made with.

    Attributes
    ----------
    pull : of the prior, in units of the ridge. root : it grows with the interactions of what it points at to this power.
    kept : weights kept for a product with as many interactions as the median, the largest in size; a few are often better
        than all, and the fewer interactions the fewer (`KEPT`).
    """

    pull: float
    root: float
    kept: int


def item_weights(
    user_items: sparse.csr_matrix,
    smoothed: np.ndarray,
    words: sparse.csr_matrix | None,
    models: Sequence[ItemModel],
) -> list[sparse.csr_matrix]:
    """The weights from each product a shopper has (row) to every other (column), by each of several models.

    Parameters
    ----------
    user_items : (n_users, n_items) interactions; n_items at most `MAX_ITEMS`.
    smoothed : (n_items, d) float32, `Hybrid.for_shoppers`. words : (n_items, n_words) TF-IDF rows, or None.

    Returns
    -------
    (n_items, n_items) float32 each, at most as many entries per column as are kept, none on the diagonal.

    Raises `TrainingError` where there are more products, or no interactions.
    """
    has = sparse.csr_matrix(
        (np.ones(user_items.nnz, np.float32), user_items.indices, user_items.indptr), user_items.shape
    )
    n_items, counts = has.shape[1], np.bincount(has.indices, minlength=has.shape[1])
    if n_items > MAX_ITEMS:
        raise TrainingError(f"The item model reads at most {MAX_ITEMS:,} products, not {n_items:,}.")
    if not has.nnz:
        raise TrainingError("No product has interactions, so there is nothing to learn for shoppers.")
    observed = counts[counts > 0]
    inverse, ridge = _inverse(has, float(observed.mean()))
    relative = np.maximum(counts, 0.5) / np.median(observed)
    directions = unit_rows(np.asarray(smoothed, dtype=np.float32))
    units = None if words is None else sparse.csr_matrix(unit(words))
    columns: list[list[sparse.csc_matrix]] = [[] for _ in models]
    for start in range(0, n_items, COLUMNS_AT_ONCE):
        some = np.arange(start, min(start + COLUMNS_AT_ONCE, n_items))
        spread = np.asarray(_prior_rows(directions, units, some) @ inverse)  # (len(some), n_items), as P is symmetric
        for made, model in zip(columns, models, strict=True):
            pull = (ridge * model.pull * relative[some] ** model.root).astype(np.float32)
            weights = _weights(inverse[some], spread * pull[:, None], some, ridge)
            kept = np.clip(model.kept * np.sqrt(relative[some]), *KEPT).astype(np.int64)
            made.append(sparse.csc_matrix(_largest(weights, kept).T))
    return [sparse.csr_matrix(sparse.hstack(made)) for made in columns]


def _inverse(has: sparse.csr_matrix, ridge: float) -> tuple[np.ndarray, float]:
    """(X'X + ridge I)^-1, (n_items, n_items) float32, and the ridge: a larger one where rounding makes it necessary."""
    for _ in range(MOST_RIDGES):
        gram = _gram(has)
        gram[np.diag_indices_from(gram)] += np.float32(ridge)
        factor, failed = scipy.linalg.lapack.spotrf(gram, lower=1, overwrite_a=1)
        if not failed:
            inverse, failed = scipy.linalg.lapack.spotri(factor, lower=1, overwrite_c=1)
            if not failed:
                return _from_lower(inverse), ridge
        ridge *= 10.0
    raise TrainingError("The item model cannot be solved: some products' interactions are too large to be compared.")


def _gram(has: sparse.csr_matrix) -> np.ndarray:
    """(n_items, n_items) float32, in Fortran's order; shoppers who have everything would make a sparse product enormous."""
    n, transposed, columns = has.shape[1], sparse.csr_matrix(has.T), sparse.csc_matrix(has)
    gram = np.empty((n, n), dtype=np.float32, order="F")
    for start in range(0, n, COLUMNS_AT_ONCE):
        some = slice(start, start + COLUMNS_AT_ONCE)
        gram[:, some] = (transposed @ columns[:, some]).toarray()
    return gram


def _from_lower(lower: np.ndarray) -> np.ndarray:
    """The symmetric matrix whose lower triangle this is (in Fortran's order), in place; in C's order."""
    n = len(lower)
    for start in range(0, n, COLUMNS_AT_ONCE):
        end = min(start + COLUMNS_AT_ONCE, n)
        lower[start:end, end:] = lower[end:, start:end].T
        block = np.tril(lower[start:end, start:end])
        lower[start:end, start:end] = block + np.tril(block, -1).T
    return lower.T


def _prior_rows(directions: np.ndarray, words: sparse.csr_matrix | None, rows: np.ndarray) -> sparse.csr_matrix:
    """(len(rows), n_items) float32: how far these products are alike to the `IN_PRIOR` that they are most alike to."""
    alike = np.maximum(directions[rows] @ directions.T, 0.0) ** POWER
    if words is not None:
        alike += np.float32(WORDS) * np.asarray((words[rows] @ words.T).toarray(), dtype=np.float32)
    alike[np.arange(len(rows)), rows] = 0.0
    return _largest(alike, np.full(len(rows), IN_PRIOR))


def _weights(inverse: np.ndarray, prior: np.ndarray, some: np.ndarray, ridge: float) -> np.ndarray:
    """(len(some), n_items), the columns of the weights; the parameters are rows of the symmetric P and of P R, scaled."""
    weights = prior - np.float32(ridge) * inverse
    own = (np.arange(len(some)), some)
    weights[own] += 1.0  # P X'X = I - (l + d) P
    weights -= inverse * (weights[own] / inverse[own])[:, None]
    weights[own] = 0.0
    return weights


def _largest(rows: np.ndarray, kept: np.ndarray) -> sparse.csr_matrix:
    """The `kept` entries of largest size of every row, exactly so many where some are equal."""
    most = min(int(kept.max()), rows.shape[1])
    places = np.argpartition(np.abs(rows), rows.shape[1] - most, axis=1)[:, -most:]
    values = np.take_along_axis(rows, places, axis=1)
    order = np.argsort(-np.abs(values), axis=1, kind="stable")
    inside = np.arange(most) < kept[:, None]
    parts = (np.take_along_axis(part, order, axis=1)[inside] for part in (values, places))
    found = sparse.csr_matrix((*parts, np.concatenate([[0], np.cumsum(inside.sum(axis=1))])), shape=rows.shape)
    found.eliminate_zeros()
    found.sort_indices()
    return found
