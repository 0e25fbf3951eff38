"""What to know about a new product before it is saved: likely duplicates, what each part does, what is missing."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from engine.catalogue.product import FieldValue, Product, attribute_field
from engine.core.workspace import Workspace
from engine.recommend.recommender import Neighbour, Recommender
from engine.recommend.unseen import vectors_of_unseen

__all__ = ["Duplicate", "Effect", "missing_fields", "near_duplicates", "parts"]

ALIKE = 0.9  # share of words two titles have in common that makes them nearly the same
LOOKED_AT = 20
PARTS: dict[str, dict[str, Any]] = {
    "picture": {"image": None},
    "text": {"title": None, "description": None},
    "facts": {"brand": None, "category": None, "price": None, "attributes": {}},
}
"""Part -> its fields, emptied."""


@dataclass(frozen=True)
class Duplicate:
    """A product of the catalogue that the new one may be, and why."""

    item_id: str
    why: str


@dataclass(frozen=True)
class Effect:
    """The share of the list, 0 to 1, that would be other products without a part, or with a field filled in."""

    name: str
    share: float


def near_duplicates(recommender: Recommender, product: Product, alike: Sequence[Neighbour]) -> list[Duplicate]:
    """Products with the same picture, or with nearly the same title and description.

    Parameters
    ----------
    alike : the products whose content is most alike, `neighbours_of_unseen(..., arm="content")`.
    """
    found: dict[str, str] = {}
    items = recommender.items
    if product.image:
        same = items.loc[items["image"] == product.image, "item_id"]
        found |= {str(item_id): "has the same picture" for item_id in same}
    words = _words(product)
    for one in alike[:LOOKED_AT]:
        others = _words(recommender.product(one.row))
        if len(words) > 1 and others and len(words & others) / len(words | others) >= ALIKE:
            found.setdefault(one.item_id, "has nearly the same text")
    return [Duplicate(item_id, why) for item_id, why in found.items()]


def parts(recommender: Recommender, workspace: Workspace, product: Product, k: int = 10) -> list[Effect]:
    """What each part (picture, text, facts) does: the share of the list that would change without it, largest first.

    Empty where the product has but one part.
    """
    without = {name: replace(product, **emptied) for name, emptied in PARTS.items()}
    present = {name: other for name, other in without.items() if other != product}
    return _effects(recommender, workspace, product, present, k) if len(present) > 1 else []


def missing_fields(
    recommender: Recommender, workspace: Workspace, product: Product, neighbours: Sequence[Neighbour], k: int = 10
) -> list[Effect]:
    """Which empty fields (as `Product.fields` names them) would change the list most if filled in, the largest share first.

    Each is filled with the neighbours' usual value (numbers: the median; picture and title: the first
    neighbour's); fields that no neighbour has are left out.
    """
    kinds = recommender.attribute_kinds
    near = [recommender.product(one.row).readable_by(kinds, workspace).fields for one in neighbours if one.row >= 0]
    filled = {}
    for name in ("image", "title", "category", "brand", "price", *map(attribute_field, kinds)):
        if name not in product.fields:
            values = [fields[name] for fields in near if name in fields]
            if values:
                value = values[0] if name in ("image", "title") else _usual(values)
                filled[name] = product.with_fields({name: value})
    return [effect for effect in _effects(recommender, workspace, product, filled, k) if effect.share > 0]


def _effects(
    recommender: Recommender, workspace: Workspace, product: Product, others: Mapping[str, Product], k: int
) -> list[Effect]:
    """How much of the product's list is not on the list of each other."""
    if not others:
        return []
    vectors = vectors_of_unseen(recommender, workspace, [one.to_json() for one in (product, *others.values())])
    search = recommender.arm("hybrid")
    lists = [
        set(search.of_vector(query, k)[0].tolist()) if present else set()
        for query, present in zip(vectors.sides["hybrid"].query, vectors.present, strict=True)
    ]
    effects = [
        Effect(name, 1 - len(lists[0] & found) / max(len(lists[0]), 1))
        for name, found in zip(others, lists[1:], strict=True)
    ]
    return sorted(effects, key=lambda effect: -effect.share)


def _usual(values: Sequence[FieldValue]) -> FieldValue:
    """The median of numbers; else the most frequent value, the first of several."""
    numbers = [value for value in values if isinstance(value, float)]
    return float(np.median(numbers)) if numbers else Counter(values).most_common(1)[0][0]


def _words(product: Product) -> frozenset[str]:
    return frozenset(re.findall(r"\w+", f"{product.title or ''} {product.description or ''}".casefold()))
