"""Where everything that is served lies on both panels: products of the release in their rows, then approved drafts."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.catalogue.product import Product
from engine.edits.drafts.served import DraftBuffer
from engine.recommend.recommender import Recommender
from engine.release.files import making_sense_of

__all__ = ["PANELS", "MapPlaces", "places_of", "places_version"]

PANELS = ("als", "hybrid")
NOWHERE = 65_535
_LARGEST = 65_534
_NEAREST = 5  # products among which a draft is put


@dataclass(frozen=True)
class MapPlaces:
    """Where products and drafts lie.

    Attributes
    ----------
    release, drafts : what they are of; a draft's row follows the products'.
    points : (n, 2, 2) float32: row, panel as in `PANELS`, x and y within [-1, 1]; NaN where it has no place on a panel.
    version : `places_version`.
    """

    release: Recommender
    drafts: DraftBuffer
    points: NDArray[np.float32]
    version: str

    def __len__(self) -> int:
        return len(self.points)

    @property
    def n_products(self) -> int:
        """How many rows are products; the others are drafts."""
        return len(self.release.items)

    def panel(self, name: str) -> NDArray[np.float32]:
        """(n, 2), NaN where there is no place."""
        return self.points[:, PANELS.index(name)]

    def packed(self) -> bytes:
        """(n, 4) little-endian uint16: x and y of each panel on a grid from 0 to 65,534; 65,535 is no place."""
        grid = np.rint((self.points.reshape(-1, 4) + 1) / 2 * _LARGEST)
        return np.where(np.isfinite(grid), grid, NOWHERE).astype("<u2").tobytes()

    def row(self, item_id: str) -> int | None:
        """The row of a product or draft; None where it is neither."""
        if item_id in self.release:
            return self.release.row(item_id)
        ids = self.drafts.ids
        return self.n_products + ids.index(item_id) if item_id in ids else None

    def rows(self, item_ids: Sequence[str]) -> list[int]:
        """The rows of many at once, in order, without those that are neither product nor draft."""
        found = self.release.rows_of(item_ids)
        drafts = [self.row(item_ids[int(place)]) for place in np.flatnonzero(found < 0)]
        return sorted([*found[found >= 0].tolist(), *(row for row in drafts if row is not None)])

    def item_id(self, row: int) -> str:
        """The id of the product or draft in a row."""
        if row < self.n_products:
            return str(self.release.items["item_id"].iloc[row])
        return self.drafts.ids[row - self.n_products]

    def item_ids(self, rows: Sequence[int]) -> list[str]:
        """The ids of the products and drafts in these rows, in their order."""
        known = self.release.items["item_id"].iloc[[row for row in rows if row < self.n_products]]
        found = iter(known.astype(object).tolist())
        return [next(found) if row < self.n_products else self.item_id(row) for row in rows]

    def product(self, row: int) -> Product:
        """The product or draft in a row."""
        if row < self.n_products:
            return self.release.product(row)
        return self.drafts.drafts[row - self.n_products].product


def places_of(release: Recommender, drafts: DraftBuffer) -> MapPlaces:
    """The places of a release, as people changed it, and of its approved drafts.

    Raises `ReleaseContentError` where the release's maps make no sense.
    """
    columns = [f"{panel}_{axis}" for panel in PANELS for axis in "xy"]
    with making_sense_of("maps.parquet"):
        known = release.maps[columns].to_numpy(dtype=np.float32).reshape(-1, 2, 2)
    points = np.concatenate([known, _draft_places(known, drafts)]).clip(-1, 1)
    return MapPlaces(release, drafts, points, places_version(release, drafts))


def places_version(release: Recommender, drafts: DraftBuffer) -> str:
    """Another one whenever products, drafts or places may be others."""
    told = "\n".join(f"{draft.id} {draft.version}" for draft in drafts.drafts)
    return f"{release.version}+{hashlib.sha256(told.encode()).hexdigest()[:12]}"


def _draft_places(known: NDArray[np.float32], drafts: DraftBuffer) -> NDArray[np.float32]:
    """(n_drafts, 2, 2): on Longtail's panel among their nearest products; nobody's behaviour is about a draft."""
    places = np.full((len(drafts.ids), 2, 2), np.nan, dtype=np.float32)
    for position, draft_id in enumerate(drafts.ids):
        rows = [one.row for one in drafts.neighbours_of_draft(draft_id, 2 * _NEAREST) if one.row >= 0][:_NEAREST]
        if rows:
            places[position, 1] = np.median(known[rows, 1], axis=0)
    return places
