"""What to know about a new product before it is saved: what resembles it too much, what each part does, what is missing."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from engine.core.workspace import Workspace
from engine.recommend.product_description import described
from engine.recommend.recommender import Neighbour, Recommender
from engine.recommend.unseen import vectors_of_unseen

__all__ = ["Change", "Duplicate", "missing_fields", "near_duplicates", "parts"]

ALIKE = 0.9  # share of words two titles have in common that makes them nearly the same
LOOKED_AT = 20
PARTS = {"picture": ("image",), "text": ("title", "description"), "facts": ("brand", "category", "price", "attributes")}


@dataclass(frozen=True)
class Duplicate:
    """A product of the catalogue that the new one may be, and why."""

    item_id: str
    why: str


@dataclass(frozen=True)
class Change:
    """How much of the list would be other products, 0 to 1, without a part or with a field filled in."""

    name: str
    share: float


def near_duplicates(recommender: Recommender, item: Mapping[str, Any], like: Sequence[Neighbour]) -> list[Duplicate]:
    """Products with the same picture, or with nearly the same title and description.

    Parameters
    ----------
    like : the products whose content is most alike, `neighbours_of_unseen(..., arm="content")`.
    """
    found: dict[str, str] = {}
    items = recommender.items
    if item.get("image"):
        same = items.loc[items["image"] == item["image"], "item_id"]
        found |= {str(one): "has the same picture" for one in same}
    words = _words(item)
    for one in like[:LOOKED_AT]:
        theirs = _words({name: items[name].iloc[one.row] for name in ("title", "description")})
        if len(words) > 1 and theirs and len(words & theirs) / len(words | theirs) >= ALIKE:
            found.setdefault(one.item_id, "has nearly the same text")
    return [Duplicate(item_id, why) for item_id, why in found.items()]


def parts(recommender: Recommender, workspace: Workspace, item: Mapping[str, Any], k: int = 10) -> list[Change]:
    """What each part (picture, text, facts) does: how much of the list would change without it, the most first.

    Empty where the product has but one part.
    """
    there = {name: fields for name, fields in PARTS.items() if any(item.get(field) for field in fields)}
    if len(there) < 2:
        return []
    without = [{name: value for name, value in item.items() if name not in fields} for fields in there.values()]
    return _changes(recommender, workspace, item, dict(zip(there, without, strict=True)), k)


def missing_fields(
    recommender: Recommender,
    workspace: Workspace,
    item: Mapping[str, Any],
    neighbours: Sequence[Neighbour],
    k: int = 10,
) -> list[Change]:
    """Which empty fields would change the list most if they were filled, the most first.

    Each is filled in with what its neighbours mostly have there (numbers: the middle one; the picture: the first
    neighbour's); fields that no neighbour has are left out.
    """
    near = [described(recommender, one.row, workspace) for one in neighbours if one.row >= 0]
    kinds = recommender.manifest.extra.get("shop", {}).get("attributes", {})
    filled: dict[str, dict[str, Any]] = {}
    for name in ("image", "title", "category", "brand", "price"):
        if not item.get(name):
            value = _usual([one.get(name) for one in near], first=name in ("image", "title"))
            if value is not None:
                filled["picture" if name == "image" else name] = {**item, name: value}
    given = dict(item.get("attributes") or {})
    for name in kinds:
        if name not in given:
            value = _usual([one["attributes"].get(name) for one in near])
            if value is not None:
                filled[name] = {**item, "attributes": {**given, name: value}}
    return [change for change in _changes(recommender, workspace, item, filled, k) if change.share > 0]


def _changes(
    recommender: Recommender,
    workspace: Workspace,
    item: Mapping[str, Any],
    others: Mapping[str, Mapping[str, Any]],
    k: int,
) -> list[Change]:
    if not others:
        return []
    vectors = vectors_of_unseen(recommender, workspace, [item, *others.values()])
    search = recommender.arm("hybrid")
    lists = [
        set(search.of_vector(query, k)[0].tolist()) if present else set()
        for query, present in zip(vectors.query, vectors.present, strict=True)
    ]
    changes = [
        Change(name, 1 - len(lists[0] & found) / max(len(lists[0]), 1))
        for name, found in zip(others, lists[1:], strict=True)
    ]
    return sorted(changes, key=lambda change: -change.share)


def _usual(values: Sequence[Any], *, first: bool = False) -> Any:
    there = [value for value in values if value not in (None, "", [])]
    if not there or first:
        return there[0] if there else None
    if isinstance(there[0], int | float):
        return float(np.median(there))
    if isinstance(there[0], list):
        return Counter(tuple(value) for value in there).most_common(1)[0][0]
    return Counter(there).most_common(1)[0][0]


def _words(item: Mapping[str, Any]) -> frozenset[str]:
    text = " ".join(str(item[name]) for name in ("title", "description") if isinstance(item.get(name), str))
    return frozenset(re.findall(r"\w+", text.casefold()))
