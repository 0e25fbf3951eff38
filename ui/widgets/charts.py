"""How charts look: a colour for every arm, light and dark, and charts as files.

On screen Streamlit's theme gives charts the page's own font and greys; the colours of the arms are ours.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Collection, Mapping
from typing import Any, Literal

import altair as alt
import streamlit as st

from engine.arms.registry import arms

__all__ = ["Chart", "arm_colour", "chart_file", "draw_chart", "is_dark", "legend"]

Chart = alt.Chart | alt.LayerChart | alt.FacetChart

FILE_FONT = "Source Sans Pro, Helvetica, Arial, sans-serif"
FILE_WIDTH = 900
NARROW = 420  # pixels


def is_dark() -> bool:
    """Whether this browser shows the dark theme."""
    return bool(st.context.theme.type == "dark")


def arm_colour(names: Collection[str], *, dark: bool = False) -> alt.Color:
    """The colour channel of a column `arm` that holds the arms' titles; the legend shows the arms of these names alone."""
    shown = [one for name, one in arms().items() if name in names]
    return alt.Color(
        "arm:N",
        scale=alt.Scale(
            domain=[one.title for one in shown],
            range=[one.dark_colour if dark else one.colour for one in shown],
        ),
        legend=legend("top", symbolType="circle", symbolOpacity=1, symbolStrokeWidth=0),
    )


def legend(orient: Literal["top", "bottom"], **more: Any) -> alt.Legend:
    """A legend without a title, in one row; in two columns where the chart is too narrow for a row, as on a phone."""
    return alt.Legend(orient=orient, title=None, columns=alt.ExprRef(f"width < {NARROW} ? 2 : 0"), **more)


def draw_chart(make: Callable[..., Chart], facts: Mapping[str, Any], *, says: str, key: str | None = None) -> None:
    """Put a chart on the page, as wide as the page, in the page's theme.

    Parameters
    ----------
    make : makes the chart of the facts; it is made once for equal facts, since that takes longer than the rest of a page.
    says : what the chart shows, for whom cannot see it.
    """
    spec = dict(_spec(f"{make.__module__}.{make.__qualname__}", dict(facts), make))
    height = spec["height"]  # said to Streamlit too, which keeps the room until the chart is drawn
    st.vega_lite_chart(spec, width="stretch", height=height, theme="streamlit", key=key, alt=says)


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


@st.cache_resource(show_spinner=False, max_entries=100)
def _spec(name: str, facts: dict[str, Any], _make: Callable[..., Chart]) -> dict[str, Any]:
    """The chart as Vega-Lite reads it, with its data; without Altair's own look, which would overrule the page's."""
    spec: dict[str, Any] = _make(**facts).to_dict()
    spec.pop("config", None)
    return spec
