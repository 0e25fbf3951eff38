"""Products so alike that they are probably one and the same: equal words in the title, equal content, and no fact that tells them apart.

Compared are products whose titles have the same words, and each with the first of its list, never all with all.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.csgraph import connected_components

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
    words = [_words(title) for title in items["title"]]
    pairs = np.concatenate([_same_title(words), _near(nearest)])
    pairs = np.unique(np.sort(pairs[pairs[:, 0] != pairs[:, 1]], axis=1), axis=0)
    for name in ("brand", *(name for name, kind in kinds.items() if kind in ("category", "number"))):
        if name in items:
            pairs = pairs[~_differ(items[name], pairs)]
    said = [_same_words(words[first], words[second]) for first, second in pairs.tolist()]
    pairs = _alike(pairs[np.array(said, dtype=bool)], content)
    return _groups(pairs, items["interaction_count"].to_numpy())


def _words(title: object) -> tuple[str, ...]:
    """The words of a title in alphabetical order."""
    return (
        tuple(sorted(_WORD.findall(unicodedata.normalize("NFKC", title).casefold()))) if isinstance(title, str) else ()
    )


def _same_title(words: Sequence[tuple[str, ...]]) -> NDArray[np.int64]:
    """(m, 2), every two products whose titles have the same words."""
    blocks: dict[tuple[str, ...], list[int]] = {}
    for row, said in enumerate(words):
        if said:
            blocks.setdefault(said, []).append(row)
    pairs = [
        np.asarray(rows, dtype=np.int64)[np.stack(np.triu_indices(len(rows), 1), axis=1)]
        for rows in blocks.values()
        if 1 < len(rows) <= MOST_IN_BLOCK
    ]
    return np.concatenate([np.empty((0, 2), dtype=np.int64), *pairs])


def _near(nearest: NDArray[np.integer] | None) -> NDArray[np.int64]:
    """(m, 2), every product with each of those nearest to it."""
    if nearest is None:
        return np.empty((0, 2), dtype=np.int64)
    rows, places = np.nonzero(nearest[:, :NEAREST] >= 0)
    return np.stack([rows, nearest[rows, places]], axis=1).astype(np.int64)


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


def _differ(column: pd.Series, pairs: NDArray[np.int64]) -> NDArray[np.bool_]:
    """(m,) whether both products of a pair have a value, and not the same one."""
    codes = pd.factorize(column, use_na_sentinel=True)[0]
    first, second = codes[pairs[:, 0]], codes[pairs[:, 1]]
    return np.asarray((first >= 0) & (second >= 0) & (first != second))


def _groups(pairs: NDArray[np.int64], counts: NDArray[np.integer]) -> list[NDArray[np.int64]]:
    if not len(pairs):
        return []
    members = np.unique(pairs)
    places = np.searchsorted(members, pairs)
    graph = sparse.coo_matrix((np.ones(len(places)), (places[:, 0], places[:, 1])), shape=(len(members),) * 2)
    _, labels = connected_components(graph, directed=False)
    ends = np.cumsum(np.bincount(labels))[:-1]
    groups = np.split(members[np.argsort(labels, kind="stable")], ends)
    groups = [rows[np.argsort(-counts[rows], kind="stable")] for rows in groups]
    return sorted(groups, key=lambda rows: (-int(counts[rows].sum()), int(rows[0])))
