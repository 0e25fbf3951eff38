"""Thinning: well-known items are stripped of most of their history, which then says what a good ranking would be.

The popular half of a catalogue is the only place where the truth about an item is known. `thin` hides it: a target
keeps m of its interactions, one half of the hidden ones (A) is shown only to the rich references that set the ceiling,
the other half (B) is the truth. `hold_out` is the second protocol, for items that keep most of their history.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from engine.core.errors import TrainingError

__all__ = ["LEVELS", "HeldOut", "Thinned", "hold_out", "only", "thin"]

LEVELS = (0, 1, 2, 3, 5, 10)
"""How many interactions a target may keep."""


@dataclass(frozen=True)
class Thinned:
    """One thinned split; the three matrices are `(n_users, n_items)`, disjoint, and add up to the original.

    Attributes
    ----------
    train : what models may see.
    half_a : hidden; shown only to rich references, as `train + half_a`.
    half_b : hidden; the truth.
    targets : (n_targets,) int64, ascending rows of the thinned items.
    m : (n_targets,) int64, interactions each target kept.
    """

    train: sparse.csr_matrix
    half_a: sparse.csr_matrix
    half_b: sparse.csr_matrix
    targets: np.ndarray
    m: np.ndarray

    @property
    def candidates(self) -> np.ndarray:
        """(n_items,) bool: every item that is no target."""
        allowed = np.ones(self.train.shape[1], dtype=bool)
        allowed[self.targets] = False
        return allowed


@dataclass(frozen=True)
class HeldOut:
    """A random share of all interactions hidden; `anchors` are the rows that still have many in `train`."""

    train: sparse.csr_matrix
    hidden: sparse.csr_matrix
    anchors: np.ndarray


def thin(
    user_items: sparse.csr_matrix,
    rng: np.random.Generator,
    *,
    min_interactions: int = 12,
    target_share: float = 0.3,
    levels: tuple[int, ...] = LEVELS,
    max_targets: int | None = None,
) -> Thinned:
    """Draw targets among the well-known items, give each an m, balanced, and hide all but m of its interactions.

    Parameters
    ----------
    user_items : (n_users, n_items), one entry per distinct shopper-item pair.
    min_interactions : items with at least this many are well known.
    target_share : share of the well-known items that become targets.
    levels : the values of m; each is given to as many targets as any other, up to one.
    max_targets : at most this many targets, for a small sample.

    Raises `TrainingError` when there are fewer than two well-known items.
    """
    items = _canonical(user_items).tocsc()
    counts = np.diff(items.indptr)
    well_known = np.flatnonzero(counts >= min_interactions)
    if len(well_known) < 2:
        raise TrainingError(
            f"Only {len(well_known)} products have at least {min_interactions} interactions, too few to measure quality. "
            "Load more interactions, or lower evaluation.min_interactions."
        )
    n_targets = max(1, round(target_share * len(well_known)))
    if max_targets is not None:
        n_targets = min(n_targets, max_targets)
    targets = np.sort(rng.choice(well_known, n_targets, replace=False)).astype(np.int64)
    m = rng.permutation(np.resize(np.asarray(levels, dtype=np.int64), n_targets))

    part = np.zeros(items.nnz, dtype=np.int8)  # 0 train, 1 half A, 2 half B
    for target, kept in zip(targets, m, strict=True):
        entries = rng.permutation(np.arange(items.indptr[target], items.indptr[target + 1]))[kept:]
        middle = (len(entries) + int(rng.integers(2))) // 2  # an odd one goes either way by chance
        part[entries[:middle]] = 1
        part[entries[middle:]] = 2
    train, half_a, half_b = (only(items, part == number) for number in range(3))
    return Thinned(train, half_a, half_b, targets, m)


def hold_out(
    user_items: sparse.csr_matrix, rng: np.random.Generator, *, share: float = 0.2, min_left: int = 30
) -> HeldOut:
    """Hide a random `share` of all interactions; anchors are the items with at least `min_left` left."""
    items = _canonical(user_items).tocsc()
    hidden = np.zeros(items.nnz, dtype=bool)
    hidden[rng.choice(items.nnz, round(share * items.nnz), replace=False)] = True
    train = only(items, ~hidden)
    anchors = np.flatnonzero(np.bincount(train.indices, minlength=train.shape[1]) >= min_left)
    return HeldOut(train, only(items, hidden), anchors.astype(np.int64))


def _canonical(user_items: sparse.csr_matrix) -> sparse.csr_matrix:
    clean = sparse.csr_matrix(user_items, copy=True)
    clean.sum_duplicates()
    clean.eliminate_zeros()
    return clean


def only(items: sparse.csc_matrix, keep: np.ndarray) -> sparse.csr_matrix:
    """The entries of `items` that `keep` marks, in the same shape."""
    pairs = items.tocoo()
    part = sparse.csr_matrix((pairs.data[keep], (pairs.row[keep], pairs.col[keep])), shape=items.shape)
    part.sort_indices()
    return part
