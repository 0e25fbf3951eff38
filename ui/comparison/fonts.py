"""Fonts for drawing text in any script: the dashboard's own, Noto's for Chinese, Japanese and Korean, and those of this machine.

Which letters none of them has is told, so that nobody sends a picture of empty boxes without knowing.
"""

from __future__ import annotations

import sys
import unicodedata
from collections.abc import Iterator, Sequence
from functools import cache, lru_cache
from importlib.util import find_spec
from itertools import groupby
from pathlib import Path

import streamlit as st
from PIL import ImageFont

__all__ = ["drawable", "font", "letters_without_a_font", "runs"]

REGULAR, BOLD = 400, 650
OTHER_SCRIPTS = (
    "DejaVuSans.ttf",
    "NotoSans*-Regular.*",
    "Arial*.ttf",
    "msgothic.ttc",
    "PingFang.ttc",
)
_FOLDERS = {
    "darwin": ("/System/Library/Fonts", "/Library/Fonts", "~/Library/Fonts"),
    "win32": ("C:/Windows/Fonts",),
}
_EAST_ASIAN = "manimgx_fonts_cjk"  # the package that brings Noto Sans CJK
_JAPANESE, _KOREAN, _CHINESE = 0, 1, 2  # faces in its file
_NOT_A_LETTER = "\uffff"


def runs(text: str, size: int, bold: bool) -> list[tuple[ImageFont.FreeTypeFont, str]]:
    """A text in one piece where one font has all its letters, so that scripts from right to left keep their order; else in several."""
    fonts = _fonts(size, bold, _face_of(text))
    whole = next((one for one in fonts if all(_has(one, letter) for letter in text)), None)
    if whole is not None:
        return [(whole, text)]
    chosen = [(next((one for one in fonts if _has(one, letter)), fonts[0]), letter) for letter in text]
    return [(one, "".join(letter for _, letter in piece)) for one, piece in groupby(chosen, key=lambda pair: pair[0])]


def letters_without_a_font(text: str) -> set[str]:
    """Letters, digits and signs of a text that no font has; they are drawn as boxes. Little pictures (emoji) are no letters."""
    fonts = _fonts(20, False, _face_of(text))
    return {one for one in set(text) if not _is_picture(one) and not any(_has(font_, one) for font_ in fonts)}


def drawable(text: str) -> str:
    """The text without the little pictures that no font has."""
    fonts = _fonts(20, False, _face_of(text))
    kept = (one for one in text if not _is_picture(one) or any(_has(font_, one) for font_ in fonts))
    return " ".join("".join(kept).split())


@cache
def font(size: int, bold: bool) -> ImageFont.FreeTypeFont:
    """The font of the dashboard, which Streamlit brings along: Latin, Greek, Cyrillic."""
    media = Path(st.__file__).parent / "static" / "static" / "media"
    made = ImageFont.truetype(str(next(media.glob("SourceSansVF-Upright*.woff2"))), size)
    made.set_variation_by_axes([BOLD if bold else REGULAR])
    return made


def _fonts(size: int, bold: bool, face: int) -> tuple[ImageFont.FreeTypeFont, ...]:
    """In the order in which they are asked."""
    return (font(size, bold), *_east_asian(size, bold, face), *(_other(file, size) for file in _other_files()))


def _face_of(text: str) -> int:
    """The same sign is written differently in Japan, Korea and China; what else stands in the text says where it is from."""
    if any("\u3040" <= one <= "\u30ff" for one in text):
        return _JAPANESE
    return _KOREAN if any("\uac00" <= one <= "\ud7af" for one in text) else _CHINESE


@cache
def _east_asian(size: int, bold: bool, face: int) -> tuple[ImageFont.FreeTypeFont, ...]:
    spec = find_spec(_EAST_ASIAN)
    if spec is None or spec.origin is None:
        return ()
    made = ImageFont.truetype(str(next(Path(spec.origin).parent.glob("*.ttc"))), size, index=face)
    made.set_variation_by_axes([BOLD if bold else REGULAR])
    return (made,)


@cache
def _other(file: Path, size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(file), size)


@lru_cache(maxsize=20_000)
def _has(font: ImageFont.FreeTypeFont, letter: str) -> bool:
    if unicodedata.category(letter)[0] in "ZCM":
        return True  # spaces, marks and what only steers
    return bytes(font.getmask(letter)) != bytes(font.getmask(_NOT_A_LETTER))


def _is_picture(letter: str) -> bool:
    return unicodedata.category(letter) in ("So", "Sk")


@cache
def _other_files() -> Sequence[Path]:
    """Fonts of this machine for other scripts."""
    return tuple(_found_fonts())


def _found_fonts() -> Iterator[Path]:
    folders = _FOLDERS.get(sys.platform, ("/usr/share/fonts", "/usr/local/share/fonts", "~/.local/share/fonts"))
    for pattern in OTHER_SCRIPTS:
        for folder in folders:
            yield from sorted(Path(folder).expanduser().rglob(pattern))
