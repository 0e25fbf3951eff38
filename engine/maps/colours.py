"""By what the map is coloured: traffic, facts of products, or how much of their lists people judged irrelevant."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from engine.catalogue.product import Product
from engine.catalogue.traffic import LEVELS, Traffic
from engine.core.visible_text import visible
from engine.curation.votes import SURE, Verdict
from engine.maps.places import PANELS, MapPlaces

__all__ = ["MOST_VALUES", "Colouring", "by_fact", "by_irrelevance", "by_traffic"]

MOST_VALUES = 11
"""Values with a colour of their own, the most frequent first; the others share one."""
_BINS = 6
_RATES = (0.0, 0.25, 0.5)


@dataclass(frozen=True)
class Colouring:
    """A group for every row and panel.

    Attributes
    ----------
    kind : "levels" of traffic, "values" that are not ordered, or "ramp" of ordered ranges, or "rates" from good to bad.
    labels : what each group is called.
    codes : (n, 2) uint8, group by row and panel.
    unknown : the group of products of which nothing is known, or None.
    """

    kind: str
    labels: Sequence[str]
    codes: NDArray[np.uint8]
    unknown: int | None = None

    def counts(self) -> list[list[int]]:
        """How many rows each group has, by panel."""
        return [np.bincount(self.codes[:, panel], minlength=len(self.labels)).tolist() for panel in range(len(PANELS))]


def by_traffic(places: MapPlaces, traffic: Traffic, labels: Sequence[str]) -> Colouring:
    """Groups by `LEVELS`, called `labels`; drafts are products without traffic."""
    counts = places.release.items["interaction_count"].to_numpy(dtype=np.int64)
    code = np.full(len(places), LEVELS.index("none"), dtype=np.uint8)
    edges = [traffic.head_from, traffic.tail_below, 1]
    code[: len(counts)] = np.select([counts >= edge for edge in edges], range(3), 3)
    return Colouring("levels", list(labels), _both(code))


def by_fact(places: MapPlaces, name: str, *, number: bool, number_label: Callable[[float], str]) -> Colouring:
    """Groups by a column of the catalogue: its most frequent values, or six ranges of its numbers with as many products each.

    Of several values of a product the first counts.

    Parameters
    ----------
    number_label : how a number is written.
    """
    values = [*places.release.items[name].tolist(), *(_fact(draft.product, name) for draft in places.drafts.drafts)]
    return _by_number(values, number_label) if number else _by_value([_first(value) for value in values])


def by_irrelevance(places: MapPlaces, votes: pd.DataFrame, appearances: pd.DataFrame) -> Colouring:
    """Groups by the share of a product's judged neighbours that people found irrelevant, panel by panel.

    Parameters
    ----------
    votes : `JudgementStore.current()`.
    appearances : `JudgementStore.appearances()`, which tell from which arm's list a pair came.
    """
    labels = ["None irrelevant", "Up to a quarter", "Up to half", "More than half", "Not judged"]
    codes = np.full((len(places), 2), len(labels) - 1, dtype=np.uint8)
    sure = votes[votes["verdict"].isin([str(verdict) for verdict in SURE])]
    pair = ["anchor_id", "neighbour_id"]
    shares = (sure["verdict"] == str(Verdict.IRRELEVANT)).groupby([sure[name] for name in pair]).mean().rename("bad")
    for panel, arm in enumerate(PANELS):
        listed = appearances.loc[appearances["arm"] == arm, pair].drop_duplicates()
        for anchor, rate in listed.merge(shares.reset_index(), on=pair).groupby("anchor_id")["bad"].mean().items():
            row = places.row(str(anchor))
            if row is not None:
                codes[row, panel] = np.searchsorted(_RATES, rate)
    return Colouring("rates", labels, codes, unknown=len(labels) - 1)


def _by_value(values: Sequence[str | None]) -> Colouring:
    code, names = pd.factorize(np.array(values, dtype=object), use_na_sentinel=True)
    sizes = np.bincount(code[code >= 0], minlength=len(names))
    order = np.argsort(-sizes, kind="stable")
    kept = order if len(order) <= MOST_VALUES + 1 else order[:MOST_VALUES]
    labels = [visible(names[position]) for position in kept]
    if len(kept) < len(order):
        labels.append(f"{len(order) - len(kept):,} others")
    place = np.full(len(names) + 1, len(labels) - 1)
    place[kept] = np.arange(len(kept))
    unknown = len(labels) if (code < 0).any() else None
    place[-1] = len(labels)  # where the code is -1
    if unknown is not None:
        labels.append("Not known")
    return Colouring("values", labels, _both(place[code].astype(np.uint8)), unknown)


def _by_number(values: Sequence[object], label: Callable[[float], str]) -> Colouring:
    numbers = np.asarray(pd.to_numeric(np.array(values, dtype=object), errors="coerce"), dtype=np.float64)
    known = np.isfinite(numbers)
    edges = np.unique(np.quantile(numbers[known], np.linspace(0, 1, _BINS + 1))) if known.any() else np.array([])
    code = np.searchsorted(edges[1:-1], numbers, side="right")
    labels = [f"{label(low)} to {label(high)}" for low, high in pairwise(edges)]
    if len(edges) == 1:
        labels = [label(float(edges[0]))]
    unknown = len(labels) if not known.all() else None
    if unknown is not None:
        labels.append("Not known")
        code = np.where(known, code, unknown)
    return Colouring("ramp", labels, _both(code.astype(np.uint8)), unknown)


def _both(code: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.repeat(code.astype(np.uint8)[:, None], len(PANELS), axis=1)


def _fact(product: Product, name: str) -> object:
    return getattr(product, name, None) if name not in product.attributes else product.attributes[name]


def _first(value: object) -> str | None:
    """A cell as text; the first of several values; None where there is none."""
    if isinstance(value, list | tuple | np.ndarray):
        value = value[0] if len(value) else None
    if value is None or (isinstance(value, float) and np.isnan(value)) or value is pd.NA:
        return None
    return str(value).strip() or None
