"""What the regions of a map are called: the words that set their products apart from all others.

Products that lie together are grouped by k-means on the map, coarsely and finely. A word's weight in a group is the share of its products that have the
word times the logarithm of how much more often that is than everywhere: what is frequent here and rare elsewhere, as in TF-IDF.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse
from scipy.cluster.vq import kmeans2
from scipy.spatial import cKDTree

from engine.core.visible_text import visible

__all__ = ["Region", "regions_of", "words_of"]

LEAST_SHARE = 0.3
LEAST_WEIGHT = 0.25
"""Below it, no word sets a group apart: its products are mixed."""
MOST_WORDS = 4_000
_LEAST_PRODUCTS = 8
_WORD = re.compile(r"[^\W\d_]{4,}")
_CONNECTING = frozenset(
    (
        "with",
        "from",
        "without",
        "avec",
        "pour",
        "dans",
        "sans",
        "ohne",
        "oder",
        "für",
        "para",
        "della",
        "dello",
        "voor",
        "naar",
        "till",
        "utan",
    )
)
_LONGEST, _LONGEST_WORD = 40, 20


@dataclass(frozen=True)
class Region:
    """A group of products that lie together.

    Attributes
    ----------
    level : 0 for the coarse groups, 1 for the fine ones.
    x, y : a product in its middle, within [-1, 1]. top : the y that most of its products lie below.
    size : how many products it has.
    name : the words that set it apart, or None where none does.
    """

    level: int
    x: float
    y: float
    top: float
    size: int
    name: str | None


@dataclass(frozen=True)
class ProductWords:
    """Which product has which words.

    Attributes
    ----------
    names : words as they are shown. columns : where each was met first: a second word of a name tells something of another kind.
    has : (n, words) of ones.
    """

    names: Sequence[str]
    columns: Sequence[str]
    has: sparse.csr_matrix


def words_of(items: pd.DataFrame, attributes: Sequence[str]) -> ProductWords:
    """The words of titles, and the values of category and `attributes`, whole; those that hardly any product has are left out."""
    columns = [name for name in ("category", *attributes, "title") if name in items.columns]
    values = [items[name].tolist() for name in columns]
    found = [
        {
            word.casefold(): (word, name)
            for name, cell in zip(columns, row, strict=True)
            for word in _words(cell, name == "title")
        }
        for row in zip(*values, strict=True)
    ]
    met: dict[str, tuple[str, str]] = {}
    frequency: Counter[str] = Counter()
    for words in found:
        frequency.update(words.keys())
        for key, word in words.items():
            met.setdefault(key, word)
    least = max(2, len(items) // 2_000)
    names = [key for key, times in frequency.most_common(MOST_WORDS) if times >= least]
    position = {key: place for place, key in enumerate(names)}
    mine = [sorted(position[key] for key in words if key in position) for words in found]
    rows = np.repeat(np.arange(len(items)), [len(one) for one in mine])
    cells = np.fromiter((place for one in mine for place in one), dtype=np.int64, count=len(rows))
    has = sparse.csr_matrix((np.ones(len(rows), np.float32), (rows, cells)), shape=(len(items), len(names)))
    return ProductWords([visible(met[key][0]) for key in names], [met[key][1] for key in names], has)


def regions_of(points: NDArray[np.float32], words: ProductWords, seed: int = 0) -> list[Region]:
    """The named regions of one panel, the largest first; the same points, words and seed give the same regions.

    Parameters
    ----------
    points : (n, 2), NaN where a product has no place; rows as in `words`.
    """
    placed = np.flatnonzero(np.isfinite(points).all(axis=1))
    regions: list[Region] = []
    for level, wanted in enumerate(_how_many(len(placed))):
        if wanted < 2:
            continue
        group = _groups(points[placed].astype(np.float64), wanted, seed)
        regions += _named(points[placed], group, wanted, words, placed, level)
    return sorted(regions, key=lambda region: (region.level, -region.size))


def _how_many(n: int) -> tuple[int, int]:
    coarse = int(np.clip(round(3.5 * sqrt(n / 60)), 0, 60))
    return coarse, 4 * coarse


def _groups(points: NDArray[np.float64], wanted: int, seed: int) -> NDArray[np.int64]:
    """The group of each point; k-means from centres that are drawn far apart, fitted on a part where there are many."""
    rng = np.random.default_rng(seed)
    part = points if len(points) <= 20_000 else points[np.sort(rng.choice(len(points), 20_000, replace=False))]
    centres, _ = kmeans2(part, wanted, iter=20, minit="++", missing="warn", rng=np.random.default_rng(seed))
    return np.asarray(cKDTree(centres).query(points)[1])


def _named(
    points: NDArray[np.float32],
    group: NDArray[np.int64],
    n_groups: int,
    words: ProductWords,
    rows: NDArray[np.int64],
    level: int,
) -> Iterator[Region]:
    has = words.has[rows]
    everywhere = np.asarray(has.sum(axis=0)).ravel() / max(len(rows), 1)
    member = sparse.csr_matrix(
        (np.ones(len(rows), np.float32), (group, np.arange(len(rows)))), shape=(n_groups, len(rows))
    )
    counts, sizes = (member @ has).toarray(), np.bincount(group, minlength=n_groups)
    for number in np.flatnonzero(sizes >= _LEAST_PRODUCTS):
        share = counts[number] / sizes[number]
        with np.errstate(divide="ignore", invalid="ignore"):
            weight = np.where(share >= LEAST_SHARE, share * np.log(share / everywhere), 0.0)
        own = points[group == number]
        x, y = own[
            np.abs(own - np.median(own, axis=0)).sum(axis=1).argmin()
        ]  # on a product: the middle may lie between them
        yield Region(
            level,
            float(x),
            float(y),
            float(np.quantile(own[:, 1], 0.9)),
            int(sizes[number]),
            _name(np.nan_to_num(weight), words),
        )


def _name(weight: NDArray[np.float64], words: ProductWords) -> str | None:
    """The best word, and the next that tells something else and at least half as much."""
    chosen: list[int] = []
    for place in np.argsort(-weight, kind="stable")[:20]:
        if weight[place] < (weight[chosen[0]] / 2 if chosen else LEAST_WEIGHT) or len(chosen) == 2:
            break
        mine = words.names[place].casefold()
        if not any(_says_the_same(mine, words.columns[place], one, words) for one in chosen):
            chosen.append(int(place))
    return " · ".join(words.names[place] for place in chosen) if chosen else None


def _says_the_same(mine: str, column: str, other: int, words: ProductWords) -> bool:
    """Whether one word contains the other, or both are values of one column."""
    theirs = words.names[other].casefold()
    return mine in theirs or theirs in mine or (column == words.columns[other] != "title")


def _words(cell: object, is_title: bool) -> Iterator[str]:
    if isinstance(cell, list | tuple | np.ndarray):
        for one in cell:
            yield from _words(one, is_title)
    elif isinstance(cell, str):
        if is_title:
            yield from (
                word
                for word in _WORD.findall(cell)
                if len(word) <= _LONGEST_WORD and word.casefold() not in _CONNECTING
            )
        elif 0 < len(cell.strip()) <= _LONGEST:
            yield cell.strip()
