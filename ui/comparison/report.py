"""A report for a meeting: what changed in numbers, by which measure, and the products that gained most, as a PDF of pages."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from engine.comparison.list_gains import Gains, Tally
from ui.comparison.canvas import ACCENT, BAD, INK, QUIET, RULE, TINT, Canvas
from ui.comparison.lists import Pair, title_of
from ui.comparison.picture import draw_pair
from ui.comparison.words import change_headline, gain_words, level_rows, measure_note, other_facts
from ui.widgets.formatting import day_phrase

__all__ = ["Report", "report_pages", "report_pdf"]

WIDTH, HEIGHT, DPI = 1754, 1240, 150  # A4, landscape
MARGIN = 90
TEXT = WIDTH - 2 * MARGIN


@dataclass(frozen=True)
class Report:
    """What is reported: `best` are products that gained most, with their places in `gains.rows`."""

    shop: str
    before: str
    after: str
    when: datetime
    gains: Gains
    best: Sequence[tuple[int, Pair]]


def report_pdf(report: Report) -> bytes:
    """The pages as one PDF file."""
    first, *rest = (page.image for page in report_pages(report))
    file = io.BytesIO()
    first.save(
        file, "PDF", save_all=True, append_images=rest, resolution=DPI, quality=88,
        title=f"{report.shop}: {report.before} and {report.after}", producer="Longtail",
    )  # fmt: skip
    return file.getvalue()


def report_pages(report: Report) -> list[Canvas]:
    """A page of figures, then one for each two products."""
    pairs = [report.best[at : at + 2] for at in range(0, len(report.best), 2)]
    pages = [_figures(report), *(_gallery(report, some) for some in pairs)]
    for number, page in enumerate(pages, 1):
        foot = f"{report.shop} · {report.before} and {report.after} · {day_phrase(report.when)} · page {number} of {len(pages)}"
        page.text(MARGIN, HEIGHT - 62, foot, 19, width=TEXT, colour=QUIET)
        page.text(MARGIN, HEIGHT - 36, page.missing_note(), 19, width=TEXT, colour=QUIET)
    return pages


def _figures(report: Report) -> Canvas:
    page, gains = Canvas.blank(WIDTH, HEIGHT), report.gains
    page.pen.rectangle((0, 0, WIDTH, 14), fill=ACCENT)
    page.text(MARGIN, 66, f"{report.shop}: similar items before and after", 27, width=TEXT, colour=QUIET)
    y = page.text(MARGIN, 112, change_headline(gains), 58, width=TEXT, bold=True, lines=2)
    y = page.text(MARGIN, y + 6, f"Before: {report.before}. After: {report.after}.", 29, width=TEXT)
    y = _tiles(page, gains.tally(), y + 36)
    page.text(MARGIN, y + 38, "By how much traffic a product has", 29, width=TEXT, bold=True)
    y = _bars(page, level_rows(gains), y + 94)
    y = page.text(MARGIN, y + 24, measure_note(gains), 26, width=TEXT, colour=QUIET, lines=4)
    page.text(MARGIN, y + 6, " ".join(other_facts(gains)), 26, width=TEXT, colour=QUIET, lines=2)
    return page


def _tiles(page: Canvas, tally: Tally, y: float) -> float:
    """The three figures that matter, large."""
    rest = tally.compared - tally.improved - tally.worse
    shown = (
        ("lists improved", tally.improved, ACCENT), ("lists got worse", tally.worse, BAD), ("about the same, or not measured", rest, INK),
    )  # fmt: skip
    wide = (TEXT - 2 * 30) // 3
    for number, (words, count, colour) in enumerate(shown):
        x = MARGIN + number * (wide + 30)
        page.pen.rounded_rectangle((x, y, x + wide, y + 176), 18, fill=TINT)
        page.text(x + 32, y + 14, f"{count:,}", 66, width=wide - 60, colour=colour, bold=True)
        share = f" ({count / tally.compared:.0%})" if tally.compared else ""
        page.text(x + 32, y + 114, f"{words}{share}", 25, width=wide - 60, colour=QUIET)
    return y + 176


def _bars(page: Canvas, rows: Sequence[tuple[str, Tally]], y: float) -> float:
    """Improved, the rest and worse of every traffic group as parts of one bar."""
    left, right = MARGIN + 190, WIDTH - MARGIN - 430
    for name, tally in rows:
        page.text(MARGIN, y + 5, name, 27, width=180)
        better = left + (right - left) * tally.improved / tally.compared
        worse = right - (right - left) * tally.worse / tally.compared
        page.pen.rectangle((left, y + 2, right, y + 46), fill=RULE)
        page.pen.rectangle((left, y + 2, better, y + 46), fill=ACCENT if tally.improved else RULE)
        page.pen.rectangle((worse, y + 2, right, y + 46), fill=BAD if tally.worse else RULE)
        words = f"{tally.improved:,} improved, {tally.worse:,} worse, of {tally.compared:,}"
        page.text(right + 26, y + 6, words, 24, width=WIDTH - MARGIN - right - 20, colour=QUIET)
        y += 76
    return y


def _gallery(report: Report, some: Sequence[tuple[int, Pair]]) -> Canvas:
    page = Canvas.blank(WIDTH, HEIGHT)
    page.pen.rectangle((0, 0, WIDTH, 14), fill=ACCENT)
    page.text(MARGIN, 44, "What improved most", 32, width=TEXT, bold=True)
    for number, (place, pair) in enumerate(some):
        y = 100 + number * 540
        words = f"{title_of(pair.sides[1], pair.item_id)}: {gain_words(report.gains, place)}"
        page.text(MARGIN, y, words, 24, width=TEXT, colour=QUIET)
        draw_pair(page, pair, MARGIN, int(y) + 40, TEXT, 485)
    return page
