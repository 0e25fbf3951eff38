"""Drawing pages for people: text in the dashboard's own font, whatever script it is in, and pictures that fill a frame."""

from __future__ import annotations

import sys
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import groupby
from pathlib import Path

import streamlit as st
from PIL import Image, ImageDraw, ImageFont, ImageOps

from engine.core.visible_text import visible

__all__ = ["ACCENT", "BAD", "INK", "PAPER", "QUIET", "RULE", "TINT", "Canvas"]

PAPER, INK, QUIET, RULE, TINT, ACCENT, BAD = (
    "#ffffff", "#22262a", "#666c72", "#e4e0d9", "#f6f4f0", "#1d6a5e", "#a8452c",
)  # fmt: skip
REGULAR, BOLD = 400, 650
LONGEST = 400  # characters of a text that are looked at
OTHER_SCRIPTS = (
    "DejaVuSans.ttf",
    "NotoSans*-Regular.*",
    "NotoSansCJK-Regular.ttc",
    "Arial*.ttf",
    "msgothic.ttc",
    "PingFang.ttc",
)
_FOLDERS = {
    "darwin": ("/System/Library/Fonts", "/Library/Fonts", "~/Library/Fonts"),
    "win32": ("C:/Windows/Fonts",),
}
_NOT_A_LETTER = "\uffff"


@dataclass(frozen=True)
class Canvas:
    """A page in pixels to draw on."""

    image: Image.Image

    @classmethod
    def blank(cls, width: int, height: int) -> Canvas:
        """An empty white page."""
        return cls(Image.new("RGB", (width, height), PAPER))

    @property
    def pen(self) -> ImageDraw.ImageDraw:
        """What lines and areas are drawn with."""
        return ImageDraw.Draw(self.image)

    def text(
        self,
        x: float,
        y: float,
        text: str,
        size: int,
        *,
        width: float,
        colour: str = INK,
        bold: bool = False,
        lines: int = 1,
    ) -> float:
        """Write a text from its upper left corner, wrapped to `width` and cut after so many lines; the y below it."""
        for line in _wrapped(visible(text[:LONGEST]), size, bold, width, lines):
            at = x
            for font, run in _runs(line, size, bold):
                self.pen.text((at, y + size), run, fill=colour, font=font, anchor="ls")
                at += font.getlength(run)
            y += round(size * 1.32)
        return y

    def picture(self, file: Path | None, box: tuple[int, int, int, int], initial: str = "") -> None:
        """Fill a frame (left, top, right, bottom) with a picture; where there is none or it cannot be read, with a letter."""
        left, top, right, bottom = box
        size = (right - left, bottom - top)
        shown = _opened(file, size)
        mask = Image.new("L", size)
        ImageDraw.Draw(mask).rounded_rectangle((0, 0, size[0] - 1, size[1] - 1), 12, fill=255)
        self.image.paste(shown or Image.new("RGB", size, TINT), (left, top), mask)
        if shown is None and initial:
            letter = size[1] // 3
            font, run = _runs(initial[:1].upper(), letter, False)[0]
            self.pen.text(((left + right) / 2, (top + bottom) / 2), run, fill=QUIET, font=font, anchor="mm")

    def pill(self, right: float, y: float, text: str, size: int, *, fill: str = ACCENT) -> None:
        """A short text on a rounded ground that ends at `right`."""
        font = _font(size, True)
        left = right - font.getlength(text) - size
        self.pen.rounded_rectangle((left, y, right, y + size * 1.6), size * 0.8, fill=fill)
        self.pen.text(((left + right) / 2, y + size * 0.8), text, fill=PAPER, font=font, anchor="mm")


def _opened(file: Path | None, size: tuple[int, int]) -> Image.Image | None:
    if file is None:
        return None
    try:
        with Image.open(file, formats=("JPEG",)) as image:
            return ImageOps.fit(image.convert("RGB"), size, Image.Resampling.LANCZOS, centering=(0.5, 0.3))
    except OSError:
        return None


def _wrapped(text: str, size: int, bold: bool, width: float, lines: int) -> list[str]:
    """The text in at most so many lines; a word that is too long is cut, and what is left out ends in an ellipsis."""
    rest = text.strip()
    made: list[str] = []
    while rest and len(made) < lines:
        end = _fitting(rest, size, bold, width)
        if end >= len(rest):
            return [*made, rest]
        if len(made) == lines - 1:
            end = _fitting(rest, size, bold, width - _length("…", size, bold))
            return [*made, rest[:end].rstrip() + "…"]
        space = rest.rfind(" ", 0, end + 1)
        cut = space if space > 0 else end
        made.append(rest[:cut].rstrip())
        rest = rest[cut:].lstrip()
    return made


def _fitting(text: str, size: int, bold: bool, width: float) -> int:
    """How many characters fit, at least one."""
    low, high = 1, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if _length(text[:middle], size, bold) <= width else (low, middle - 1)
    return low


def _length(text: str, size: int, bold: bool) -> float:
    return sum(font.getlength(run) for font, run in _runs(text, size, bold))


def _runs(text: str, size: int, bold: bool) -> list[tuple[ImageFont.FreeTypeFont, str]]:
    """A text in one piece where one font has all its letters, so that scripts from right to left keep their order; else in several."""
    fonts = (_font(size, bold), *(_other(file, size) for file in _other_files()))
    whole = next((font for font in fonts if all(_has(font, letter) for letter in text)), None)
    if whole is not None:
        return [(whole, text)]
    chosen = [(next((font for font in fonts if _has(font, letter)), fonts[0]), letter) for letter in text]
    return [(font, "".join(letter for _, letter in piece)) for font, piece in groupby(chosen, key=lambda one: one[0])]


@cache
def _other(file: Path, size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(file), size)


@lru_cache(maxsize=20_000)
def _has(font: ImageFont.FreeTypeFont, letter: str) -> bool:
    if unicodedata.category(letter)[0] in "ZCM":
        return True  # spaces, marks and what only steers
    return bytes(font.getmask(letter)) != bytes(font.getmask(_NOT_A_LETTER))


@cache
def _font(size: int, bold: bool) -> ImageFont.FreeTypeFont:
    """The font of the dashboard, which Streamlit brings along: Latin, Greek, Cyrillic."""
    media = Path(st.__file__).parent / "static" / "static" / "media"
    font = ImageFont.truetype(str(next(media.glob("SourceSansVF-Upright*.woff2"))), size)
    font.set_variation_by_axes([BOLD if bold else REGULAR])
    return font


@cache
def _other_files() -> Sequence[Path]:
    """Fonts of this machine for other scripts."""
    return tuple(_found_fonts())


def _found_fonts() -> Iterator[Path]:
    folders = _FOLDERS.get(sys.platform, ("/usr/share/fonts", "/usr/local/share/fonts", "~/.local/share/fonts"))
    for pattern in OTHER_SCRIPTS:
        for folder in folders:
            yield from sorted(Path(folder).expanduser().rglob(pattern))
