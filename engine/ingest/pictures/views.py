"""What the rest of a picture's name says: the front or another view, a running number, a size; or a text of its own."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

__all__ = ["SEPARATOR", "View", "is_small_copy", "is_usual", "read_view", "words_of"]


def _listed(words: str) -> frozenset[str]:
    return frozenset(words.split())


SEPARATOR = re.compile(r"[\s_\-.,()\[\]+~#@]+")
_LEADING = _listed(
    "main front cover hero primary default packshot principal first face frontal haupt hauptbild vorne vorn"
    " vorderseite avant davanti frontale frente portada"
)
_TRAILING = _listed(
    "back rear side left right top bottom detail details alt zoom close closeup swatch label box sole inside"
    " interior model lifestyle worn packaging sizechart chart video hinten rückseite rueckseite seite seitlich dos"
    " arriere arrière lato retro profil thumb thumbs thumbnail thumbnails small tiny mini icon cache cached old"
    " backup"
)
_NEUTRAL = _listed(
    "large big full original orig hd hires hi res web copy kopie copie final new neu edited edit image images img"
    " imgs photo photos foto fotos picture pictures pic pics bild bilder view product products produkt item gallery"
    " media rgb srgb cmyk white cutout square medium normal master high low quality scaled rotated catalog uploads"
    " placeholder noimage untitled unnamed download index base pictures"
)
# Folders and suffixes of the same picture in other sizes.
_SMALL = _listed("thumb thumbs thumbnail thumbnails small tiny mini icon cache cached")
_PIXELS = dict.fromkeys(_listed("original orig full master xl xxl large big hd hires"), 4_000) | dict.fromkeys(
    _listed("medium normal"), 500
)
_NUMBER = re.compile(r"(?:img|image|pic|picture|photo|foto|bild|view|alt|pt|p|v|no|nr|shot|pos|angle)?(\d+)")
_SIZE = re.compile(r"(\d{2,4})x(\d{0,4})|x(\d{2,4})|(\d{3,4})(?:px|w|h)|w(\d{3,4})|[1-4]x")
_UNNUMBERED = 10**9
_LONGEST_NUMBER = 3


@dataclass(frozen=True, order=True)
class View:
    """Sorts the pictures of one product, the leading one first.

    Attributes
    ----------
    side : 0 for the front, 1 where nothing is said, 2 for other views and for thumbnails.
    number : the running number; large without one.
    smaller : minus the pixels that the name speaks of.
    """

    side: int
    number: int
    smaller: int


def read_view(words: Iterable[str], folders: Iterable[str] = ()) -> View:
    """The view by the words of a file's name behind its product, and by the words of its folders."""
    words = list(words)
    everywhere = {*words, *folders}
    side = 2 if everywhere & _TRAILING else 0 if everywhere & _LEADING else 1
    numbers = [int(found[1]) for word in words if (found := _NUMBER.fullmatch(word))]
    sizes = [max(int(part or 0) for part in found.groups()) for word in words if (found := _SIZE.fullmatch(word))]
    sizes += [_PIXELS[word] for word in everywhere if word in _PIXELS]
    return View(side, min(numbers[0], _UNNUMBERED) if numbers else _UNNUMBERED, -max(sizes, default=0))


def is_usual(words: Iterable[str]) -> bool:
    """Whether words behind an id only number the picture or say what it shows, and are no part of another id."""
    return all(_is_usual(word) for word in words)


def is_small_copy(folders: Iterable[str]) -> bool:
    """Whether folders say that what is in them are smaller copies of pictures, as `thumbs` and `cache` do."""
    return any(map(_is_of_small_copies, folders))


@lru_cache(maxsize=4096)
def _is_of_small_copies(folder: str) -> bool:
    return any(word in _SMALL for word in words_of(folder))


def words_of(name: str) -> list[str]:
    """The words of a folded name; `front2` is two."""
    words: list[str] = []
    for word in filter(None, SEPARATOR.split(name)):
        split = re.fullmatch(r"([^\W\d]{4,})(\d{1,3})", word)
        words += split.groups() if split else (word,)
    return words


def _is_usual(word: str) -> bool:
    if word in _LEADING or word in _TRAILING or word in _NEUTRAL or _SIZE.fullmatch(word):
        return True
    number = _NUMBER.fullmatch(word)
    return len(number[1]) <= _LONGEST_NUMBER if number else len(word) == 1
