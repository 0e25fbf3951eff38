"""The geometry of arms: every arm compares unit rows by cosine, and this module alone knows their columns.

Two constructions turn other similarities into cosines. A *completing column*, 0 in queries, brings a candidate that was made
shorter back to length 1, so that its cosine is its inner product. A *block layout* puts the vectors of several arms side by
side, so that one inner product is a weighted sum of several.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from engine.core.joined_rows import Table
from engine.core.large_arrays import blocks as row_blocks
from engine.core.large_arrays import zeros
from engine.core.side_by_side import side_by_side
from engine.core.vectors import unit_rows

__all__ = [
    "ArmVectors",
    "BlockLayout",
    "completed",
    "has_direction",
    "similarities",
    "spread_grams",
    "spreads",
    "symmetric",
]


@dataclass(frozen=True)
class ArmVectors:
    """What one arm searches with and among; similarity is the cosine.

    Attributes
    ----------
    query, candidates : (n_items, d) float32, unit rows, or zero where the arm knows nothing.
    facts : numbers that the arm needs again for products described later; a release keeps them.
    """

    query: Table
    candidates: Table
    facts: Mapping[str, float] = field(default_factory=dict)

    @cached_property
    def has_list(self) -> np.ndarray:
        """(n_items,) bool, anchors that get a list."""
        return has_direction(self.query)

    @cached_property
    def is_candidate(self) -> np.ndarray:
        """(n_items,) bool, items that may be in a list."""
        return has_direction(self.candidates)


@dataclass(frozen=True)
class BlockLayout:
    """Which columns of a vector are whose: one block for each name, in order, and a completing column.

    Attributes
    ----------
    widths : name -> number of columns.
    """

    widths: Mapping[str, int]

    @property
    def scale(self) -> np.float32:
        """What the blocks of a candidate are divided by, so that together they are at most of length 1."""
        return np.float32(np.sqrt(len(self.widths)))

    def queries(self, blocks: Mapping[str, np.ndarray]) -> np.ndarray:
        """(n, d) float32 queries of these blocks, each as long as it is to count."""
        parts = [blocks[name] for name in self.widths]
        return np.concatenate([*parts, np.zeros((len(parts[0]), 1), np.float32)], axis=1, dtype=np.float32)

    def candidates(self, blocks: Mapping[str, np.ndarray]) -> np.ndarray:
        """(n, d) float32 candidates of these blocks, each row at most of length 1."""
        n = len(next(iter(blocks.values())))
        found = zeros((n, self.width))
        for rows in row_blocks(n):
            parts = np.concatenate([blocks[name][rows] for name in self.widths], axis=1)
            found[rows] = completed(parts / self.scale)
        return found

    @property
    def width(self) -> int:
        """Of a vector, with the completing column."""
        return sum(self.widths.values()) + 1

    def columns(self, name: str) -> slice:
        """Where one block stands."""
        names = list(self.widths)
        start = sum(self.widths[before] for before in names[: names.index(name)])
        return slice(start, start + self.widths[name])

    def block(self, vectors: np.ndarray, name: str) -> np.ndarray:
        """The columns of one block, a view where `vectors` is an array."""
        return vectors[:, self.columns(name)]


def completed(vectors: np.ndarray) -> np.ndarray:
    """(n, d + 1): rows at most of length 1, with one more column that brings them to length 1."""
    rest = np.sqrt(np.maximum(1.0 - np.square(vectors).sum(axis=1, keepdims=True), 0.0))
    return np.hstack([vectors, rest])


def symmetric(vectors: np.ndarray) -> ArmVectors:
    """An arm that searches with what it searches among; rows are scaled to length 1."""
    units = unit_rows(vectors)
    return ArmVectors(units, units)


def similarities(arm: ArmVectors, rows: np.ndarray) -> np.ndarray:
    """Cosine of each row's query to every candidate, `(len(rows), n_items) float32`; -inf where there is none."""
    found = arm.query[rows] @ arm.candidates.T
    found[:, ~arm.is_candidate] = -np.inf
    found[~has_direction(arm.query[rows])] = -np.inf
    return np.asarray(found)


def has_direction(vectors: Table) -> np.ndarray:
    """(n,) bool, which rows are not zero."""
    return np.asarray(vectors.any(axis=1))


def spread_grams(
    some: Callable[[slice], Mapping[str, np.ndarray]], names: Sequence[str], n: int
) -> dict[str, np.ndarray]:
    """Name -> (d, d) float32, from which `spreads` tells how far a query's inner products with n candidates spread.

    It is their covariance: candidates without a direction are in it as well, so that it is the same for every query.

    Parameters
    ----------
    some : name -> candidates (m, d) float32 in a slice of all.
    """

    def summed(rows: slice) -> dict[str, tuple[np.ndarray, np.ndarray]]:
        found = some(rows)
        return {name: (found[name].sum(axis=0, dtype=np.float64), found[name].T @ found[name]) for name in names}

    parts = side_by_side(summed, row_blocks(n))
    sums = next(parts)
    for part in parts:
        sums = {name: (sums[name][0] + part[name][0], sums[name][1] + part[name][1]) for name in names}
    means = {name: (total / n).astype(np.float32) for name, (total, _) in sums.items()}
    return {name: np.asarray(sums[name][1] / np.float32(n) - np.outer(means[name], means[name])) for name in names}


def spreads(query: np.ndarray, gram: np.ndarray) -> np.ndarray:
    """(n,) standard deviation of each query's inner products with all candidates, without forming them."""
    return np.asarray(np.sqrt(np.maximum(np.einsum("ij,ij->i", query @ gram, query), 0.0)))
