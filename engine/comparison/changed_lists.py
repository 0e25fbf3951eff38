"""How many products get another list where one release takes the place of another."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.recommend.listed_release import ListedRelease
from engine.release.top_lists import NOBODY

__all__ = ["ChangedLists", "changed_lists", "same_rows"]


@dataclass(frozen=True)
class ChangedLists:
    """Lists of the served arm, before and after.

    Attributes
    ----------
    compared : products that both releases have.
    changed : those of them whose list holds another product than before; the order does not matter.
    replaced : on average over the changed lists, how many of their products are others.
    came, went : products that only the later, or only the earlier, release has.
    """

    compared: int
    changed: int
    replaced: float
    came: int
    went: int


def changed_lists(before: ListedRelease, after: ListedRelease, arm: str = "hybrid", k: int = 10) -> ChangedLists:
    """Compare the lists of k of two releases, as they were trained."""
    rows_before, rows_after = same_rows(before, after)
    place = np.full(len(before.items), NOBODY, dtype=np.int64)  # row before -> row after
    place[rows_before] = rows_after
    old = before.top_lists(arm).rows[rows_before, :k]
    new = after.top_lists(arm).rows[rows_after, :k].astype(np.int64)
    moved = np.where(old == NOBODY, NOBODY, place[old])
    others = k - _kept(moved, new)
    lengths = np.maximum((old != NOBODY).sum(axis=1), (new != NOBODY).sum(axis=1))
    others = np.minimum(others, lengths)
    changed = others > 0
    return ChangedLists(
        len(rows_before), int(changed.sum()), float(others[changed].mean()) if changed.any() else 0.0,
        len(after.items) - len(rows_after), len(before.items) - len(rows_before),
    )  # fmt: skip


def same_rows(before: ListedRelease, after: ListedRelease) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The rows of the products that both releases have, in each, (n,) each, in the order of the later one."""
    if before is after:
        return np.arange(len(before.items)), np.arange(len(before.items))
    rows_before = before.rows_of(after.items["item_id"].tolist())
    both = np.flatnonzero(rows_before >= 0)
    return rows_before[both], both


def _kept(old: NDArray[np.int64], new: NDArray[np.int64]) -> NDArray[np.int64]:
    """How many of a list's products (n, k) stand in the other one too."""
    kept = np.zeros(len(new), dtype=np.int64)
    for column in range(new.shape[1]):
        kept += ((old == new[:, column, None]) & (new[:, column, None] != NOBODY)).any(axis=1)
    return kept
