"""How mixed the neighbourhoods of long-tail products are on each panel: the noise that behaviour makes of products hardly anybody chose."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.spatial import cKDTree

__all__ = ["Mixing", "facts_to_compare", "how_mixed"]

NEIGHBOURS = 10
LEAST_PRODUCTS = 30
"""Fewer long-tail products say nothing."""
_MOST_ASKED = 3_000
_MOST_VALUES = 200


@dataclass(frozen=True)
class Mixing:
    """What long-tail products have in common with the ten products around them.

    Attributes
    ----------
    behaviour, longtail : the mean share of facts that agree, 0 to 1, on each panel.
    chance : the same for any two products.
    error : the standard error of longtail - behaviour, over products.
    products : how many long-tail products it is about: those that have a place on both panels.
    facts : names of what was compared.
    """

    behaviour: float
    longtail: float
    chance: float
    error: float
    products: int
    facts: Sequence[str]

    @property
    def is_clear(self) -> bool:
        """Whether the panels differ by more than chance explains (95 %)."""
        return abs(self.longtail - self.behaviour) > 1.96 * self.error


def facts_to_compare(items: pd.DataFrame, kinds: dict[str, str]) -> list[str]:
    """The category and the attributes of few values, which tell what a product is like; the brand where there is nothing else."""
    named = ["category", *(name for name, kind in kinds.items() if kind == "category")]
    useful = [name for name in named if name in items.columns and 2 <= items[name].nunique() <= _MOST_VALUES]
    return useful or [name for name in ("brand",) if items[name].nunique() >= 2]


def how_mixed(
    items: pd.DataFrame,
    facts: Sequence[str],
    behaviour: NDArray[np.float32],
    longtail: NDArray[np.float32],
    long_tail: NDArray[np.bool_],
    seed: int = 0,
) -> Mixing | None:
    """Compare what lies around long-tail products on both panels; None where there are too few, or no facts.

    Parameters
    ----------
    behaviour, longtail : (n, 2) places, NaN where there is none.
    long_tail : (n,) which products are meant.
    """
    on_both = np.asarray(np.isfinite(behaviour).all(axis=1) & np.isfinite(longtail).all(axis=1))
    rows = np.flatnonzero(long_tail & on_both)
    if len(rows) < LEAST_PRODUCTS or not facts or on_both.sum() <= NEIGHBOURS:
        return None
    if len(rows) > _MOST_ASKED:
        rows = np.sort(np.random.default_rng(seed).choice(rows, _MOST_ASKED, replace=False))
    codes = np.stack([pd.factorize(items[name])[0] for name in facts], axis=1)
    shares = [_agreeing(codes, rows, places, on_both) for places in (behaviour, longtail)]
    difference = shares[1] - shares[0]
    known = np.isfinite(difference)
    if known.sum() < LEAST_PRODUCTS:
        return None
    return Mixing(
        behaviour=float(shares[0][known].mean()),
        longtail=float(shares[1][known].mean()),
        chance=_by_chance(codes[on_both]),
        error=float(difference[known].std(ddof=1) / np.sqrt(known.sum())),
        products=int(known.sum()),
        facts=list(facts),
    )


def _agreeing(
    codes: NDArray[np.int64], rows: NDArray[np.int64], places: NDArray[np.float32], among: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """(rows,) the mean share of facts that a product shares with the ten around it; NaN where none is known of both."""
    candidates = np.flatnonzero(among)
    found = cKDTree(places[candidates]).query(places[rows], NEIGHBOURS + 1)[1]
    near = candidates[found]
    other = near != rows[:, None]
    mine, theirs = codes[rows][:, None, :], codes[near]
    known = (mine >= 0) & (theirs >= 0) & other[:, :, None]
    with np.errstate(invalid="ignore"):
        return np.asarray(((mine == theirs) & known).sum(axis=(1, 2)) / known.sum(axis=(1, 2)))


def _by_chance(codes: NDArray[np.int64]) -> float:
    """The share of facts that two products drawn at random share."""
    rates, weights = [], []
    for column in codes.T:
        sizes = np.bincount(column[column >= 0]).astype(np.float64)
        total = sizes.sum()
        if total > 1:
            rates.append(float((sizes * (sizes - 1)).sum() / (total * (total - 1))))
            weights.append(total * total)
    return float(np.average(rates, weights=weights)) if rates else 0.0
