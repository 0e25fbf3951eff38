"""Places among the served lists: who stands where without being similar enough by itself.

A guaranteed place is the fifth of a list, or the last of a shorter one, on the lists of the products that the placed one is most similar
to; where it stands higher by itself nothing changes. A boost counts a similarity for more wherever it is compared.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property

import numpy as np
import pandas as pd

from engine.arms.registry import SERVED as ARM
from engine.core.vectors import unit_rows
from engine.edits.drafts.served import DraftBuffer
from engine.edits.places.store import Place
from engine.recommend.neighbour import Neighbour

__all__ = ["BOOST", "GUARANTEED_RANK", "PlacesInLists"]

GUARANTEED_RANK = 5
BOOST = 1.15


@dataclass(frozen=True)
class _Placed:
    """A place with the similarity of every product's list to its product, (n_items,) float32, and the rows where it is guaranteed."""

    place: Place
    row: int
    scores: np.ndarray
    rows: frozenset[int]

    @property
    def is_boost(self) -> bool:
        return self.place.kind == "boosted"


@dataclass(frozen=True)
class PlacesInLists:
    """The places of products and approved drafts in a release; those that have ended by now count no more."""

    drafts: DraftBuffer
    places: tuple[Place, ...]

    @property
    def active(self) -> dict[str, Place]:
        """Item id -> its place, of those that have not ended."""
        now = datetime.now(UTC)
        return {one.item_id: one for one in self.places if one.until > now}

    def applied(self, item_id: str, found: Sequence[Neighbour], k: int) -> list[Neighbour]:
        """A product's list of the served arm with the places in it, up to `len(found)` of them; ranks are left to the caller."""
        ranked, active = list(found), self.active
        if not active or item_id not in self.drafts.recommender:
            return ranked
        anchor = self.drafts.recommender.row(item_id)
        for one in self._placed:
            if one.place.item_id in active and one.row != anchor:
                ranked = _with(ranked, one, anchor, min(GUARANTEED_RANK, k))
        return ranked

    def guaranteed(self, item_id: str) -> list[str]:
        """Ids of the products on whose lists a product has a guaranteed place now, in the order of the catalogue."""
        rows = {row for one in self._placed if one.place.item_id == item_id in self.active for row in one.rows}
        ids = self.drafts.recommender.items["item_id"]
        return [str(ids.iloc[row]) for row in sorted(rows)]

    def touched(self, table: pd.DataFrame, k: int) -> list[str]:
        """Of the lists in a table (`Recommender.neighbours_all`), the anchors of those that places may change."""
        active = self.active
        placed = [one for one in self._placed if one.place.item_id in active]
        if not placed:
            return []
        release = self.drafts.recommender
        grouped = table.groupby("item_id", sort=False)["score"].agg(["min", "size"])
        anchors = [str(anchor) for anchor in grouped.index if anchor in release]
        rows = np.array([release.row(anchor) for anchor in anchors], dtype=np.int64)
        least = np.where(grouped["size"] < k, -np.inf, grouped["min"])[[name in release for name in grouped.index]]
        changed = np.zeros(len(rows), dtype=bool)
        for one in placed:
            changed |= one.scores[rows] * BOOST >= least if one.is_boost else np.isin(rows, list(one.rows))
        return [anchor for anchor, is_changed in zip(anchors, changed, strict=True) if is_changed]

    @cached_property
    def _placed(self) -> list[_Placed]:
        """Every place whose product can be compared."""
        return [made for place in self.places if (made := self._make(place)) is not None]

    def _make(self, place: Place) -> _Placed | None:
        release = self.drafts.recommender
        search = release.arm(ARM)
        row = release.row(place.item_id) if place.item_id in release else -1
        candidate = search.candidates[row] if row >= 0 else self.drafts.candidate(place.item_id)
        if candidate is None or not np.any(candidate):
            return None
        scores = (search.query @ unit_rows(np.asarray(candidate)[None])[0]) / search.query_lengths
        scores[~search.has_list] = -np.inf
        if row >= 0:
            scores[row] = -np.inf
        best = np.argsort(-scores, kind="stable")[: place.lists]
        return _Placed(place, row, scores, frozenset(int(one) for one in best if np.isfinite(scores[one])))


def _with(ranked: list[Neighbour], one: _Placed, anchor: int, rank: int) -> list[Neighbour]:
    """The list with a placed product where it belongs; it never stands lower than before, and the list grows no longer."""
    score, now = float(one.scores[anchor]), _position(ranked, one.place.item_id)
    if one.is_boost:
        position = next((place for place, other in enumerate(ranked) if other.score < score * BOOST), len(ranked))
    elif anchor in one.rows:
        position = rank - 1
    else:
        return ranked
    if position >= min(now, len(ranked)):
        return ranked
    others = [other for other in ranked if other.item_id != one.place.item_id]
    mine = Neighbour(one.place.item_id, one.row, position + 1, score)
    return [*others[:position], mine, *others[position:]][: len(ranked)]


def _position(ranked: Sequence[Neighbour], item_id: str) -> int:
    return next((place for place, other in enumerate(ranked) if other.item_id == item_id), len(ranked))
