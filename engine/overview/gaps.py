"""Products that lack a part of their content, ranked by what filling it would gain.

What a part gains is measured when a release is trained: how close the lists of well-known products, whose history was hidden,
come to what their shoppers chose, with all of the content and without that part (`engine.selection.modality_gains`). A product that its
own shoppers speak for gains less, by the share of its vector that is its own (`engine.arms.contributions`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from engine.arms.plan import Trial

__all__ = ["Gap", "content_shares", "find_gaps", "lacking"]


@dataclass(frozen=True)
class Gap:
    """Products without one part of their content.

    Attributes
    ----------
    part : the modality, "image", "text" or "attributes".
    rows : of the products, those first where most is to be gained.
    with_it, without_it : mean NDCG@10 (0 to 1) with all parts, and without this one; None where that was not measured.
    """

    part: str
    rows: NDArray[np.int64]
    with_it: float | None
    without_it: float | None

    @property
    def gain(self) -> float | None:
        """What the part adds, in NDCG@10; None where that was not measured."""
        return None if self.with_it is None or self.without_it is None else self.with_it - self.without_it


def find_gaps(
    items: pd.DataFrame,
    kinds: Mapping[str, str],
    trials: Sequence[Trial[str]],
    shares: Sequence[Mapping[str, Any]],
) -> list[Gap]:
    """One for each part of the content that some products have and others lack.

    The order of rows is by the part of the product that content speaks for, times its interactions and one more, so that products without
    any have an order too. Parts that nobody has are no gap: the shop does without them.

    Parameters
    ----------
    items : of a release, with `interaction_count`. kinds : attribute -> its kind.
    trials : `Trials.modalities` of the release's plan. shares : "shares" of its training record.
    """
    counts = items["interaction_count"].to_numpy()
    worth = content_shares(counts, shares) * (counts + 1)
    measured = {one.tried: one.ndcg for one in trials}
    found = []
    for part, missing in lacking(items, kinds).items():
        if not missing.any() or missing.all():
            continue
        rows = np.flatnonzero(missing)
        known = part in measured and "" in measured
        ends = (measured[""], measured[part]) if known else (None, None)
        found.append(Gap(part, rows[np.argsort(-worth[rows], kind="stable")], *ends))
    return found


def lacking(items: pd.DataFrame, kinds: Mapping[str, str]) -> dict[str, NDArray[np.bool_]]:
    """Part of the content -> (n_items,) which products have nothing of it."""
    columns = {
        "image": ["image"],
        "text": ["title", "description", *(name for name, kind in kinds.items() if kind == "text")],
        "attributes": ["brand", "category", *(name for name, kind in kinds.items() if kind != "text")],
    }
    return {part: _all_empty(items, names) for part, names in columns.items()}


def content_shares(counts: NDArray[np.integer], shares: Sequence[Mapping[str, Any]]) -> NDArray[np.float64]:
    """(n_items,) share of a product's vector that its content speaks for, 0 to 1; 1 where nothing was measured.

    Parameters
    ----------
    shares : entries with "low", "high" (None: no end) and "own", from `engine.arms.contributions`.
    """
    found = np.ones(len(counts))
    for entry in shares:
        high = np.inf if entry["high"] is None else entry["high"]
        found[(counts >= entry["low"]) & (counts <= high)] = 1.0 - float(entry["own"])
    return found


def _all_empty(items: pd.DataFrame, names: Sequence[str]) -> NDArray[np.bool_]:
    """(n_items,) where no column says anything; most columns need not be looked at, the first say enough."""
    empty = np.ones(len(items), dtype=bool)
    for name in names:
        empty &= _empty(items, name)
        if not empty.any():
            break
    return empty


def _empty(items: pd.DataFrame, name: str) -> NDArray[np.bool_]:
    if name not in items:
        return np.ones(len(items), dtype=bool)
    column = items[name]
    empty = column.isna().to_numpy()
    if column.dtype == object:
        empty = empty | np.fromiter((isinstance(one, str) and not one.strip() for one in column), bool, len(column))
    elif pd.api.types.is_string_dtype(column.dtype):
        empty = empty | (column.str.strip() == "").fillna(False).to_numpy(dtype=bool)
    return np.asarray(empty)
