"""Titles and descriptions: a small grammar with several words for every fact, which omits facts as people do."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np

from engine.demo.families import ASSETS, Dress

__all__ = ["describe", "title", "vocabulary"]


@cache
def vocabulary() -> dict[str, Any]:
    """`assets/demo/words.toml`: for every trait, the words for each of its values."""
    return tomllib.loads((ASSETS / "words.toml").read_text("utf-8"))


def title(dress: Dress, rng: np.random.Generator) -> str:
    """A title that names two to four facts, such as "Blossom print wrap midi dress"."""
    text = " ".join([*_title_facts(dress, rng), "dress"])
    text = text[0].upper() + text[1:]
    if rng.random() < 0.15:
        name = _word(vocabulary()["listing"]["names"], rng)
        return f"{name} {text[0].lower() if text[1] != '-' else text[0]}{text[1:]}"
    if rng.random() < 0.25 and dress.sleeve != "sleeveless":
        return f"{text} with {_of('sleeve', dress.sleeve, rng)}"
    return text


def _title_facts(dress: Dress, rng: np.random.Generator) -> list[str]:
    parts = []
    if rng.random() < 0.4:
        parts.append(_word(vocabulary()["mood"][dress.mood]["words"], rng))
    if rng.random() < 0.35:
        parts.append(dress.shade.colour)
    if dress.pattern != "plain" and rng.random() < 0.5:
        parts.append(_of("pattern", dress.pattern, rng))
    elif rng.random() < 0.22:
        parts.append(_of("material", dress.material, rng))
    if rng.random() < 0.5:
        parts.append(_of("silhouette", dress.silhouette, rng))
    if rng.random() < 0.45 or not parts:
        parts.append(_of("length", dress.length, rng))
    return parts


def describe(dress: Dress, rng: np.random.Generator) -> str | None:
    """One to five sentences about occasion, mood, cut and cloth in any order; None for a dress nobody described."""
    if rng.random() < 0.05:
        return None
    listing = vocabulary()["listing"]
    sentences = []
    if rng.random() < 0.82:
        sentences.append(_word(listing["made_for"], rng).format(_of("occasion", dress.occasion, rng)))
    if rng.random() < 0.8:
        sentences.append(_word(vocabulary()["mood"][dress.mood]["sentences"], rng))
    if rng.random() < 0.35:
        sentences.append(_word(listing["cut"], rng).format(_details(dress, rng)))
    if rng.random() < 0.35:
        sentences.append(_word(listing["cloth"], rng).format(_of("material", dress.material, rng)))
    if rng.random() < 0.2 or not sentences:
        sentences.append(_word(listing["care"], rng))
    return " ".join(sentences[position] for position in rng.permutation(len(sentences)))


def _details(dress: Dress, rng: np.random.Generator) -> str:
    """One or two facts of the cut: "a V-neck and puff sleeves"."""
    neck = _of("neckline", dress.neckline, rng)
    facts = [f"an {neck}" if neck[0] in "aeiou" else f"a {neck}"]
    if dress.sleeve != "sleeveless":
        facts.append(_of("sleeve", dress.sleeve, rng))
    if len(facts) > 1 and rng.random() < 0.5:
        return facts[int(rng.integers(2))]
    return " and ".join(facts)


def _of(trait: str, value: str, rng: np.random.Generator) -> str:
    return _word(vocabulary()[trait][value], rng)


def _word(words: Sequence[str], rng: np.random.Generator) -> str:
    return words[int(rng.integers(len(words)))]
