"""The demo shop's style families and the dresses they bring forth.

A family is a set of distributions over what a dress looks like, costs and is worn for; the families themselves are
written down in `assets/demo/families.toml`. Distributions overlap, so that no single trait gives a family away.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

__all__ = ["ASSETS", "Choice", "Dress", "Shade", "StyleFamily", "assign_families", "sample_dress", "style_families"]

ASSETS = Path(__file__).resolve().parents[2] / "assets" / "demo"

TRAITS = ("silhouette", "length", "neckline", "sleeve", "pattern", "shade", "material", "occasion", "category", "brand")

# What a cut allows whatever the family would like: no sleeve hangs on a strapless dress.
SLEEVES_OF_NECKLINE = {
    "halter": ("sleeveless",),
    "strapless": ("sleeveless",),
    "one_shoulder": ("sleeveless",),
    "straight": ("straps",),
    "off_shoulder": ("sleeveless", "short", "long"),
    "collar": ("short", "three_quarter", "long", "sleeveless"),
    "high": ("sleeveless", "short", "three_quarter", "long", "bishop"),
}
# A dress without shoulders needs a tailor's form to show what it is.
BARE_SHOULDERS = ("strapless", "off_shoulder", "halter", "one_shoulder", "straight")
WAISTS = {
    "a_line": {"seam": 5, "belt": 3, "none": 1},
    "fit_and_flare": {"seam": 5, "belt": 5},
    "sheath": {"none": 5, "seam": 3, "belt": 2},
    "shift": {"none": 9, "belt": 1},
    "empire": {"empire": 7, "empire_ribbon": 3},
    "wrap": {"tie": 10},
    "shirt": {"belt": 6, "none": 4},
    "tiered": {"none": 5, "seam": 4, "tie": 1},
    "slip": {"none": 9, "tie": 1},
    "mermaid": {"none": 5, "seam": 3, "belt": 1},
}
STRAY_BRAND = 0.14  # brands that make one thing also make others
# How a brand's studio photographs: what holds the dress and the background's tint.
STUDIOS = ("form", "hanger", "arch", "plain")
BACKGROUNDS = (
    (240, 236, 230),
    (236, 239, 241),
    (244, 238, 234),
    (233, 238, 233),
    (242, 240, 232),
    (238, 235, 241),
    (230, 236, 240),
    (245, 243, 240),
)


@dataclass(frozen=True)
class Choice:
    """Names with probabilities that sum to one."""

    names: tuple[str, ...]
    chances: tuple[float, ...]

    @classmethod
    def of(cls, weights: Mapping[str, float]) -> Choice:
        total = float(sum(weights.values()))
        return cls(tuple(weights), tuple(weight / total for weight in weights.values()))

    def pick(self, rng: np.random.Generator, allowed: Sequence[str] | None = None) -> str:
        """One name; among `allowed` only, the first of them where the distribution knows none."""
        if allowed is None:
            return self.names[int(rng.choice(len(self.names), p=self.chances))]
        known = {
            name: chance for name, chance in zip(self.names, self.chances, strict=True) if name in allowed and chance
        }
        return Choice.of(known).pick(rng) if known else allowed[0]


@dataclass(frozen=True)
class Shade:
    """A dye: the colour a shop would call it, and its red, green and blue."""

    name: str
    colour: str
    rgb: tuple[int, int, int]


@dataclass(frozen=True)
class StyleFamily:
    """One known style; `traits` holds a `Choice` per trait, `price` the median and the log spread."""

    name: str
    weight: float
    traits: Mapping[str, Choice]
    prints: tuple[Shade, ...]
    price: tuple[float, float]
    mood: Choice


@dataclass(frozen=True)
class Dress:
    """Everything true of one dress, whether or not the shop will tell it."""

    family: str
    silhouette: str
    length: str
    neckline: str
    sleeve: str
    waist: str
    pattern: str
    shade: Shade
    prints: tuple[Shade, ...]
    material: str
    occasion: str
    category: str
    brand: str
    mood: str
    price: float
    studio: str
    background: tuple[int, int, int]

    @property
    def support(self) -> str:
        """What holds the dress up in its picture: "form", "hanger" or "nothing"."""
        if self.neckline in BARE_SHOULDERS or self.sleeve == "straps":
            return "form"
        return self.studio if self.studio in ("form", "hanger") else "nothing"


@cache
def style_families() -> tuple[StyleFamily, ...]:
    """All families, in the file's order."""
    table = tomllib.loads((ASSETS / "families.toml").read_text("utf-8"))
    shades = {name: Shade(name, row[0], (row[1], row[2], row[3])) for name, row in table["shades"].items()}
    return tuple(_family(entry, shades) for entry in table["family"])


@cache
def shades() -> dict[str, Shade]:
    """Every dye by its name."""
    table = tomllib.loads((ASSETS / "families.toml").read_text("utf-8"))["shades"]
    return {name: Shade(name, row[0], (row[1], row[2], row[3])) for name, row in table.items()}


def assign_families(n_items: int, rng: np.random.Generator) -> list[StyleFamily]:
    """A family for every dress, sizes in proportion to the families' weights, in shuffled order."""
    families = style_families()
    weights = np.array([family.weight for family in families])
    ends = np.round(np.cumsum(weights) / weights.sum() * n_items).astype(int)
    members = np.searchsorted(ends, np.arange(n_items), side="right")
    return [families[position] for position in rng.permutation(members)]


def sample_dress(family: StyleFamily, rng: np.random.Generator) -> Dress:
    """Draw one dress of `family`."""
    traits = {name: family.traits[name].pick(rng) for name in TRAITS}
    if traits["silhouette"] == "shirt":
        traits["neckline"] = "collar"
    if traits["neckline"] in SLEEVES_OF_NECKLINE:
        traits["sleeve"] = family.traits["sleeve"].pick(rng, SLEEVES_OF_NECKLINE[traits["neckline"]])
    if traits["sleeve"] == "straps" and traits["neckline"] not in ("v", "sweetheart", "straight"):
        traits["neckline"] = "straight"
    if traits["pattern"] == "lace":
        traits["material"] = "lace"
    if traits["pattern"] == "sequin":
        traits["material"] = "sequins"
    shade = shades()[traits.pop("shade")]
    others = [other for other in family.prints if other.name != shade.name and contrast(other, shade) > 40]
    order = rng.permutation(len(others))
    if rng.random() < STRAY_BRAND:
        traits["brand"] = brands()[int(rng.integers(len(brands())))]
    brand_seed = sum(map(ord, traits["brand"]))
    return Dress(
        family=family.name,
        shade=shade,
        prints=tuple(others[position] for position in order[:3]),
        waist=Choice.of(WAISTS[traits["silhouette"]]).pick(rng),
        mood=family.mood.pick(rng),
        price=_price(family.price, rng),
        studio=STUDIOS[brand_seed % len(STUDIOS) if rng.random() < 0.6 else int(rng.integers(len(STUDIOS)))],
        background=BACKGROUNDS[
            brand_seed % len(BACKGROUNDS) if rng.random() < 0.5 else int(rng.integers(len(BACKGROUNDS)))
        ],
        **traits,
    )


@cache
def brands() -> tuple[str, ...]:
    """Every brand of the shop, sorted."""
    return tuple(sorted({name for family in style_families() for name in family.traits["brand"].names}))


def contrast(one: Shade, other: Shade) -> float:
    """How far apart two dyes look: the distance of their colours, 0 to 441."""
    return float(np.linalg.norm(np.subtract(one.rgb, other.rgb)))


def _price(price: tuple[float, float], rng: np.random.Generator) -> float:
    """A price a shop would print: log-normal, ending in .00 or .95, or in 5 or 9 when dear."""
    median, spread = price
    value = median * float(np.exp(np.clip(rng.normal(), -2.2, 2.2) * spread))
    if value > 150:
        return float(round(value / 10) * 10 - 1)
    return round(value / 5) * 5 - (0.05 if rng.random() < 0.5 else 0.0)


def _family(entry: Mapping[str, Any], dyes: Mapping[str, Shade]) -> StyleFamily:
    median, spread = entry["price"]
    return StyleFamily(
        name=entry["name"],
        weight=entry["weight"],
        traits={trait: Choice.of(entry[trait]) for trait in TRAITS},
        prints=tuple(dyes[name] for name in entry["print"]),
        price=(median, spread),
        mood=Choice.of(entry["mood"]),
    )
