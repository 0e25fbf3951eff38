"""The demo shop's style families, and dresses drawn from them.

A family is a set of distributions over a dress's looks, price and occasion; `assets/demo/families.toml` defines the
families. Distributions overlap, so no single trait gives a family away.
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

# Sleeves that a neckline allows, whatever the family prefers: a strapless dress has none.
SLEEVES_OF_NECKLINE = {
    "halter": ("sleeveless",),
    "strapless": ("sleeveless",),
    "one_shoulder": ("sleeveless",),
    "straight": ("straps",),
    "off_shoulder": ("sleeveless", "short", "long"),
    "collar": ("short", "three_quarter", "long", "sleeveless"),
    "high": ("sleeveless", "short", "three_quarter", "long", "bishop"),
}
# A dress without shoulders needs a tailor's form to look like a dress.
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
STRAY_BRAND = 0.14  # share of dresses whose brand is drawn from all brands
# How a brand's studio takes pictures: the support of the dress, and the background's tint.
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
        """One name; if `allowed` is given, one of these, and the first of them if the distribution has none."""
        if allowed is None:
            return self.names[int(rng.choice(len(self.names), p=self.chances))]
        known = {
            name: chance for name, chance in zip(self.names, self.chances, strict=True) if name in allowed and chance
        }
        return Choice.of(known).pick(rng) if known else allowed[0]


@dataclass(frozen=True)
class Shade:
    """A dye: the name that a shop would give its colour, and its red, green and blue."""

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
    """All facts about one dress, whether or not the shop lists them."""

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
        """The support of the dress in its picture: "form", "hanger" or "nothing"."""
        if self.neckline in BARE_SHOULDERS or self.sleeve == "straps":
            return "form"
        return self.studio if self.studio in ("form", "hanger") else "nothing"


@cache
def style_families() -> tuple[StyleFamily, ...]:
    """All families, in the file's order."""
    return tuple(_family(entry, shades()) for entry in _definitions()["family"])


@cache
def shades() -> dict[str, Shade]:
    """Every dye by its name."""
    return {name: Shade(name, row[0], (row[1], row[2], row[3])) for name, row in _definitions()["shades"].items()}


def _definitions() -> dict[str, Any]:
    return tomllib.loads((ASSETS / "families.toml").read_text("utf-8"))


def assign_families(n_items: int, rng: np.random.Generator) -> list[StyleFamily]:
    """A family for every dress, sizes in proportion to the families' weights, in shuffled order."""
    families = style_families()
    weights = np.array([family.weight for family in families])
    ends = np.round(np.cumsum(weights) / weights.sum() * n_items).astype(int)
    members = np.searchsorted(ends, np.arange(n_items), side="right")
    return [families[position] for position in rng.permutation(members)]


def sample_dress(family: StyleFamily, rng: np.random.Generator) -> Dress:
    """Draw one dress of `family`."""
    traits = _traits(family, rng)
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
        studio=STUDIOS[_usual_or_any(brand_seed, len(STUDIOS), 0.6, rng)],
        background=BACKGROUNDS[_usual_or_any(brand_seed, len(BACKGROUNDS), 0.5, rng)],
        **traits,
    )


def _traits(family: StyleFamily, rng: np.random.Generator) -> dict[str, str]:
    """One value per trait, changed where a combination cannot be made."""
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
    return traits


def _usual_or_any(brand_seed: int, count: int, usual: float, rng: np.random.Generator) -> int:
    """The brand's usual one of `count`, with the chance `usual`; otherwise any."""
    return brand_seed % count if rng.random() < usual else int(rng.integers(count))


@cache
def brands() -> tuple[str, ...]:
    """Every brand of the shop, sorted."""
    return tuple(sorted({name for family in style_families() for name in family.traits["brand"].names}))


def contrast(one: Shade, other: Shade) -> float:
    """How different two dyes look: the distance between their colours, 0 to 441."""
    return float(np.linalg.norm(np.subtract(one.rgb, other.rgb)))


def _price(price: tuple[float, float], rng: np.random.Generator) -> float:
    """A price as shops print it: log-normal, ending in .00 or .95; above 150, in 9."""
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
