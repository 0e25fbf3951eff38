"""The lists as they are shown: what the release returns, with approved drafts and places, without what people ruled out."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

import pandas as pd

from engine.arms.registry import SERVED as SERVED_ARM
from engine.core.errors import NotFoundError
from engine.edits.places.served import BOOST, GUARANTEED_RANK, PlacesInLists
from engine.recommend.inbound import Inbound, inbound_of_candidate
from engine.recommend.neighbour import Neighbour

__all__ = ["shown_beside", "shown_list", "shown_lists"]


def shown_list(
    places: PlacesInLists, item_id: str, arm: str, k: int, suppressed: Collection[str] = ()
) -> list[Neighbour]:
    """The k products beside a product or draft without those suppressed, the next best instead; see `ServedShop.neighbours`."""
    drafts = places.drafts
    release, more = drafts.recommender, k + len(suppressed)
    if item_id in drafts.ids:
        found = drafts.neighbours_of_draft(item_id, more) if arm == SERVED_ARM else []
    else:
        found = release.neighbours(item_id, arm, more)
        if arm == SERVED_ARM and found:
            found = places.applied(item_id, drafts.merged(item_id, found, more), k)
    shown = [one for one in found if one.item_id not in suppressed][:k]
    return [replace(one, rank=rank) for rank, one in enumerate(shown, start=1)]


def shown_lists(
    places: PlacesInLists,
    suppressed: Mapping[str, Collection[str]],
    arm: str,
    k: int,
    item_ids: Sequence[str] | None = None,
) -> pd.DataFrame:
    """The lists of many as a table; see `ServedShop.neighbours_all`."""
    drafts = places.drafts
    release, draft_ids = drafts.recommender, set(drafts.ids)
    wanted = list(dict.fromkeys([*release.items["item_id"], *drafts.ids] if item_ids is None else item_ids))
    table = release.neighbours_all(arm, k, [one for one in wanted if one not in draft_ids])
    placed = set(places.touched(table, k)) if arm == SERVED_ARM else set()
    apart = [one for one in wanted if one in draft_ids or one in suppressed or one in placed]
    rest = table[~table["item_id"].isin(apart)] if apart else table
    if arm == SERVED_ARM:
        rest = drafts.merged_table(rest, k, own=False)
    if not apart:
        return rest
    rows = [
        (anchor, one.rank, one.item_id, one.score)
        for anchor in apart
        for one in shown_list(places, anchor, arm, k, suppressed.get(anchor, ()))
    ]
    both = pd.concat([rest, pd.DataFrame(rows, columns=list(table.columns)).astype(table.dtypes.to_dict())])
    position = {anchor: number for number, anchor in enumerate(wanted)}
    order = both["item_id"].map(position).to_numpy()
    return both.iloc[order.argsort(kind="stable")].reset_index(drop=True)


def shown_beside(
    places: PlacesInLists, suppressed: Mapping[str, Collection[str]], draft_id: str, k: int
) -> list[Inbound]:
    """The products beside which an approved draft is shown; see `ServedShop.shown_beside`."""
    candidate = places.drafts.candidate(draft_id)
    if candidate is None:
        raise NotFoundError(f"There is no new product {draft_id!r} in the shop.")
    place = places.active.get(draft_id)
    boost = BOOST if place is not None and place.kind == "boosted" else 1.0
    found = inbound_of_candidate(places.drafts.recommender, candidate, k, boost)
    ranks = {one.item_id: one.rank for one in found}
    ranks |= {anchor: min(ranks.get(anchor, k), GUARANTEED_RANK, k) for anchor in places.guaranteed(draft_id)}
    shown = [Inbound(anchor, rank) for anchor, rank in ranks.items() if draft_id not in suppressed.get(anchor, ())]
    return sorted(shown, key=lambda one: one.rank)
