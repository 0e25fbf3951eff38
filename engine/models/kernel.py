"""The similarity of two products over several views of their content."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from engine.core.vectors import unit_rows

__all__ = ["Kernel", "Rows", "UnitRows", "present", "unit"]

Rows = np.ndarray | sparse.csr_matrix
"""One view of n items: dense, or sparse like word counts."""


@dataclass(frozen=True)
class Kernel:
    """The similarity of two items: a weighted mean over views of `exp(sharpness x (cosine - 1))`.

    Attributes
    ----------
    sharpness : per view; 0 means the plain cosine, which suits sparse word vectors.
    weights : per view, positive.
    """

    sharpness: dict[str, float]
    weights: dict[str, float]

    def __call__(self, left: Mapping[str, Rows], right: Mapping[str, Rows]) -> np.ndarray:
        """(n_left, n_right) float32, from unit rows of each view; a zero row is similar to nothing in that view."""
        n_left, n_right = (next(iter(side.values())).shape[0] for side in (left, right))
        total = np.zeros((n_left, n_right), dtype=np.float32)
        for view in self.weights:
            total += self.part(view, left[view], right[view])
        return total

    def part(self, view: str, left: Rows, right: Rows) -> np.ndarray:
        """One view's share of the kernel, (n_left, n_right) float32."""
        if isinstance(left, sparse.csr_matrix):
            cosines = np.asarray(sparse.csr_matrix(left @ sparse.csr_matrix(right.T)).toarray(), dtype=np.float32)
        else:
            cosines = left @ np.asarray(right).T
        return self.of_cosines(view, cosines, present(left), present(right))

    def of_cosines(self, view: str, cosines: np.ndarray, left: np.ndarray, right: np.ndarray) -> np.ndarray:
        """The same from (..., n_left, n_right) float32 cosines, which are overwritten.

        Parameters
        ----------
        left, right : (..., n_left) and (..., n_right) bool, which rows have the view.
        """
        if self.sharpness[view] > 0:
            cosines -= 1.0
            cosines *= np.float32(self.sharpness[view])
            np.exp(cosines, out=cosines)
            if not (left.all() and right.all()):
                cosines *= left[..., :, None] & right[..., None, :]
        cosines *= np.float32(self.weights[view] / sum(self.weights.values()))
        return cosines

    def prior(self, rows: Mapping[str, Rows]) -> np.ndarray:
        """(n,) float32, the similarity of each item to itself: the variance before anything is observed."""
        total = sum(self.weights.values())
        parts = [present(rows[view]) * np.float32(weight / total) for view, weight in self.weights.items()]
        return np.asarray(np.sum(parts, axis=0), dtype=np.float32)


@dataclass(frozen=True)
class UnitRows:
    """Unit rows of some items of a view, made when they are asked for: of a million items no second table is held.

    Attributes
    ----------
    view : of all items. chosen : (n,) int64, rows of it that these are.
    """

    view: Rows
    chosen: np.ndarray

    @property
    def shape(self) -> tuple[int, int]:
        return len(self.chosen), int(self.view.shape[1])

    def __getitem__(self, some: slice | np.ndarray) -> Rows:
        return unit(self.view[self.chosen[some]])


def unit(rows: Rows) -> Rows:
    """Rows scaled to length 1, dense or sparse like the input; zero rows stay zero."""
    if not isinstance(rows, sparse.csr_matrix):
        return unit_rows(rows)
    lengths = np.sqrt(np.asarray(rows.multiply(rows).sum(axis=1)).ravel())
    inverse = np.divide(1.0, lengths, out=np.zeros_like(lengths), where=lengths > 0)
    return sparse.csr_matrix(sparse.diags_array(inverse.astype(np.float32)) @ rows)


def present(rows: Rows) -> np.ndarray:
    """(n,) bool, which rows are not zero."""
    if isinstance(rows, sparse.csr_matrix):
        return np.diff(rows.indptr) > 0
    return np.asarray(rows.any(axis=1))
