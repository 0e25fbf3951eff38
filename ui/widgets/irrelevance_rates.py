"""The rates of irrelevance on screen: as a chart, as a table and as files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

import altair as alt
import pandas as pd
import streamlit as st

from engine.arms.registry import title_of
from engine.core.exports import CSV
from ui.widgets.charts import arm_colour, chart_file
from ui.widgets.formatting import visible_cells

__all__ = ["draw_rates_files", "draw_rates_table", "irrelevance_chart"]

HEIGHT = 420
LEAST_FULL_SIZE = 20  # judgements: with fewer everywhere, no dot is drawn at full size
SCALE = alt.Scale(domain=[0, 1], nice=False)
AXIS = alt.Axis(format=".0%", tickCount=5, title="Share of irrelevant neighbours")
KINDS: dict[Literal["png", "svg"], str] = {"png": "image/png", "svg": "image/svg+xml"}


def irrelevance_chart(
    table: pd.DataFrame, word: str, bins: Sequence[str], arms: Sequence[str], *, dark: bool = False
) -> alt.LayerChart:
    """Share of irrelevant neighbours against the anchor's interactions: a line, a band and dots per arm.

    Parameters
    ----------
    table : from `engine.curation.rates.shop_rates`; empty gives the bare axes.
    word : what the shop counts, in the plural.
    bins : labels of all bins, so that the axis is the shop's and not the judgements'.
    arms : which arms to draw.
    """
    shown = table[table["arm"].isin(list(arms)) & (table["judged"] > 0)]
    told = not shown.empty  # marks of nothing have no name to be read out
    shown = shown.assign(arm=[title_of(arm) for arm in shown["arm"]])
    base = alt.Chart(shown).encode(x=_bins_axis(word, bins), color=arm_colour(arms, dark=dark))
    low, rate = (alt.Y(f"{name}:Q", scale=SCALE, axis=AXIS) for name in ("low", "rate"))
    chart: alt.LayerChart = (
        alt.layer(
            _half_line(),
            base.mark_area(opacity=0.13, line=False).encode(y=low, y2="high:Q"),
            base.mark_rule(opacity=0.45, strokeWidth=1.5, aria=told).encode(y=low, y2="high:Q"),
            base.mark_line(strokeWidth=2.5).encode(y=rate),
            base.mark_circle(opacity=1, aria=told).encode(y=rate, size=_size(shown["judged"]), tooltip=_tooltip(word)),
        )
        .resolve_scale(y="shared")
        .properties(height=HEIGHT)
    )
    return chart


def draw_rates_table(table: pd.DataFrame, word: str) -> None:
    """The figures behind the chart, in per cent."""
    percent = {name: 100 * table[name] for name in ("rate", "low", "high")}
    shares = (("rate", "Irrelevant"), ("low", "Low (95%)"), ("high", "High (95%)"))
    st.dataframe(
        visible_cells(table.assign(arm=table["arm"].map(title_of), **percent)),
        hide_index=True,
        width="stretch",
        column_order=("arm", "bin_label", "rate", "low", "high", "judged", "unsure", "anchors"),
        column_config={
            "arm": "List",
            "bin_label": word.capitalize(),
            **{name: st.column_config.NumberColumn(label, format="%.0f%%") for name, label in shares},
            "judged": st.column_config.NumberColumn("Neighbours judged", format="localized"),
            "unsure": st.column_config.NumberColumn("Can't tell", help="Nobody was sure; not counted in the shares"),
            "anchors": st.column_config.NumberColumn("Products", format="localized"),
        },
    )


def draw_rates_files(
    table: pd.DataFrame, make_chart: Callable[[], alt.LayerChart], *, title: str, subtitle: str
) -> None:
    """Buttons for the chart as PNG and SVG and the table as CSV. The pictures are made when somebody asks for one."""

    def picture(kind: Literal["png", "svg"]) -> Callable[[], bytes]:
        return lambda: chart_file(make_chart(), kind, title, subtitle)

    with st.container(horizontal=True):
        for kind, mime in KINDS.items():
            st.download_button(
                kind.upper(),
                picture(kind),
                file_name=f"irrelevance.{kind}",
                mime=mime,
                icon=":material/image:",
                on_click="ignore",
            )
        _table_button(table)


def _table_button(table: pd.DataFrame) -> None:
    csv = CSV.to_bytes(table.drop(columns="bin_label").assign(arm=table["arm"].map(title_of)))
    st.download_button(
        CSV.name, csv, file_name="irrelevance.csv", mime=CSV.mime, icon=":material/table:", on_click="ignore"
    )


def _bins_axis(word: str, bins: Sequence[str]) -> alt.X:
    return alt.X(
        "bin_label:N",
        title=[f"{word.capitalize()} per product", "(each range doubles)"],
        sort=None,
        scale=alt.Scale(type="point", domain=list(bins), padding=0.4),
        axis=alt.Axis(labelAngle=0, grid=False, labelOverlap="greedy", labelBound=True),
    )


def _half_line() -> alt.Chart:
    """Above this line most neighbours are irrelevant."""
    line = alt.Chart(pd.DataFrame({"half": [0.5]})).mark_rule(strokeDash=[3, 4], opacity=0.5, color="#8a8f94")
    placed: alt.Chart = line.encode(y=alt.Y("half:Q", scale=SCALE, axis=AXIS))
    return placed


def _size(judged: pd.Series) -> alt.Size:
    """The larger the dot, the more was judged."""
    scale = alt.Scale(type="sqrt", domain=[0, max([LEAST_FULL_SIZE, *judged])], range=[20, 420])
    return alt.Size("judged:Q", scale=scale, legend=None)


def _tooltip(word: str) -> list[alt.Tooltip]:
    return [
        alt.Tooltip("arm:N", title="List"),
        alt.Tooltip("bin_label:N", title=word.capitalize()),
        alt.Tooltip("rate:Q", title="Irrelevant", format=".0%"),
        alt.Tooltip("low:Q", title="Low (95%)", format=".0%"),
        alt.Tooltip("high:Q", title="High (95%)", format=".0%"),
        alt.Tooltip("judged:Q", title="Neighbours judged", format=","),
        alt.Tooltip("anchors:Q", title="Products", format=","),
    ]
