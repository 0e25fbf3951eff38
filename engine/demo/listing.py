"""The catalogue's entry for a dress: texts, brand, price, and attributes with gaps.

Picture, text and attributes each contain facts that the others lack: which facts the text names, and which attributes
are filled in, is drawn anew for every dress. The family is never named.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.catalogue.attribute_kinds import AttributeKind
from engine.demo.copy import describe, title
from engine.demo.families import Dress, style_families

__all__ = ["ATTRIBUTE_KINDS", "list_dress"]

ATTRIBUTE_KINDS: dict[str, AttributeKind] = {
    "colour": "category",
    "pattern": "category",
    "length": "category",
    "sleeve": "category",
    "neckline": "category",
    "material": "category",
    "occasion": "multi",
}
# The share of dresses whose attribute is empty.
MISSING = {
    "colour": 0.15,
    "pattern": 0.35,
    "length": 0.3,
    "sleeve": 0.4,
    "neckline": 0.45,
    "material": 0.5,
    "occasion": 0.6,
    "price": 0.02,
    "brand": 0.05,
}
VALUES = {
    "v": "V-neck",
    "off_shoulder": "off the shoulder",
    "one_shoulder": "one shoulder",
    "three_quarter": "three-quarter",
    "high": "high neck",
    "knee": "knee-length",
}


def list_dress(dress: Dress, item_id: str, rng: np.random.Generator) -> dict[str, Any]:
    """The catalogue's row for `dress`: `ITEM_COLUMNS` but for the image, then the attributes; None where unknown."""
    occasions = _occasions(dress, rng)
    row: dict[str, Any] = {
        "item_id": item_id,
        "title": title(dress, rng),
        "description": describe(dress, rng),
        "brand": dress.brand,
        "category": dress.category,
        "price": dress.price,
        "colour": dress.shade.colour,
        "pattern": dress.pattern,
        "length": VALUES.get(dress.length, dress.length),
        "sleeve": VALUES.get(dress.sleeve, dress.sleeve),
        "neckline": VALUES.get(dress.neckline, dress.neckline),
        "material": dress.material,
        "occasion": occasions,
    }
    for name, share in MISSING.items():
        if rng.random() < share:
            row[name] = None
    return row


def _occasions(dress: Dress, rng: np.random.Generator) -> list[str]:
    """The dress's occasion, and sometimes another one of its family."""
    family = next(family for family in style_families() if family.name == dress.family)
    second = family.traits["occasion"].pick(rng)
    if second != dress.occasion and rng.random() < 0.5:
        return [dress.occasion, second]
    return [dress.occasion]
