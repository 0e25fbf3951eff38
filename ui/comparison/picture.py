"""One comparison as one picture, and the strips of products that reports are made of."""

from __future__ import annotations

import io
from collections.abc import Sequence

from engine.comparison.moves import Move
from ui.comparison.canvas import ACCENT, BAD, INK, QUIET, RULE, Canvas
from ui.comparison.lists import Pair, brand_of, picture_of, title_of
from ui.comparison.sides import Chosen
from ui.comparison.words import move_words

__all__ = ["comparison_picture", "draw_pair"]

WIDTH, MARGIN, SHOWN = 1800, 60, 10
COLOURS = {"new": ACCENT, "up": ACCENT, "down": QUIET, "gone": BAD, "same": QUIET}


def comparison_picture(pair: Pair, shop: str, sentence: str) -> bytes:
    """A product and its lists before and after as a PNG file for a message or a slide."""
    canvas = Canvas.blank(WIDTH, 1010)
    canvas.text(MARGIN, 40, title_of(pair.sides[1], pair.item_id), 40, width=WIDTH - 2 * MARGIN, bold=True)
    canvas.text(MARGIN, 98, f"{shop}. {sentence}", 25, width=WIDTH - 2 * MARGIN, colour=QUIET)
    draw_pair(canvas, pair, MARGIN, 165, WIDTH - 2 * MARGIN, 800)
    canvas.text(MARGIN, 974, canvas.missing_note(), 19, width=WIDTH - 2 * MARGIN, colour=QUIET)
    file = io.BytesIO()
    canvas.image.save(file, "PNG", optimize=True)
    return file.getvalue()


def draw_pair(canvas: Canvas, pair: Pair, left: int, top: int, width: int, height: int) -> None:
    """Draw a product with its lists on both sides, aligned by rank, into an area."""
    gap, head = 16, 34
    row = (height - gap) // 2
    small = (row - head - 62) * 4 // 5
    anchor = min(int(small * 1.45), width // 4)
    canvas.picture(
        picture_of(pair.sides[1], pair.item_id),
        (left, top + head, left + anchor, top + head + anchor * 5 // 4),
        title_of(pair.sides[1], pair.item_id),
    )
    canvas.text(
        left, top + head + anchor * 5 // 4 + 8, title_of(pair.sides[1], pair.item_id), 20, width=anchor, lines=3
    )
    start = left + anchor + 48
    canvas.pen.line((start - 24, top, start - 24, top + height), fill=RULE, width=2)
    count = max(1, min(SHOWN, (left + width - start + gap) // (small + gap)))
    for number, (chosen, listed) in enumerate(zip(pair.sides, pair.lists, strict=True)):
        y = top + number * (row + gap)
        canvas.text(start, y, f"{'After' if number else 'Before'}: {chosen.name}", 22, width=width, bold=True)
        _draw_row(canvas, chosen, listed[:count], (start, y + head), small, gap)
        if not listed:
            canvas.text(start, y + head + 30, "No list for this product.", 22, width=width - anchor, colour=QUIET)


def _draw_row(canvas: Canvas, chosen: Chosen, listed: Sequence[Move], at: tuple[int, int], side: int, gap: int) -> None:
    x, y = at
    for rank, move in enumerate(listed, 1):
        bottom = y + side * 5 // 4
        canvas.picture(picture_of(chosen, move.item_id), (x, y, x + side, bottom), title_of(chosen, move.item_id))
        if words := move_words(move):
            canvas.pill(x + side - 8, y + 8, words, 17, fill=COLOURS[move.kind])
        below = canvas.text(
            x, bottom + 5, f"{rank}. {title_of(chosen, move.item_id)}", 17, width=side, colour=INK, lines=1
        )
        if brand := brand_of(chosen, move.item_id):
            canvas.text(x, below, brand, 15, width=side, colour=QUIET)
        x += side + gap
