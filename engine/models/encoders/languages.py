"""Which languages a shop's texts are written in, told by their letters (py3langid: Lui and Baldwin 2012).

A title alone is told rightly nine times in ten, so a few are read together: four are told rightly almost always. Lists of
names and codes sound like some language too, but never surely.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray
from py3langid.langid import MODEL_FILE, LanguageIdentifier

__all__ = ["LANGUAGES", "evenly_spaced", "identifier", "in_english", "languages_of", "say_languages"]

LANGUAGES = {
    "en": "English", "de": "German", "fr": "French", "es": "Spanish", "it": "Italian", "nl": "Dutch", "pl": "Polish",
    "sv": "Swedish", "da": "Danish", "no": "Norwegian", "fi": "Finnish", "pt": "Portuguese", "cs": "Czech", "sk": "Slovak",
    "hu": "Hungarian", "ro": "Romanian", "bg": "Bulgarian", "el": "Greek", "hr": "Croatian", "sl": "Slovene",
    "lt": "Lithuanian", "lv": "Latvian", "et": "Estonian", "uk": "Ukrainian", "ru": "Russian", "tr": "Turkish",
    "ar": "Arabic", "he": "Hebrew", "fa": "Persian", "hi": "Hindi", "th": "Thai", "vi": "Vietnamese", "id": "Indonesian",
    "ja": "Japanese", "ko": "Korean", "zh": "Chinese",
}  # fmt: skip
"""ISO 639-1 -> what English calls it: languages that shops are written in."""
SAMPLE, TOGETHER, LETTERS = 400, 4, 200
CERTAIN, ENOUGH = 0.9, 0.25
"""The probability from which a language counts, and the share of texts that must reach it for anything to be said."""
ENGLISH_FROM = 2 / 3
"""Above, texts are best read by a network that knows English alone: what it gains there is worth a third of what it loses on
other languages (`benchmarks/moving_in/readers.py`)."""


def languages_of(texts: Sequence[str]) -> dict[str, float]:
    """Language -> its share of some of the texts, evenly spaced, the largest first; empty where none can be told."""
    known = [text[:LETTERS] for text in texts if any(map(str.isalpha, text))]
    if not known:
        return {}
    chosen = [known[row] for row in evenly_spaced(len(known))]
    parts = [". ".join(chosen[start : start + TOGETHER]) for start in range(0, len(chosen), TOGETHER)]
    told = Counter(language for language, probability in map(identifier().classify, parts) if probability >= CERTAIN)
    if told.total() < ENOUGH * len(parts):
        return {}
    return {
        language: count / told.total() for language, count in sorted(told.items(), key=lambda one: (-one[1], one[0]))
    }


def evenly_spaced(n: int) -> NDArray[np.int64]:
    """Which of n texts with letters tell their language: `SAMPLE` of them, or all."""
    return np.unique(np.linspace(0, n - 1, min(SAMPLE, n)).round().astype(np.int64))


def in_english(shares: Mapping[str, float]) -> bool:
    """Whether texts with these shares of languages are best read as English; so are texts of no known language."""
    return not shares or shares.get("en", 0.0) >= ENGLISH_FROM


def say_languages(shares: Mapping[str, float]) -> str:
    """ "Most texts are German", or which languages they are in; `shares` as from `languages_of`, not empty."""
    first, *others = shares
    if shares[first] >= ENGLISH_FROM or not others:
        return f"Most texts are {LANGUAGES[first]}"
    return f"Texts are in several languages, {LANGUAGES[first]} and {LANGUAGES[others[0]]} above all"


@cache
def identifier() -> LanguageIdentifier:
    """Tells the language of a text among `LANGUAGES`, and its probability."""
    found = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    found.set_languages(list(LANGUAGES))
    return found
