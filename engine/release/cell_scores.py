"""Scores of queries with the candidates of one cell; those that are known to be too low are left out.

Where candidates have much of another table in them (`engine.core.joined_rows`), their own columns are compared first. What the other table may add is at most
the product of two lengths, so it is looked at only for queries and candidates of which some pair could still be good enough, and no table of whole candidates is made.
Few pairs could where behaviour knows most products; where content speaks aloud between most, all are looked at, in the time that whole candidates take (`benchmarks/scale/joined.py`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from engine.core.joined_rows import JoinedRows, Table
from engine.core.large_arrays import blocks
from engine.core.side_by_side import side_by_side

__all__ = ["OUT", "Scores", "candidate_scores"]

OUT = -2.0
"""The score of a pair that is known to be too low."""
_ROUNDED = 1e-5  # single precision


class Scores(Protocol):
    """Compares queries with consecutive candidates, cell by cell."""

    def __call__(
        self, queries: NDArray[np.float32], begin: int, end: int, least: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """(q, end - begin) inner products of queries (q, d); `OUT` may stand where one is no more than `least` (q,)."""
        ...


@dataclass(frozen=True)
class _WholeScores:
    """Compares everything; `units` (n, d) float32, cell by cell."""

    units: NDArray[np.float32]

    def __call__(
        self, queries: NDArray[np.float32], begin: int, end: int, least: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        return np.asarray(queries @ self.units[begin:end].T)


@dataclass(frozen=True)
class _JoinedScores:
    """Compares own columns, and the others where they can make a difference.

    Attributes
    ----------
    units : cell by cell. beside : (n,) float32, the length of what the other table gives to each.
    """

    units: JoinedRows
    beside: NDArray[np.float32]

    def __call__(
        self, queries: NDArray[np.float32], begin: int, end: int, least: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        units, width = self.units, len(self.units.centre)
        before, theirs, after = np.split(queries, [units.at, units.at + width], axis=1)
        scores: NDArray[np.float32] = np.hstack([before, after]) @ units.own[begin:end].T
        at_most = np.linalg.norm(theirs, axis=1)[:, None] * (self.beside[begin:end] + np.float32(_ROUNDED))
        at_most += scores
        open_pairs = at_most > least[:, None]
        rows, columns = np.flatnonzero(open_pairs.any(axis=1)), np.flatnonzero(open_pairs.any(axis=0))
        found = np.full_like(scores, OUT)
        if rows.size:
            spoken = units.products_beside(begin + columns, theirs[rows])
            found[np.ix_(rows, columns)] = scores[np.ix_(rows, columns)] + spoken
        return found


def candidate_scores(units: Table) -> Scores:
    """For candidates cell by cell, (n, d) float32 rows of length 1 at most."""
    if not isinstance(units, JoinedRows):
        return _WholeScores(units)

    def lengths(rows: slice) -> NDArray[np.float32]:
        return np.asarray(np.linalg.norm(units.parts_beside(rows), axis=1))

    return _JoinedScores(units, np.concatenate(list(side_by_side(lengths, blocks(len(units), 1 << 13)))))
