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
from engine.recommend.inbound import Inbound, inbound_of
from engine.recommend.neighbour import Neighbour
from engine.recommend.recommender import Recommender
from engine.recommend.unseen import UnseenVectors, nearest, vectors_of_unseen

__all__ = ["PARTS", "Advice", "Duplicate", "Effect", "advise"]

ALIKE = 0.9  # share of words two titles have in common that makes them nearly the same
COMPARED = 20  # products whose text is compared
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


@dataclass(frozen=True)
class Advice:
    """What to know about a new product.

    Attributes
    ----------
    duplicates : products with the same picture, or with nearly the same title and description.
    inbound : the lists it would appear on.
    parts : what each part (picture, text, facts) does, the largest share first; empty where it has but one part.
    missing : empty fields, as `Product.fields` names them, that would change the list if they were filled in with what
        the neighbours usually have there; the largest share first.
    """

    duplicates: list[Duplicate]
    inbound: list[Inbound]
    parts: list[Effect]
    missing: list[Effect]


def advise(
    recommender: Recommender, workspace: Workspace, product: Product, vectors: UnseenVectors, k: int = 10
) -> Advice:
    """Advice on a new product whose list has k neighbours. Its variants are read in one batch, and the product not again.

    Parameters
    ----------
    vectors : of the product, from `vectors_of_unseen`.
    """
    neighbours = nearest(recommender, vectors, k)
    without = _without_parts(product)
    filled = _filled_in(recommender, workspace, product, neighbours)
    effects = _effects(recommender, workspace, neighbours, {**without, **filled}, k)
    return Advice(
        _near_duplicates(recommender, product, nearest(recommender, vectors, COMPARED, "content")),
        inbound_of(recommender, vectors, k),
        [effect for effect in effects if effect.name in without],
        [effect for effect in effects if effect.name in filled and effect.share > 0],
    )


def _near_duplicates(recommender: Recommender, product: Product, alike: Sequence[Neighbour]) -> list[Duplicate]:
    """`alike` are the products whose content is most similar."""
    found: dict[str, str] = {}
    items = recommender.items
    if product.image:
        same = items.loc[items["image"] == product.image, "item_id"]
        found |= {str(item_id): "has the same picture" for item_id in same}
    words = _words(product)
    for one in alike:
        others = _words(recommender.product(one.row))
        if len(words) > 1 and others and len(words & others) / len(words | others) >= ALIKE:
            found.setdefault(one.item_id, "has nearly the same text")
    return [Duplicate(item_id, why) for item_id, why in found.items()]


def _without_parts(product: Product) -> dict[str, Product]:
    """Part -> the product without it, of the parts it has; empty where that is but one."""
    without = {part: replace(product, **emptied) for part, emptied in PARTS.items()}
    present = {part: other for part, other in without.items() if other != product}
    return present if len(present) > 1 else {}


def _filled_in(
    recommender: Recommender, workspace: Workspace, product: Product, neighbours: Sequence[Neighbour]
) -> dict[str, Product]:
    """Empty field -> the product with the neighbours' usual value there; fields that no neighbour has are left out.

    The usual value of numbers is the median, of picture and title the first neighbour's.
    """
    kinds = recommender.attribute_kinds
    near = [recommender.product(one.row).readable_by(kinds, workspace).fields for one in neighbours]
    filled = {}
    for name in ("image", "title", "category", "brand", "price", *map(attribute_field, kinds)):
        values = [fields[name] for fields in near if name in fields]
        if values and name not in product.fields:
            value = values[0] if name in ("image", "title") else _usual(values)
            filled[name] = product.with_fields({name: value})
    return filled


def _effects(
    recommender: Recommender,
    workspace: Workspace,
    neighbours: Sequence[Neighbour],
    variants: Mapping[str, Product],
    k: int,
) -> list[Effect]:
    """The share of the neighbours that is not on the list of each variant, the largest first."""
    if not variants:
        return []
    vectors = vectors_of_unseen(recommender, workspace, list(variants.values()))
    ids = {one.item_id for one in neighbours}
    effects = []
    for position, name in enumerate(variants):
        found = {one.item_id for one in nearest(recommender, vectors, k, position=position)}
        effects.append(Effect(name, 1 - len(ids & found) / max(len(ids), 1)))
    return sorted(effects, key=lambda effect: -effect.share)


def _usual(values: Sequence[FieldValue]) -> FieldValue:
    """The median of numbers; else the most frequent value, the first of several."""
    numbers = [value for value in values if isinstance(value, float)]
    return float(np.median(numbers)) if numbers else Counter(values).most_common(1)[0][0]


def _words(product: Product) -> frozenset[str]:
    return frozenset(re.findall(r"\w+", f"{product.title or ''} {product.description or ''}".casefold()))
