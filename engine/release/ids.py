"""Ids in the order of their rows, and the row of an id, without a dictionary of all of them in every process."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

__all__ = ["Ids", "order_of"]

_REMEMBERED = 1 << 16
_HALVINGS = 100  # rows that a look through all texts passes while one text is found by halving


class Ids(Sequence[str]):
    """Texts without gaps or repetition; a row is found by halving."""

    def __init__(self, texts: pa.Array, order: NDArray[np.int32]) -> None:
        """
        Parameters
        ----------
        texts : n strings in row order.
        order : (n,), rows in the order of their texts (`order_of`).
        """
        self._texts, self._order = texts, order
        self._found: dict[str, int | None] = {}

    def __len__(self) -> int:
        return len(self._texts)

    def __getitem__(self, row):  # type: ignore[no-untyped-def]
        if isinstance(row, slice):
            return self._texts[row].to_pylist()
        return self._texts[int(row)].as_py()

    def __contains__(self, wanted: object) -> bool:
        return isinstance(wanted, str) and self.row(wanted) is not None

    def row(self, wanted: str) -> int | None:
        """The row of an id; None where there is no such id."""
        if wanted not in self._found:
            if len(self._found) >= _REMEMBERED:
                self._found.clear()
            self._found[wanted] = self._halved(wanted)
        return self._found[wanted]

    def rows(self, wanted: Iterable[str]) -> NDArray[np.int64]:
        """The rows of many ids at once, -1 where there is no such id."""
        ids = list(wanted)
        if len(ids) * _HALVINGS < len(self):
            found = [self.row(one) for one in ids]
            return np.array([-1 if row is None else row for row in found], dtype=np.int64)
        asked = pa.array(ids, self._texts.type)
        return np.asarray(pc.fill_null(pc.index_in(asked, value_set=self._texts), -1), dtype=np.int64)

    def take(self, rows: NDArray[np.integer]) -> NDArray[np.object_]:
        """The ids of many rows."""
        taken: NDArray[np.object_] = self._texts.take(pa.array(rows, pa.int64())).to_numpy(zero_copy_only=False)
        return taken

    def _halved(self, wanted: str) -> int | None:
        low, high = 0, len(self._order)
        while low < high:
            middle = (low + high) // 2
            if self._texts[int(self._order[middle])].as_py() < wanted:
                low = middle + 1
            else:
                high = middle
        if low < len(self._order) and self._texts[int(self._order[low])].as_py() == wanted:
            return int(self._order[low])
        return None


def order_of(texts: pa.Array) -> NDArray[np.int32]:
    """(n,) rows in the order of their texts, which is that of their code points."""
    return np.asarray(pc.array_sort_indices(texts), dtype=np.int32)
