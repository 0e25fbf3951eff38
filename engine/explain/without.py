"""Where a neighbour would stand without a part: in lists that are really made without it.

**Without the picture, the text or the details** is the list that the shop would show if the product had none
(`ServedShop.neighbours_if_changed`): read anew by the release's own encoders, what it lacks expected from the rest as for every
product that lacks it, its behaviour kept, and everything else in the shop as it is.

**Without behaviour** is the product's list by text and picture. **By behaviour alone** is its list by behaviour.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from engine.arms.registry import SERVED
from engine.catalogue.product import Product
from engine.edits.drafts.advice import PARTS
from engine.models.recipe import CONTENT
from engine.recommend.neighbour import Neighbour
from engine.serving.served_shop import ServedShop

__all__ = [
    "BEHAVIOUR_ALONE",
    "DEPTH",
    "NO_BEHAVIOUR",
    "Ranks",
    "product_without",
    "ranks_by_other_arms",
    "ranks_without",
]

DEPTH = 200
"""How far down the lists are looked through."""
NO_BEHAVIOUR, BEHAVIOUR_ALONE = "behaviour", "behaviour alone"
_ALS = "als"
_OTHERS = {SERVED: {NO_BEHAVIOUR: CONTENT, BEHAVIOUR_ALONE: _ALS}, _ALS: {NO_BEHAVIOUR: CONTENT}}
"""Arm -> what is asked of it -> the arm whose list answers."""


@dataclass(frozen=True)
class Ranks:
    """The ranks that neighbours have on another list of a product; 1 is the first.

    Attributes
    ----------
    listed : how many products the list has, at most `DEPTH`; 0 where there is no list at all.
    ranks : id -> rank, of those on it.
    """

    listed: int
    ranks: Mapping[str, int]

    @classmethod
    def of(cls, neighbours: Sequence[Neighbour]) -> Ranks:
        return cls(len(neighbours), {one.item_id: one.rank for one in neighbours})


def product_without(product: Product, part: str) -> Product | None:
    """The product with the fields of a part of `PARTS` emptied; None where it has none of them, or nothing else."""
    other = replace(product, **PARTS[part])
    return None if other == product or other.is_empty else other


def ranks_by_other_arms(shop: ServedShop, item_id: str, arm: str) -> dict[str, Ranks]:
    """Without behaviour and by behaviour alone, where that is another list than the arm's own."""
    return {name: Ranks.of(shop.neighbours(item_id, other, DEPTH)) for name, other in _OTHERS.get(arm, {}).items()}


def ranks_without(shop: ServedShop, item_id: str, arm: str) -> dict[str, Ranks]:
    """Part -> the ranks without it, of the parts that the product has and the release reads; empty for behaviour, which reads none.

    Loads the networks of the release where they are not in memory: seconds, the first time. Errors as `neighbours_if_changed`.
    """
    if arm == _ALS:
        return {}
    product, reads = shop.release.product(item_id), shop.release.manifest.dims
    found = {}
    for part in PARTS:
        other = product_without(product, part)
        if other is not None and not (part == "picture" and "image" not in reads):
            found[part] = Ranks.of(shop.neighbours_if_changed(item_id, other, arm, DEPTH))
    return found
