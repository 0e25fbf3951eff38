"""Drawing pages for people: text in the dashboard's own font, whatever script it is in, and pictures that fill a frame."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from PIL import Image, ImageDraw, ImageOps

from engine.core.visible_text import visible
from ui.comparison.fonts import drawable, font, letters_without_a_font, runs

__all__ = ["ACCENT", "BAD", "INK", "PAPER", "QUIET", "RULE", "TINT", "Canvas"]

PAPER, INK, QUIET, RULE, TINT, ACCENT, BAD = (
    "#ffffff", "#22262a", "#666c72", "#e4e0d9", "#f6f4f0", "#1d6a5e", "#a8452c",
)  # fmt: skip
LONGEST = 400  # characters of a text that are looked at


@dataclass(frozen=True)
class Canvas:
    """A page in pixels to draw on; `missing` are the letters of its texts that no font has."""

    image: Image.Image
    missing: set[str] = field(default_factory=set)

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
        for line in _wrapped(drawable(visible(text[:LONGEST])), size, bold, width, lines):
            self.missing.update(letters_without_a_font(line))
            at = x
            for one, run in runs(line, size, bold):
                self.pen.text((at, y + size), run, fill=colour, font=one, anchor="ls")
                at += one.getlength(run)
            y += round(size * 1.32)
        return y

    def missing_note(self) -> str:
        """What is to be said of letters that could not be drawn; empty where there are none."""
        if not self.missing:
            return ""
        count = len(self.missing)
        return (
            f"{count:,} {'letter' if count == 1 else 'different letters'} could not be drawn: no font on this server has "
            f"{'it' if count == 1 else 'them'}. A font that does can be installed there."
        )

    def picture(self, file: Path | None, box: tuple[int, int, int, int], initial: str = "") -> None:
        """Fill a frame (left, top, right, bottom) with a picture; where there is none or it cannot be read, with a letter."""
        left, top, right, bottom = box
        size = (right - left, bottom - top)
        shown = _opened(file, size)
        mask = Image.new("L", size)
        ImageDraw.Draw(mask).rounded_rectangle((0, 0, size[0] - 1, size[1] - 1), 12, fill=255)
        self.image.paste(shown or Image.new("RGB", size, TINT), (left, top), mask)
        letter = next((one for one in drawable(visible(initial[:LONGEST])) if one.isalnum()), "")
        if shown is None and letter:
            one, run = runs(letter.upper()[:1], size[1] // 3, False)[0]
            self.pen.text(((left + right) / 2, (top + bottom) / 2), run, fill=QUIET, font=one, anchor="mm")

    def pill(self, right: float, y: float, text: str, size: int, *, fill: str = ACCENT) -> None:
        """A short text on a rounded ground that ends at `right`."""
        bold = font(size, True)
        left = right - bold.getlength(text) - size
        self.pen.rounded_rectangle((left, y, right, y + size * 1.6), size * 0.8, fill=fill)
        self.pen.text(((left + right) / 2, y + size * 0.8), text, fill=PAPER, font=bold, anchor="mm")


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
    return sum(font.getlength(run) for font, run in runs(text, size, bold))
