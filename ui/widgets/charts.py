"""How charts look: a colour for every arm, light and dark, the irrelevance chart, and charts as files.

On screen Streamlit's theme gives charts the page's own font and greys; what is ours are the colours of the arms.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Literal

import altair as alt
import pandas as pd
import streamlit as st

from ui.widgets.formatting import ARM_NAMES, arm_name, singular

__all__ = ["ARM_COLOURS", "arm_colour", "chart_file", "draw_chart", "irrelevance_chart", "is_dark"]

ARM_COLOURS = {"hybrid": "#1d8a78", "als": "#c8743a", "predicted": "#7b6fc4", "content": "#7d858c"}
DARK_ARM_COLOURS = {"hybrid": "#5cc8b0", "als": "#eb9a63", "predicted": "#a99ff0", "content": "#aab3b9"}
FILE_FONT = "Source Sans Pro, Helvetica, Arial, sans-serif"
FILE_WIDTH, FILE_HEIGHT = 900, 420


def is_dark() -> bool:
    """Whether this browser shows the dark theme."""
    return bool(st.context.theme.type == "dark")


def arm_colour(arms: Sequence[str], *, dark: bool = False) -> alt.Color:
    """The colour channel of a column `arm` that holds arms' names on screen; the legend names these arms alone."""
    colours = DARK_ARM_COLOURS if dark else ARM_COLOURS
    shown = [arm for arm in ARM_NAMES if arm in arms]
    return alt.Color(
        "arm:N",
        scale=alt.Scale(domain=[arm_name(arm) for arm in shown], range=[colours[arm] for arm in shown]),
        legend=alt.Legend(orient="top", title=None, symbolType="circle", symbolOpacity=1, symbolStrokeWidth=0),
    )


def irrelevance_chart(
    table: pd.DataFrame, word: str, bins: Sequence[str], arms: Sequence[str], *, dark: bool = False
) -> alt.LayerChart:
    """Share of irrelevant neighbours against the anchor's interactions: a line, a band and dots per arm.

    Parameters
    ----------
    table : from `engine.curation.rates.irrelevance.irrelevance_by_count`; empty gives the bare axes.
    word : what the shop counts, in the plural.
    bins : labels of all bins, so that the axis is the shop's and not the judgements'.
    arms : which arms to draw.
    """
    shown = table[table["arm"].isin(list(arms)) & (table["judged"] > 0)]
    shown = shown.assign(arm=[arm_name(arm) for arm in shown["arm"]])
    x = alt.X(
        "bin_label:N",
        title=[f"{word.capitalize()} of the product", "(groups that double)"],
        sort=None,
        scale=alt.Scale(type="point", domain=list(bins), padding=0.4),
        axis=alt.Axis(labelAngle=0, grid=False, labelOverlap="greedy"),
    )
    y_axis = alt.Axis(format=".0%", tickCount=5, title="Irrelevant among its neighbours")
    scale = alt.Scale(domain=[0, 1], nice=False)
    base = alt.Chart(shown).encode(x=x, color=arm_colour(arms, dark=dark))
    interval = {"y": alt.Y("low:Q", scale=scale, axis=y_axis), "y2": "high:Q"}
    line = {"y": alt.Y("rate:Q", scale=scale, axis=y_axis)}
    one = singular(word)
    dots = base.mark_circle(opacity=1).encode(
        **line,
        size=alt.Size(
            "judged:Q",
            scale=alt.Scale(type="sqrt", domain=[0, max([20, *shown["judged"]])], range=[20, 420]),
            legend=None,
        ),
        tooltip=[
            alt.Tooltip("arm:N", title="List"),
            alt.Tooltip("bin_label:N", title=word.capitalize()),
            alt.Tooltip("rate:Q", title="Irrelevant", format=".0%"),
            alt.Tooltip("low:Q", title="95 % sure: from", format=".0%"),
            alt.Tooltip("high:Q", title="to", format=".0%"),
            alt.Tooltip("judged:Q", title="Neighbours judged", format=","),
            alt.Tooltip("anchors:Q", title="Products", format=","),
        ],
    )
    half = (
        alt.Chart(pd.DataFrame({"half": [0.5]}))
        .mark_rule(strokeDash=[3, 4], opacity=0.5, color="#8a8f94")
        .encode(y=alt.Y("half:Q", scale=scale, axis=y_axis))
    )
    chart: alt.LayerChart = (
        alt.layer(
            half,
            base.mark_area(opacity=0.13, interpolate="monotone", line=False).encode(**interval),
            base.mark_rule(opacity=0.45, strokeWidth=1.5).encode(**interval),
            base.mark_line(strokeWidth=2.5, interpolate="monotone").encode(**line),
            dots,
        )
        .resolve_scale(y="shared")
        .properties(height=FILE_HEIGHT, description=f"Irrelevant neighbours by {one} count, one line per list")
    )
    return chart


def draw_chart(chart: alt.TopLevelMixin, *, key: str | None = None) -> None:
    """Put a chart on the page, as wide as the page, in the page's theme."""
    st.altair_chart(chart, width="stretch", theme="streamlit", key=key)


def chart_file(chart: alt.LayerChart, kind: Literal["png", "svg"], title: str, subtitle: str = "") -> bytes:
    """The chart as a picture file on white, with its message above it; PNG at twice the size for print and screens."""
    heading = alt.Title(title, subtitle=subtitle, anchor="start", fontSize=20, subtitleFontSize=13, offset=16)
    framed = (
        chart.properties(title=heading, width=FILE_WIDTH, padding=20)
        .configure(font=FILE_FONT, background="#ffffff")
        .configure_axis(labelFontSize=12, titleFontSize=13, gridColor="#ece9e4", domainColor="#c9c4bb")
        .configure_legend(labelFontSize=13)
        .configure_view(stroke=None)
    )
    file = io.BytesIO()
    if kind == "png":
        framed.save(file, format="png", scale_factor=2)
        return file.getvalue()
    text = io.StringIO()
    framed.save(text, format="svg")
    return text.getvalue().encode("utf-8")
