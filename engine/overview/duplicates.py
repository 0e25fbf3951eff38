"""Products so alike that they are probably one and the same: equal words in the title, equal content, and no fact that tells them apart.

Compared are products whose titles have the same words, and each with the first of its list, never all with all.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from engine.core.vectors import unit_rows

__all__ = ["ALIKE", "near_duplicates"]

ALIKE = 0.95
"""Cosine of the content from which it counts as the same; on the demo shop the most alike of 2,000 different dresses reach 0.84."""
SAME_WORDS = 0.8  # of all the words of two titles, those that are in both
MOST_IN_BLOCK = 200  # products with one title; more of them share it because it says nothing
NEAREST = 5  # a product's double is among the first of its list
_AT_ONCE = 10_000
_WORD = re.compile(r"\w+")


def near_duplicates(
    items: pd.DataFrame,
    content: NDArray[np.floating],
    kinds: Mapping[str, str],
    nearest: NDArray[np.integer] | None = None,
) -> list[NDArray[np.int64]]:
    """Groups of two rows or more, the group with the most interactions first, and in each the busiest product first.

    Two products are told apart by a brand, or an attribute of the kind "category" or "number", that both have and that
    differs, and by a number in the title: these are variants.

    Parameters
    ----------
    items : of a release. content : (n_items, d). kinds : attribute -> its kind.
    nearest : (n_items, m) rows of each product's neighbours, best first, -1 where there is none.
    """
    words = [_words(title) for title in items["title"].tolist()]
    told = [name for name, kind in kinds.items() if kind in ("category", "number")]
    facts = [_codes(items[name]) for name in ("brand", *told) if name in items]
    near = _unlike_in_none(_near(nearest), facts)
    said = [_same_words(words[first], words[second]) for first, second in near.tolist()]
    pairs = [_alike(near[np.array(said, dtype=bool)], content)]
    pairs += [_alike(some, content) for some in _same_title(words, facts)]
    return _groups(np.concatenate(pairs), items["interaction_count"].to_numpy())


def _words(title: object) -> tuple[str, ...]:
    """The words of a title in alphabetical order."""
    if not isinstance(title, str):
        return ()
    plain = title if title.isascii() else unicodedata.normalize("NFKC", title)
    return tuple(sorted(_WORD.findall(plain.casefold())))


def _codes(column: pd.Series) -> NDArray[np.int64]:
    """(n,) a number for each value, -1 where there is none."""
    return np.asarray(pd.factorize(column, use_na_sentinel=True)[0], dtype=np.int64)


def _unlike_in_none(pairs: NDArray[np.int64], facts: Sequence[NDArray[np.int64]]) -> NDArray[np.int64]:
    """The pairs in which no fact tells one product from the other: it is the same, or one of them lacks it."""
    for codes in facts:
        first, second = codes[pairs[:, 0]], codes[pairs[:, 1]]
        pairs = pairs[(first < 0) | (second < 0) | (first == second)]
    return pairs


def _same_title(words: Sequence[tuple[str, ...]], facts: Sequence[NDArray[np.int64]]) -> Iterator[NDArray[np.int64]]:
    """(m, 2) at a time, m at most n_items: every two products whose titles have the same words, and whom no fact tells apart.

    Facts that the whole catalogue has split the blocks of a title before anything is paired.
    """
    numbers: dict[tuple[str, ...], int] = {}
    block = np.array([numbers.setdefault(said, len(numbers)) for said in words], dtype=np.int64)
    sizes = np.bincount(block, minlength=len(numbers))
    rows = np.flatnonzero((sizes[block] > 1) & (sizes[block] <= MOST_IN_BLOCK) & (block != numbers.get((), -1)))
    block = block[rows]
    for codes in facts:
        if len(codes) and codes.min() >= 0:
            block = np.unique(block * (codes.max() + 1) + codes[rows], return_inverse=True)[1]
    order = np.argsort(block, kind="stable")
    rows, block = rows[order], block[order]
    for apart in range(1, len(rows)):
        same = block[:-apart] == block[apart:]
        if not same.any():
            return
        yield _unlike_in_none(np.stack([rows[:-apart][same], rows[apart:][same]], axis=1), facts)


def _near(nearest: NDArray[np.integer] | None) -> NDArray[np.int64]:
    """(m, 2), every product with each of those nearest to it, every pair once."""
    if nearest is None:
        return np.empty((0, 2), dtype=np.int64)
    rows, places = np.nonzero(nearest[:, :NEAREST] >= 0)
    others = nearest[rows, places].astype(np.int64)
    lower, higher = np.minimum(rows, others), np.maximum(rows, others)
    pairs = np.sort((lower * len(nearest) + higher)[lower != higher])  # of millions, np.unique would hash each
    pairs = pairs[np.diff(pairs, prepend=-1) > 0]
    return np.stack(np.divmod(pairs, len(nearest)), axis=1)


def _alike(pairs: NDArray[np.int64], content: NDArray[np.floating]) -> NDArray[np.int64]:
    """The pairs with the same content."""
    same = np.zeros(len(pairs), dtype=bool)
    for start in range(0, len(pairs), _AT_ONCE):
        some = pairs[start : start + _AT_ONCE]
        first, second = (unit_rows(np.asarray(content[some[:, side]])) for side in (0, 1))
        same[start : start + _AT_ONCE] = np.einsum("ij,ij->i", first, second) >= ALIKE
    return pairs[same]


def _same_words(first: tuple[str, ...], second: tuple[str, ...]) -> bool:
    one, other = set(first), set(second)
    if any(word.isdecimal() for word in one ^ other):
        return False
    return len(one & other) >= SAME_WORDS * len(one | other) > 0


def _groups(pairs: NDArray[np.int64], counts: NDArray[np.integer]) -> list[NDArray[np.int64]]:
    if not len(pairs):
        return []
    members = np.unique(pairs)
    places = np.searchsorted(members, pairs)
    _, labels = np.unique(_connected(places, len(members)), return_inverse=True)
    ends = np.cumsum(np.bincount(labels))[:-1]
    groups = np.split(members[np.argsort(labels, kind="stable")], ends)
    groups = [rows[np.argsort(-counts[rows], kind="stable")] for rows in groups]
    return sorted(groups, key=lambda rows: (-int(counts[rows].sum()), int(rows[0])))


def _connected(pairs: NDArray[np.int64], n: int) -> NDArray[np.int64]:
    """(n,) the lowest number that pairs lead to from each; SciPy's graphs would take a tenth of a second to import, on the first page."""
    lowest = np.arange(n)
    while True:
        before, ends = lowest.copy(), lowest[pairs]
        np.minimum.at(lowest, ends.ravel(), np.repeat(ends.min(axis=1), 2))
        lowest = lowest[lowest]
        if np.array_equal(lowest, before):
            return lowest
