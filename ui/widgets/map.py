"""The map's pictures: every product as a dot, coloured by traffic, with its picture on hover."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import altair as alt
import numpy as np
import pandas as pd

from engine.catalogue.traffic import LEVELS, Traffic
from engine.core.visible_text import visible
from ui.widgets.addresses import thumb_url
from ui.widgets.cards import LEVEL_NAMES
from ui.widgets.charts import Chart
from ui.widgets.formatting import count_phrase, text_or_none

__all__ = ["AREA", "MAX_DOTS", "PICK", "inside", "map_chart", "map_table"]

MAX_DOTS = 6_000
"""More dots than this are sampled: the browser draws them one by one."""

PICK, AREA = "pick", "area"
LEVEL_COLOURS = {"head": "#c8743a", "middle": "#b9ad9b", "tail": "#2f8577", "none": "#7b8cc4"}
TOOLTIP = [
    alt.Tooltip("image:N", title="image"),  # under this name the browser shows the picture itself
    alt.Tooltip("title:N", title="Product"),
    alt.Tooltip("interactions:N", title="Traffic"),
]
_SEED = 0


def map_table(
    items: pd.DataFrame, maps: pd.DataFrame, traffic: Traffic, word: str, keep: Collection[str]
) -> pd.DataFrame:
    """One row per dot: item_id, title, picture, traffic level, and both places; sampled to `MAX_DOTS`.

    Parameters
    ----------
    maps : item_id, als_x, als_y, hybrid_x, hybrid_y; NaN where a product has no place (no behaviour).
    keep : item ids that are shown whatever the sample.
    """
    table = _sampled(maps, keep)
    shown = items.iloc[table["row"]]
    ids = [str(item_id) for item_id in shown["item_id"]]
    counts = [int(count) for count in shown["interaction_count"]]
    return pd.DataFrame(
        {
            **{name: table[name].to_numpy(dtype="float64") for name in ("als_x", "als_y", "hybrid_x", "hybrid_y")},
            "item_id": ids,
            "title": [
                visible(text_or_none(title) or item_id) for title, item_id in zip(shown["title"], ids, strict=True)
            ],
            "image": [thumb_url(image) if (image := text_or_none(value)) else "" for value in shown["image"]],
            "traffic": [LEVEL_NAMES[traffic.level(count)] for count in counts],
            "interactions": [count_phrase(count, word) for count in counts],
        }
    )


def map_chart(table: pd.DataFrame, arm: str, title: str, marked: Collection[str]) -> Chart:
    """One panel. Clicking a dot selects it under the name `PICK`, dragging an area under `AREA`; `marked` products are ringed.

    Parameters
    ----------
    table : from `map_table`.
    arm : "als" or "hybrid", which pair of places to use.
    """
    x, y = f"{arm}_x", f"{arm}_y"
    placed = table[table[x].notna()]
    axis = alt.Axis(labels=False, ticks=False, grid=False, domain=False, title=None)
    scale = alt.Scale(zero=False, padding=12)
    place = {"x": alt.X(x, axis=axis, scale=scale), "y": alt.Y(y, axis=axis, scale=scale)}
    dots = (
        alt.Chart(placed)
        .mark_circle(size=34, opacity=0.75)
        .encode(**place, color=_level_colour(), tooltip=TOOLTIP)
        .add_params(
            alt.selection_point(name=PICK, fields=["item_id"], on="click"),
            alt.selection_interval(name=AREA, encodings=["x", "y"]),
        )
    )
    rings = (
        alt.Chart(placed[placed["item_id"].isin(list(marked))])
        .mark_point(size=160, filled=False, strokeWidth=2.5, color="#d23f57")
        .encode(**place, tooltip=TOOLTIP)
    )
    return alt.layer(dots, rings).properties(height=460, title=title)


def inside(table: pd.DataFrame, area: Mapping[str, Sequence[float]]) -> list[str]:
    """Ids of the dots in an area that was dragged: column -> its two ends. None where it is no area."""
    ranges = {name: ends for name, ends in area.items() if name in table.columns and len(ends) == 2}
    if len(ranges) < 2:
        return []
    within = np.logical_and.reduce([table[name].between(min(ends), max(ends)) for name, ends in ranges.items()])
    return [str(item_id) for item_id in table.loc[within, "item_id"]]


def _sampled(maps: pd.DataFrame, keep: Collection[str]) -> pd.DataFrame:
    """The rows of `maps` that are drawn, in their order, with their number in the column `row`."""
    table = maps.assign(row=np.arange(len(maps)))
    if len(table) <= MAX_DOTS:
        return table
    kept = table["item_id"].isin(list(keep))
    drawn = table[~kept].sample(MAX_DOTS - int(kept.sum()), random_state=_SEED)
    return pd.concat([table[kept], drawn]).sort_values("row")


def _level_colour() -> alt.Color:
    scale = alt.Scale(domain=[LEVEL_NAMES[level] for level in LEVELS], range=[LEVEL_COLOURS[level] for level in LEVELS])
    return alt.Color("traffic:N", scale=scale, legend=alt.Legend(orient="bottom", title=None))
