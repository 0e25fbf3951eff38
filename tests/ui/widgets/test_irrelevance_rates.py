"""The irrelevance chart: the axes are the shop's, only what was chosen is drawn, and files are real pictures."""

from __future__ import annotations

import io

import pandas as pd
from PIL import Image

from engine.arms.registry import arm
from engine.curation.rates.irrelevance import TABLE_COLUMNS
from ui.widgets.charts import chart_file
from ui.widgets.irrelevance_rates import irrelevance_chart

BINS = ["0", "1", "2", "3–4"]
TABLE = pd.DataFrame(
    [
        ("als", 1, 1, "1", 0.8, 0.5, 0.95, 20, 0, 2),
        ("hybrid", 0, 0, "0", 0.1, 0.02, 0.3, 20, 1, 2),
        ("content", 0, 0, "0", float("nan"), float("nan"), float("nan"), 0, 9, 1),
    ],
    columns=list(TABLE_COLUMNS),
)


def test_the_chart_shows_the_chosen_arms_on_the_shops_own_axis():
    spec = irrelevance_chart(TABLE, "clicks", BINS, ["als", "content"]).to_dict()
    encodings = [layer["encoding"] for layer in spec["layer"][1:]]
    assert all(encoding["x"]["scale"]["domain"] == BINS for encoding in encodings)
    assert all(encoding["y"]["scale"]["domain"] == [0, 1] for encoding in encodings)
    drawn = [row for rows in spec["datasets"].values() for row in rows if "arm" in row]
    assert [(row["arm"], row["bin_label"], row["rate"]) for row in drawn] == [("Behaviour", "1", 0.8)]


def test_without_judgements_there_are_bare_axes():
    spec = irrelevance_chart(TABLE[:0], "buyers", BINS, ["als", "hybrid"]).to_dict()
    assert spec["layer"][1]["encoding"]["x"]["title"] == ["Buyers per product", "(each range doubles)"]
    assert not [row for rows in spec["datasets"].values() for row in rows if "arm" in row]


def test_chart_files_are_pictures_with_their_message():
    chart = irrelevance_chart(TABLE, "clicks", BINS, ["als", "hybrid"])
    with Image.open(io.BytesIO(chart_file(chart, "png", "The message"))) as picture:
        assert picture.format == "PNG"
        assert picture.width > 1800
    drawing = chart_file(chart, "svg", "The <message>", "and more").decode()
    assert drawing.startswith("<svg")
    assert "The &lt;message&gt;" in drawing
    assert "and more" in drawing
    for name in ("als", "hybrid"):
        assert arm(name).colour in drawing
