from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest
from PIL import Image

from engine.comparison.list_gains import Gains
from ui.comparison.canvas import PAPER, Canvas
from ui.comparison.report import Report, report_pages, report_pdf
from ui.comparison.words import change_headline, gain_words, measure_note


def gains(measure="likeness", before=(0.1, 0.5, np.nan), after=(0.6, 0.4, 0.5)) -> Gains:
    return Gains(
        measure, np.arange(3), np.array([True, True, True]), np.array(before), np.array(after),
        np.array(["head", "tail", "none"]), first_list=1, random=0.24, came=0, went=0,
    )  # fmt: skip


def test_the_headline_counts_and_the_note_names_the_measure():
    assert change_headline(gains()) == "1 of 3 lists improved, 1 got worse."
    assert "likeness of text, picture and details" in measure_note(gains())
    assert "24" in measure_note(gains())
    assert "judgements" in measure_note(gains("judgements", (3, 0, 0), (1, 0, 0)))
    assert gain_words(gains(), 0) == "likeness 10 before, 60 after"
    assert gain_words(gains(), 2) == "no list before"
    assert gain_words(gains(before=(-0.19, 0.5, np.nan)), 0) == "likeness 0 before, 60 after"


def test_a_report_is_a_pdf_with_a_page_of_figures():
    report = Report("Tiny <b>Dresses</b>", "Behaviour", "Longtail", datetime(2026, 3, 1, tzinfo=UTC), gains(), [])
    assert len(report_pages(report)) == 1
    file = report_pdf(report)
    assert file.startswith(b"%PDF-")
    assert file.rstrip().endswith(b"%%EOF")


def inked(canvas: Canvas) -> tuple[int, int]:
    """The right and lower end of what is drawn."""
    blank = Image.new("RGB", canvas.image.size, PAPER)
    pixels = np.argwhere((np.asarray(canvas.image) != np.asarray(blank)).any(axis=2))
    return int(pixels[:, 1].max()), int(pixels[:, 0].max())


@pytest.mark.parametrize(
    "text", ["word " * 80, "W" * 400, "\u4e2d\u6587" * 60, "\u05e9\u05dc\u05d5\u05dd " * 40],
    ids=["words", "one word", "Chinese", "Hebrew"],
)  # fmt: skip
def test_long_texts_of_any_script_stay_in_their_room(text):
    canvas = Canvas.blank(400, 200)
    below = canvas.text(20, 10, text, 20, width=300, lines=2)
    right, lower = inked(canvas)
    assert right <= 322
    assert lower <= below <= 66


@pytest.mark.parametrize(
    "text", ["\u8fde\u8863\u88d9", "\u30ef\u30f3\u30d4\u30fc\u30b9", "\uc6d0\ud53c\uc2a4", "\u041f\u043b\u0430\u0442\u044c\u0435", "Kleid \u8fde"],
    ids=["Chinese", "Japanese", "Korean", "Russian", "mixed"],
)  # fmt: skip
def test_titles_of_many_scripts_are_drawn_letter_by_letter_and_not_as_boxes(text):
    canvas, box = Canvas.blank(400, 60), Canvas.blank(400, 60)
    canvas.text(10, 10, text, 24, width=380)
    assert (canvas.missing, canvas.missing_note()) == (set(), "")
    box.text(10, 10, "\ue000" * len(text), 24, width=380)
    assert canvas.image.tobytes() != box.image.tobytes()


def test_letters_that_no_font_has_are_told_and_little_pictures_are_left_out():
    canvas = Canvas.blank(400, 60)
    canvas.text(10, 10, "Dress \U0001fae8", 24, width=380)
    assert canvas.missing_note() == ""
    canvas.text(10, 10, "\U00016f04\U00016f05", 24, width=380)  # Miao, which is not among the fonts
    assert canvas.missing_note().startswith("2 different letters could not be drawn: no font on this server has them.")


def test_a_picture_that_cannot_be_read_is_a_letter(tmp_path):
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"not a picture")
    canvas = Canvas.blank(100, 100)
    canvas.picture(broken, (0, 0, 100, 100), "dress")
    assert len(canvas.image.getcolors(10_000)) > 2  # paper, tint and a letter
