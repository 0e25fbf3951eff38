"""How the cost of each stage of a training grows with the shop: of the trainings on record, over linear growth; with a picture.

Reads what `training` and `days` wrote to results/scale.json, of every size the latest, and draws results/training_growth.svg. Seconds are those that
processors worked. Stages under a second in the smaller shop are left out, and reading texts where their vectors were drawn.
"""

from __future__ import annotations

import argparse
import json
import re
from typing import Any

import altair as alt
import pandas as pd

from benchmarks.parts import Measured
from benchmarks.support import RESULTS

__all__ = ["measure"]

LEAST_SECONDS = 1.0
TEXTS = "Reading texts"
PICTURE = "training_growth.svg"
RECORDS = {r"training_(\d+)_again_over_first": "first", r"days_(\d+)_first_hours": "steps"}
"""Names of figures, with what holds the steps of a training from nothing; the later ones win."""

Stages = dict[str, dict[str, float]]


def measure(arguments: argparse.Namespace) -> dict[str, Measured]:
    """The worst stage from each size on record to the next, and the picture of all."""
    recorded = json.loads((RESULTS / "scale.json").read_text("utf-8"))
    sizes = dict(sorted(_recorded(recorded).items()))
    _picture(sizes).save(RESULTS / PICTURE)
    figures: dict[str, Measured] = {}
    for small, large in zip(sizes, list(sizes)[1:], strict=False):
        growth = {
            name: round(stage["seconds"] / sizes[small][name]["seconds"] / (large / small), 2)
            for name, stage in sizes[large].items()
            if sizes[small].get(name, {"seconds": 0.0})["seconds"] >= LEAST_SECONDS
        }
        figures[f"growth_{small}_to_{large}_over_linear"] = (max(growth.values()), "<= 1.2", growth)
    return figures


def _recorded(figures: dict[str, dict[str, Any]]) -> dict[int, Stages]:
    """Products -> stage -> processor seconds, and the most memory in GB until it ended."""
    found: dict[int, Stages] = {}
    for pattern, key in RECORDS.items():
        for name, figure in figures.items():
            if match := re.fullmatch(pattern, name):
                found[int(match[1])] = {
                    _stage(step["name"]): {
                        "seconds": step["cpu_seconds"],
                        "memory": step["peak_mb"] / 1000,
                    }
                    for step in figure[key]
                    if not (step["name"] == TEXTS and "--drawn-texts" in figure["command"])
                }
    return found


def _stage(step: str) -> str:
    """The name of a step, without how many clicks there are."""
    return re.sub(r"^Learning from.*", "Learning from clicks", step)


def _picture(sizes: dict[int, Stages]) -> alt.HConcatChart:
    """Seconds and memory of every stage against products, both on logarithmic scales."""
    table = pd.DataFrame(
        {"products": products, "stage": name, **values}
        for products, stages in sizes.items()
        for name, values in stages.items()
    )
    table = table[table["seconds"] > 0]
    lines = (
        alt.Chart(table)
        .mark_line(point=True)
        .encode(
            x=alt.X("products:Q", scale=alt.Scale(type="log"), title="products", axis=alt.Axis(format="~s")),
            color=alt.Color(
                "stage:N",
                sort=list(dict.fromkeys(table["stage"])),
                scale=alt.Scale(scheme="tableau20"),
                legend=alt.Legend(labelLimit=0),
            ),
        )
        .properties(width=380, height=340)
    )
    told = {"seconds": "processor seconds", "memory": "most memory until the stage ended, GB"}
    return alt.hconcat(
        *(lines.encode(y=alt.Y(f"{one}:Q", scale=alt.Scale(type="log"), title=title)) for one, title in told.items())
    )
