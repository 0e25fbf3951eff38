"""The similarity of two products over several views of their content."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from engine.core.vectors import unit_rows

__all__ = ["Kernel", "KernelTo", "Rows", "UnitRows", "present", "unit"]

Rows = np.ndarray | sparse.csr_matrix
"""One view of n items: dense, or sparse like word counts."""
_AT_ONCE = 512
"""Items that are compared at once, so that their similarities stay in the processor's cache until they are done."""
_HELD_DENSE = 1 << 27
"""Numbers that sparse rows may take when they are held dense."""


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


class KernelTo:
    """Similarities of items to m others that many are compared with, so what these others cost is paid once.

    Parameters
    ----------
    others : per view (m, d) unit rows. Of sparse ones the columns that occur are held dense, up to 512 MiB: most titles share a word, so products of sparse rows are full.
    """

    def __init__(self, kernel: Kernel, others: Mapping[str, Rows]):
        self.kernel = kernel
        self._held = {view: _Held.of(others[view]) for view in kernel.weights}

    def __call__(self, some: Mapping[str, Rows]) -> np.ndarray:
        """(n, m) float32, from the unit rows of n items."""
        first = next(iter(self._held.values()))
        total = np.empty((next(iter(some.values())).shape[0], len(first.present)), dtype=np.float32)
        for start in range(0, len(total), _AT_ONCE):
            rows = slice(start, start + _AT_ONCE)
            total[rows] = self._of_few({view: some[view][rows] for view in self._held})
        return total

    def _of_few(self, some: Mapping[str, Rows]) -> np.ndarray:
        parts = (
            self.kernel.of_cosines(view, held.cosines(some[view]), present(some[view]), held.present)
            for view, held in self._held.items()
        )
        total = next(parts)
        for part in parts:
            total += part
        return total


@dataclass(frozen=True)
class _Held:
    """One view of m items: (d, m), and (m,) bool, which of them have it; of sparse rows only the columns that occur."""

    turned: Rows
    present: np.ndarray
    columns: np.ndarray | None

    @classmethod
    def of(cls, rows: Rows) -> _Held:
        known = present(rows)
        if not isinstance(rows, sparse.csr_matrix):
            return cls(np.asarray(rows).T, known, None)
        columns = np.unique(rows.indices)
        some = sparse.csr_matrix(rows[:, columns])
        if some.shape[0] * some.shape[1] > _HELD_DENSE:
            return cls(sparse.csr_matrix(some.T), known, columns)
        return cls(np.ascontiguousarray(some.toarray().T, dtype=np.float32), known, columns)

    def cosines(self, rows: Rows) -> np.ndarray:
        """(n, m) float32."""
        if self.columns is not None:
            rows = sparse.csr_matrix(rows)[:, self.columns]
        if isinstance(self.turned, sparse.csr_matrix):
            return np.asarray(sparse.csr_matrix(rows @ self.turned).toarray(), dtype=np.float32)
        return np.asarray(rows @ self.turned, dtype=np.float32)


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
