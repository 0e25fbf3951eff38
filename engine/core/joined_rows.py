"""A table of vectors, some of whose columns are another table's rows, each by a number of its own: the other table is not held twice.

It is read like an array, a block or a few rows at a time, and gives rows that are whole. Products (`@`) with all of it put no rows together.
NumPy's functions refuse it, and `numpy.asarray` makes an array of all of it.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import DTypeLike, NDArray

from engine.core.large_arrays import blocks, zeros

__all__ = ["JoinedRows", "Table", "products", "some_rows", "taken"]

_AT_ONCE = 1 << 14


@dataclass(frozen=True)
class JoinedRows:
    """(n, a + w): `own`, with the rows of `shared` less `centre` and times `scale` among its columns.

    Attributes
    ----------
    own : (n, a) float32. scale : (n,) float32. shared : (m, w) float32. centre : (w,) float32.
    at : how many columns of `own` come first.
    rows : (n,) int64, whose row of `shared` each has; None where these are 0 to n - 1.
    changed : (c,) int64 ascending, rows that are others: `values` (c, a + w) float32.
    """

    own: NDArray[np.float32]
    scale: NDArray[np.float32]
    shared: NDArray[np.float32]
    centre: NDArray[np.float32]
    at: int
    rows: NDArray[np.int64] | None = None
    changed: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    values: NDArray[np.float32] = field(default_factory=lambda: np.empty((0, 0), dtype=np.float32))

    __array_ufunc__ = None  # so that `array @ joined.T` comes here
    ndim = 2
    dtype = np.dtype(np.float32)

    @property
    def shape(self) -> tuple[int, int]:
        return len(self.own), self.own.shape[1] + self.shared.shape[1]

    @property
    def size(self) -> int:
        return self.shape[0] * self.shape[1]

    @property
    def T(self) -> _Turned:  # noqa: N802 - as arrays call it
        """For products alone."""
        return _Turned(self)

    def __len__(self) -> int:
        return len(self.own)

    def __getitem__(self, key: Any) -> NDArray[np.float32]:
        """(..., a + w) of a row, a slice, a mask, or rows in any shape; `IndexError` for columns."""
        if isinstance(key, tuple):
            raise IndexError("joined rows are whole: take rows first, then columns of these")
        own = self.own[key]
        found = np.empty((*own.shape[:-1], self.shape[1]), dtype=np.float32)
        after = self.at + len(self.centre)
        found[..., : self.at], found[..., after:] = own[..., : self.at], own[..., self.at :]
        found[..., self.at : after] = self.parts_beside(key)
        if self.changed.size:
            hit, place = self._changed_among(key)
            found[hit] = self.values[place]
        return found

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> NDArray[Any]:
        whole = self[:]
        return whole if dtype is None else whole.astype(dtype)

    def __matmul__(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        """(n, ...) products with a vector (a + w,) or with several (a + w, q)."""
        return np.concatenate([self.products(rows, vectors) for rows in blocks(len(self), _AT_ONCE)])

    def products(self, key: Any, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        """(m, ...) of m rows, by a slice, a mask or their numbers."""
        before, beside, after = np.split(vectors, [self.at, self.at + len(self.centre)])
        spoken = self._shared(key) @ beside - self.centre @ beside
        scale = self.scale[key]
        found = self.own[key] @ np.concatenate([before, after]) + spoken * (
            scale if vectors.ndim == 1 else scale[:, None]
        )
        if self.changed.size:
            hit, place = self._changed_among(key)
            found[hit] = self.values[place] @ vectors
        return np.asarray(found)

    def parts_beside(self, key: Any) -> NDArray[np.float32]:
        """(..., w) what the shared table gives to rows, by a row, a slice, a mask or their numbers; not of those that are others."""
        found = self._shared(key) - self.centre
        found *= self.scale[key][..., None]
        return np.asarray(found)

    def products_beside(self, key: Any, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        """(q, m) products of what the shared table gives to m rows with vectors (q, w); not of those that are others.

        Only columns that one of the rows has are multiplied: products of a kind share the few attributes that they have.
        """
        shared = self._shared(key)
        columns = np.flatnonzero(shared.any(axis=0))
        spoken = (
            vectors[:, columns] @ shared[:, columns].T if 2 * len(columns) < shared.shape[1] else vectors @ shared.T
        )
        spoken -= (vectors @ self.centre)[:, None]
        spoken *= self.scale[key]
        return np.asarray(spoken)

    def any(self, axis: int) -> NDArray[np.bool_]:
        """(n,) which rows are not zero, along `axis` 1. A row whose scale is not 0 is taken to have a direction in `shared`."""
        assert axis == 1
        found = self.own.any(axis=1) | (self.scale != 0)
        if self.changed.size:
            found[self.changed] = self.values.any(axis=1)
        return np.asarray(found)

    def taken(self, rows: NDArray[Any]) -> JoinedRows:
        """Some rows, by a mask or their numbers, of the same shared table."""
        if rows.dtype == bool:
            if rows.all():
                return self
            rows = np.flatnonzero(rows)
        which = np.asarray(rows if self.rows is None else self.rows[rows], dtype=np.int64)
        found = replace(self, own=self.own[rows], scale=self.scale[rows], rows=which)
        if not self.changed.size:
            return found
        hit, place = self._changed_among(rows)
        return replace(found, changed=np.flatnonzero(hit), values=self.values[place])

    def times(self, factors: NDArray[np.float32]) -> JoinedRows:
        """Every row by a number of its own, (n,) float32."""
        values = self.values * factors[self.changed, None]
        return replace(self, own=self.own * factors[:, None], scale=self.scale * factors, values=values)

    def with_rows(self, rows: NDArray[np.int64], values: NDArray[np.float32]) -> JoinedRows:
        """The same with other rows, (len(rows), a + w) float32."""
        fresh = dict(zip(self.changed.tolist(), self.values, strict=True))
        fresh |= dict(zip(np.asarray(rows).tolist(), values, strict=True))
        changed = np.array(sorted(fresh), dtype=np.int64)
        vectors = np.array([fresh[row] for row in changed.tolist()], dtype=np.float32)
        return replace(self, changed=changed, values=vectors.reshape(-1, self.shape[1]))

    def _shared(self, key: Any) -> NDArray[np.float32]:
        return np.asarray(self.shared[key if self.rows is None else self.rows[key]])

    def _changed_among(self, key: Any) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
        """Which of the rows asked for are others, and their places in `values`."""
        by_number = not isinstance(key, slice) and np.asarray(key).dtype != bool
        rows = np.asarray(key) % len(self) if by_number else np.arange(len(self))[key]
        places = np.searchsorted(self.changed, rows).clip(max=len(self.changed) - 1)
        hit = self.changed[places] == rows
        return hit, places[hit]


@dataclass(frozen=True)
class _Turned:
    """Joined rows as columns."""

    joined: JoinedRows

    __array_ufunc__ = None

    def __rmatmul__(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        """(q, n) products of vectors (q, a + w)."""
        return np.ascontiguousarray((self.joined @ vectors.T).T)


Table: TypeAlias = "NDArray[np.float32] | JoinedRows"
"""(n, d) float32 vectors, held one way or the other."""


def some_rows(table: Table, rows: NDArray[Any]) -> Table:
    """Some rows, by a mask or their numbers, held as the table is; the table itself where a mask wants all."""
    return table.taken(rows) if isinstance(table, JoinedRows) else taken(table, rows)


def products(table: Table, rows: NDArray[np.int64], vector: NDArray[np.float32]) -> NDArray[np.float32]:
    """(m,) inner products of some rows with a vector (d,), without putting rows together."""
    found = table.products(rows, vector) if isinstance(table, JoinedRows) else table[rows] @ vector
    return np.asarray(found)


def taken(table: Table, rows: np.ndarray) -> np.ndarray:
    """Some rows of a table, float32, in a table like those of `zeros`; an array itself where all are wanted as they are.

    Parameters
    ----------
    rows : (n,) bool, or (m,) int.
    """
    if rows.dtype == bool:
        if rows.all() and isinstance(table, np.ndarray):
            return table
        rows = np.flatnonzero(rows)
    found = zeros((len(rows), *table.shape[1:]))
    for some in blocks(len(rows)):
        found[some] = table[rows[some]]
    return found
