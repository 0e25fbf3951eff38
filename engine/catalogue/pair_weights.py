"""One weight per shopper-item pair, of a block of coded events: put in order by shopper, product and kind, then summed in place.

A sparse matrix of shoppers and products puts events in order by counting, which is faster than NumPy's `argsort` of
their keys. Sums are taken over whole numbers of a millionth, so they are the same whatever the order of the events.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.sparse import coo_matrix

from engine.catalogue.coded_events import NO_TIME, EventBlock, PairKeys

__all__ = ["PairWeights", "Weighing", "weigh_pairs"]

_UNIT = 1_000_000


@dataclass(frozen=True)
class Weighing:
    """How events weigh in one shop; the formula is that of `engine.catalogue.interactions`.

    Attributes
    ----------
    kind_weights : (n_kinds,) float64 above 0.
    value_kind : "rating", "quantity" or None.
    floor, best : the ratings that count 1 and 2.
    newest : seconds since 1970 of the shop's newest event; None without times.
    oldest : of its oldest, which stands for missing times.
    half_life : seconds; None where age does not count.
    """

    kind_weights: np.ndarray
    value_kind: str | None
    floor: float
    best: float
    newest: int | None
    oldest: int | None
    half_life: float | None


@dataclass(frozen=True)
class PairWeights:
    """Distinct pairs by shopper and product.

    Attributes
    ----------
    users, counts : (n_users,) int32 and int64, the shoppers, and how many pairs each has.
    items, weights, first : (n,) int32, float32 above 0, and int64 first times or `NO_TIME`.
    """

    users: np.ndarray
    counts: np.ndarray
    items: np.ndarray
    weights: np.ndarray
    first: np.ndarray


@dataclass(frozen=True)
class _Groups:
    """Events of one pair and kind together: their sums; `keys` number pairs and kinds."""

    keys: np.ndarray
    units: np.ndarray
    decay: np.ndarray | None
    first: np.ndarray


def weigh_pairs(block: EventBlock, keys: PairKeys, weighing: Weighing) -> PairWeights:
    """The pairs in a block whose weight is above 0."""
    decay = _decay(block.times, weighing)
    if weighing.value_kind == "rating" and block.values is not None:
        rated = ~np.isnan(block.values)
        one_by_one = _rated(_some_of(block, rated), _some(decay, rated), keys, weighing)
        others = _summed(replace(_some_of(block, ~rated), values=None), _some(decay, ~rated), keys)
        groups = _joined(one_by_one, others)
    else:
        groups = _summed(block, decay, keys)
    weights = weighing.kind_weights[keys.kinds(groups.keys)]
    if groups.decay is not None:
        weights = weights * groups.decay
    parts = _whole(weights * np.log2(1.0 + groups.units))
    pairs = keys.pairs(groups.keys)
    starts = _starts(pairs)
    shoppers, items = keys.split(pairs[starts])
    sums = np.add.reduceat(parts, starts) if len(starts) else parts
    first = np.minimum.reduceat(groups.first, starts) if len(starts) else groups.first
    begins = _starts(shoppers)
    return PairWeights(
        users=block.user_numbers[shoppers[begins]],
        counts=np.diff(begins, append=len(shoppers)),
        items=items,
        weights=(sums / _UNIT).astype(np.float32),
        first=first,
    )


def _decay(times: np.ndarray, weighing: Weighing) -> np.ndarray | None:
    """(n,) float64 shares that are left of the events' weights; None where age does not count."""
    if weighing.half_life is None or weighing.newest is None:
        return None
    ages = np.where(times == NO_TIME, 0.0, times - float(weighing.newest))
    return np.asarray(np.exp2(ages / weighing.half_life))


def _in_order(block: EventBlock, keys: PairKeys) -> tuple[np.ndarray, np.ndarray]:
    """(n,) int32 positions of events by shopper, product and kind, and (n,) int64 keys in that order."""
    n = len(block.shoppers)
    shape = len(block.user_numbers), 1 << keys.bits
    events = coo_matrix((np.arange(n, dtype=np.int32), (block.shoppers, block.below)), shape=shape)
    # Events of the same pair and kind must not be added up.
    events.has_canonical_format = True
    ordered = events.tocsr()
    ordered.sort_indices()
    shoppers = np.repeat(keys.of_shoppers(np.arange(shape[0])), np.diff(ordered.indptr))
    return ordered.data, shoppers | ordered.indices


def _summed(block: EventBlock, decay: np.ndarray | None, keys: PairKeys) -> _Groups:
    """Events without a rating; units grow with the logarithm of the quantities."""
    order, ordered = _in_order(block, keys)
    starts = _starts(ordered)
    if not len(starts):
        return _Groups(ordered, np.zeros(0), None if decay is None else np.zeros(0), block.times)
    counts = np.diff(starts, append=len(ordered)).astype(np.float64)
    units = counts
    if block.values is not None:
        amounts = np.maximum(np.where(np.isnan(block.values), 1.0, block.values), 0.0)
        units = np.add.reduceat(_whole(np.log2(1.0 + amounts))[order], starts) / _UNIT
    mean = None if decay is None else np.add.reduceat(_whole(decay)[order], starts) / counts / _UNIT
    return _Groups(ordered[starts], units, mean, np.minimum.reduceat(block.times[order], starts))


def _rated(block: EventBlock, decay: np.ndarray | None, keys: PairKeys, weighing: Weighing) -> _Groups:
    """Ratings of at least the floor: the newest of repeated ones counts, and the rating itself decides between equal times."""
    order, ordered = _in_order(block, keys)
    starts = _starts(ordered)
    ratings, times = block.values, block.times
    if not len(starts) or ratings is None:
        return _Groups(ordered, np.zeros(0), decay, times)
    sizes = np.diff(starts, append=len(ordered))
    repeated = np.flatnonzero(np.repeat(sizes > 1, sizes))
    among = order[repeated]
    when = np.where(times[among] == NO_TIME, weighing.oldest or 0, times[among])
    by = (ratings[among], when, ordered[repeated])
    order[repeated] = among[np.lexsort(by if decay is None else (decay[among], *by))]
    last = order[starts + sizes - 1]
    span = max(weighing.best - weighing.floor, 1e-9)
    units = np.exp2(1.0 + (ratings[last] - weighing.floor) / span) - 1.0
    first = np.minimum.reduceat(np.where(ratings >= weighing.floor, times, NO_TIME)[order], starts)
    liked = ratings[last] >= weighing.floor
    return _Groups(
        ordered[starts][liked], units[liked], _some(None if decay is None else decay[last], liked), first[liked]
    )


def _joined(one: _Groups, other: _Groups) -> _Groups:
    keys = np.concatenate([one.keys, other.keys])
    order = np.argsort(keys, kind="stable")
    decay = None if one.decay is None or other.decay is None else np.concatenate([one.decay, other.decay])[order]
    return _Groups(
        keys[order],
        np.concatenate([one.units, other.units])[order],
        decay,
        np.concatenate([one.first, other.first])[order],
    )


def _some_of(block: EventBlock, chosen: np.ndarray) -> EventBlock:
    return replace(
        block,
        shoppers=block.shoppers[chosen],
        below=block.below[chosen],
        times=block.times[chosen],
        values=_some(block.values, chosen),
    )


def _some(values: np.ndarray | None, chosen: np.ndarray) -> np.ndarray | None:
    return None if values is None else values[chosen]


def _starts(ordered: np.ndarray) -> np.ndarray:
    """Where a value differs from the one before it."""
    if not len(ordered):
        return np.zeros(0, np.int64)
    return np.flatnonzero(np.append(True, ordered[1:] != ordered[:-1]))


def _whole(values: np.ndarray) -> np.ndarray:
    """Values in whole units, at least one."""
    return np.asarray(np.maximum(np.floor(values * _UNIT + 0.5), 1.0).astype(np.int64))
