"""Which products' lists became better or worse from one side to another, by a measure that neither side was made by alone.

A side is a release and what its lists are made by. Where people judged, what they called irrelevant decides; else how much a
list's products are like the one they stand beside, in text, picture and details. That likeness knows nothing of behaviour: it is
part of what Longtail goes by and no part of what Behaviour goes by, which whoever shows it has to say.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from engine.catalogue.traffic import LEVELS, Level, Traffic
from engine.comparison.changed_lists import same_rows
from engine.core.side_by_side import side_by_side
from engine.recommend.listed_release import ListedRelease
from engine.release.top_lists import NOBODY

__all__ = ["ENOUGH_JUDGED", "NOTICEABLE", "ComparedLists", "Gains", "Measure", "Side", "Tally"]

Measure = Literal["judgements", "likeness"]
NOTICEABLE = 0.02  # of a mean likeness between 0 and 1: less is called the same
ENOUGH_JUDGED = 8  # products whose number of irrelevant neighbours changes, before judgements decide
_GONE = NOBODY - 1  # on a list, but no longer in the shop
_AT_ONCE = 512
_RANDOM_PAIRS = 20_000


@dataclass(frozen=True)
class Side:
    """Lists to compare: those of a release, made by one of its listed arms."""

    release: ListedRelease
    arm: str


@dataclass(frozen=True)
class Tally:
    """How many lists were compared, hold other products, improved and got worse by the measure."""

    compared: int
    changed: int
    improved: int
    worse: int


@dataclass(frozen=True)
class Gains:
    """Every product that both sides have, measured; rows are of the later side's release.

    Attributes
    ----------
    rows : (n,) int64.
    changed : (n,) bool, the list holds another product; the order does not matter.
    before, after : (n,) float64, by `measure`: irrelevant neighbours on the list (fewer is better), or mean likeness
        (a cosine, more is better), NaN where there is no list or nothing to compare.
    first_list : products that had no list before and have one now.
    random : mean likeness of random pairs of products.
    came, went : products of the later, or the earlier, side alone.
    """

    measure: Measure
    rows: NDArray[np.int64]
    changed: NDArray[np.bool_]
    before: NDArray[np.float64]
    after: NDArray[np.float64]
    levels: NDArray[np.str_]
    first_list: int
    random: float
    came: int
    went: int

    @property
    def gain(self) -> NDArray[np.float64]:
        """(n,) float64, positive where a list became better; NaN where it cannot be said."""
        difference = self.after - self.before
        return -difference if self.measure == "judgements" else difference

    def tally(self, level: Level | None = None) -> Tally:
        """Of all products, or of those of a traffic group."""
        of = np.ones(len(self.rows), dtype=bool) if level is None else self.levels == level
        least = 0.5 if self.measure == "judgements" else NOTICEABLE
        gain = np.nan_to_num(self.gain)
        better, worse = (int((of & self.changed & side).sum()) for side in (gain >= least, gain <= -least))
        return Tally(int(of.sum()), int((of & self.changed).sum()), better, worse)

    def by_level(self) -> dict[Level, Tally]:
        """Traffic group -> its tally, groups without products left out."""
        tallies = {level: self.tally(level) for level in LEVELS}
        return {level: tally for level, tally in tallies.items() if tally.compared}

    def best(self, n: int) -> NDArray[np.int64]:
        """Places in `rows` of the n products that gained most, most first."""
        gain = np.where(self.changed, np.nan_to_num(self.gain), 0.0)
        order = np.argsort(-gain, kind="stable")[:n]
        return order[gain[order] > 0]


class ComparedLists:
    """The lists of k of two sides, as they were trained: what no judgement changes, so whoever compares again keeps it."""

    def __init__(self, before: Side, after: Side, k: int = 10) -> None:
        rows_before, self._rows = same_rows(before.release, after.release)
        self._release = after.release
        place = np.full(len(before.release.items), _GONE, dtype=np.int32)  # row before -> row after
        place[rows_before] = self._rows
        listed = before.release.top_lists(before.arm).rows[rows_before, :k]
        self._old = np.where(listed == NOBODY, np.int32(NOBODY), place[listed])
        self._new = after.release.top_lists(after.arm).rows[self._rows, :k]
        had, has = (listed != NOBODY).any(axis=1), (self._new != NOBODY).any(axis=1)
        self._changed = (np.sort(self._old, axis=1) != np.sort(self._new, axis=1)).any(axis=1) | (had != has)
        self._first_list = int((has & ~had).sum())
        counts = after.release.items["interaction_count"].to_numpy(dtype=np.int64)
        self._levels = np.array(LEVELS)[Traffic.of(counts).levels(counts[self._rows])]
        # Products of one side alone.
        self._came, self._went = (len(one.release.items) - len(self._rows) for one in (after, before))

    def gains(self, out: Mapping[str, frozenset[str]] | None = None) -> Gains:
        """What improved.

        Parameters
        ----------
        out : anchor -> neighbours that people ruled out (`curation.suppression`).
        """
        judged = self._irrelevant(out or {})
        measure: Measure = "judgements" if int((judged[0] != judged[1]).sum()) >= ENOUGH_JUDGED else "likeness"
        figures = judged if measure == "judgements" else self._likeness
        return Gains(
            measure, self._rows, self._changed, figures[0], figures[1], self._levels, self._first_list, self._random,
            self._came, self._went,
        )  # fmt: skip

    def _irrelevant(self, out: Mapping[str, frozenset[str]]) -> list[NDArray[np.float64]]:
        """How many of each list's neighbours people ruled out, (n,) each."""
        release, counts = self._release, [np.zeros(len(self._rows)) for _ in range(2)]
        for anchor, neighbours in out.items():
            row = release.row(anchor) if anchor in release else NOBODY
            at = int(np.searchsorted(self._rows, row))  # which are in order
            if at == len(self._rows) or self._rows[at] != row:
                continue
            ruled = [release.row(one) for one in neighbours if one in release]
            for count, lists in zip(counts, (self._old, self._new), strict=True):
                count[at] = np.isin(lists[at], ruled).sum()
        return counts

    @cached_property
    def _likeness(self) -> list[NDArray[np.float64]]:
        """Of lists with the same products in the same order one is looked at for both."""
        after = _likeness(self._release, self._rows, self._new)
        before, other = after.copy(), np.flatnonzero((self._old != self._new).any(axis=1))
        before[other] = _likeness(self._release, self._rows[other], self._old[other])
        return [before, after]

    @cached_property
    def _random(self) -> float:
        return _random_likeness(self._release)


def _likeness(release: ListedRelease, anchors: NDArray[np.int64], lists: NDArray[np.int32]) -> NDArray[np.float64]:
    """Mean cosine of content between each anchor and its list (n, k), (n,); NaN where nothing can be compared."""

    def of_some(start: int) -> NDArray[np.float64]:
        some = slice(start, start + _AT_ONCE)
        cosines = _cosines(release, anchors[some], lists[some])
        total = (~np.isnan(cosines)).sum(axis=1)
        means = np.full(len(total), np.nan)
        np.divide(np.nansum(cosines, axis=1), total, out=means, where=total > 0)
        return means

    return np.concatenate([np.empty(0), *side_by_side(of_some, range(0, len(anchors), _AT_ONCE))])


def _random_likeness(release: ListedRelease) -> float:
    n = len(release.items)
    pairs = np.random.default_rng(0).integers(0, max(n, 1), (2, min(_RANDOM_PAIRS, n * n)))
    pairs = pairs[:, pairs[0] != pairs[1]]
    parts = [
        _cosines(release, pairs[0, at : at + _AT_ONCE], pairs[1, at : at + _AT_ONCE, None])
        for at in range(0, pairs.shape[1], _AT_ONCE)
    ]
    cosines = np.concatenate(parts) if parts else np.empty(0)
    return float(np.nanmean(cosines)) if np.isfinite(cosines).any() else 0.0


def _cosines(release: ListedRelease, left: NDArray[np.integer], right: NDArray[np.integer]) -> NDArray[np.float64]:
    """(n, k) cosines of content of the rows `left` (n,) with those in `right` (n, k); NaN where either says nothing."""
    search = release.content
    query, near = search.query[left], np.maximum(right, 0)
    lengths = np.linalg.norm(query, axis=1)
    asking = np.divide(1.0, lengths, out=np.zeros_like(lengths), where=lengths > 0)
    each = search.inverse_lengths[near] * asking[:, None]
    told = (right >= 0) & (each > 0)
    cosines = np.matmul(search.candidates[near], query[:, :, None])[:, :, 0].astype(np.float64) * each
    return np.where(told, cosines, np.nan)
