"""How charts look: a colour for every arm, light and dark, and charts as files.

On screen Streamlit's theme gives charts the page's own font and greys; what is ours are the colours of the arms.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Literal

import altair as alt
import streamlit as st

from ui.widgets.formatting import ARM_NAMES, arm_name

__all__ = ["ARM_COLOURS", "Chart", "arm_colour", "chart_file", "draw_chart", "is_dark"]

Chart = alt.Chart | alt.LayerChart | alt.FacetChart

ARM_COLOURS = {"hybrid": "#1d8a78", "als": "#c8743a", "predicted": "#7b6fc4", "content": "#7d858c"}
DARK_ARM_COLOURS = {"hybrid": "#5cc8b0", "als": "#eb9a63", "predicted": "#a99ff0", "content": "#aab3b9"}
FILE_FONT = "Source Sans Pro, Helvetica, Arial, sans-serif"
FILE_WIDTH = 900


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


def draw_chart(chart: Chart, *, key: str | None = None) -> None:
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
    if kind == "png":
        picture = io.BytesIO()
        framed.save(picture, format="png", scale_factor=2)
        return picture.getvalue()
    drawing = io.StringIO()
    framed.save(drawing, format="svg")
    return drawing.getvalue().encode("utf-8")
