"""Which lists came closer to what shoppers chose, by what two trainings hid: products whose history both took away in the same way."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from engine.catalogue.traffic import LEVELS, Level, Traffic
from engine.comparison.list_gains import ENOUGH_JUDGED, NOTICEABLE, Tally

__all__ = ["held_out_tallies"]


def held_out_tallies(
    before: Mapping[str, Any], after: Mapping[str, Any], traffic: Traffic
) -> dict[Level, Tally] | None:
    """Traffic group -> its tally, `compared` being hidden products; each belongs to the group that its history was cut down to.

    None where the two did not hide the same (other data, or nothing was measured), or hardly any list differs.

    Parameters
    ----------
    before, after : metrics.json of both releases. A list improved where its NDCG@10 gained `NOTICEABLE` or more.
    """
    old, new = before.get("by_target"), after.get("by_target")
    if not old or not new or old["targets"] != new["targets"] or "kept" not in new:
        return None
    gain = np.array(new["ndcg"], dtype=np.float64) - np.array(old["ndcg"], dtype=np.float64)
    better, worse = gain >= NOTICEABLE, gain <= -NOTICEABLE
    if int((better | worse).sum()) < ENOUGH_JUDGED:
        return None
    names = np.array([traffic.level(int(kept)) for kept in new["kept"]], dtype=str)
    groups = {level: names == level for level in LEVELS}
    return {
        level: Tally(*(int((of & some).sum()) for some in (np.ones_like(better), gain != 0, better, worse)))
        for level, of in groups.items()
        if of.any()
    }
