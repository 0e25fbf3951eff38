"""Products with tables most of whose columns hardly any row has, as values of attributes are: those columns are multiplied sparsely.

A thousand columns of attributes beside a few hundred of text cost more than the text, though a product has a handful of them.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from engine.core.joined_rows import Table

__all__ = ["ColumnProduct", "rare_columns"]

RARE = 1 / 32
"""Share of rows that have a rare column, at most."""
WORTH = 64
"""So many rare columns are worth the trouble."""
_SAMPLE = 1024


def rare_columns(table: Table) -> NDArray[np.bool_]:
    """(d,) bool, columns that hardly any row has, by a sample of rows; none where there are too few to matter.

    Parameters
    ----------
    table : (n, d) float32.
    """
    if not len(table):
        return np.zeros(table.shape[1], dtype=bool)
    some = np.unique(np.linspace(0, len(table) - 1, _SAMPLE).astype(np.int64))
    rare: NDArray[np.bool_] = np.count_nonzero(table[some], axis=0) <= RARE * len(some)
    return rare if np.count_nonzero(rare) >= WORTH else np.zeros_like(rare)


class ColumnProduct:
    """Products of rows with the same vectors, again and again.

    Parameters
    ----------
    turned : (d, m) float32, the vectors as columns. rare : (d,) bool, columns of the rows that hardly any of them has.
    """

    def __init__(self, turned: NDArray[np.float32], rare: NDArray[np.bool_]):
        self._usual, self._rare = np.flatnonzero(~rare), np.flatnonzero(rare)
        self._turned = turned if not self._rare.size else np.ascontiguousarray(turned[self._usual])
        self._seldom = np.ascontiguousarray(turned[self._rare])

    def __call__(self, rows: NDArray[np.float32]) -> NDArray[np.float32]:
        """(b, m) of rows (b, d)."""
        if not self._rare.size:
            return np.asarray(rows @ self._turned)
        found = rows[:, self._usual] @ self._turned
        found += sparse.csr_matrix(rows[:, self._rare]) @ self._seldom
        return np.asarray(found)
