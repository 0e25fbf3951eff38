"""What improved between two sides in numbers, the products that gained most, and the report for a meeting."""

from __future__ import annotations

from datetime import datetime

import altair as alt
import pandas as pd
import streamlit as st

from engine.comparison.list_gains import Gains, Tally
from engine.core.exports import file_name
from ui.app.resources import shop_words
from ui.app.url import set_query
from ui.comparison.lists import Pair, draw_heading, groups_of, pair_of
from ui.comparison.report import Report, report_pdf
from ui.comparison.results import gains_between
from ui.comparison.sides import Chosen
from ui.comparison.words import change_headline, gain_words, level_rows, measure_note, other_facts
from ui.widgets.cards import card_groups
from ui.widgets.charts import Chart, draw_chart, is_dark, legend
from ui.widgets.formatting import plain

__all__ = ["draw_gallery"]

SHOWN, REPORTED, CARDS = 6, 8, 6
LOOK_AGAIN_SECONDS = 0.7
PARTS = ("Improved", "About the same", "Worse")


def draw_gallery(sides: tuple[Chosen, Chosen]) -> None:
    """The headline, the chart by traffic, and the gallery; a skeleton until they are worked out."""
    held = gains_between(sides[0].side, sides[1].side)
    if held.result is not None:
        _draw(held.result, sides)
    elif held.done:
        st.error("These lists could not be compared; the log says why.", icon=":material/error:")
    else:
        _wait(sides)


def _draw(gains: Gains, sides: tuple[Chosen, Chosen]) -> None:
    st.subheader(change_headline(gains), anchor=False)
    best = [(int(place), pair_of(_item_id(gains, int(place), sides), sides)) for place in gains.best(SHOWN)]
    with st.container(horizontal=True, vertical_alignment="center", key="best_head"):
        if best:
            st.subheader("What improved most", anchor=False, width="content")
        st.space("stretch")
        st.download_button(
            "Report (PDF)", lambda: _report(gains, sides), type="primary", icon=":material/picture_as_pdf:",
            file_name=file_name(f"{sides[0].name} and {sides[1].name}", ".pdf"), mime="application/pdf", on_click="ignore",
        )  # fmt: skip
    for place, pair in best:
        _draw_best(gains, place, pair)
    st.subheader("By how much traffic a product has", anchor=False)
    draw_chart(
        _chart, {"rows": level_rows(gains), "dark": is_dark()}, says=change_headline(gains), key="compare_levels"
    )
    st.caption(plain(" ".join(other_facts(gains))))
    st.caption(plain(measure_note(gains)))


def _draw_best(gains: Gains, place: int, pair: Pair) -> None:
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="center"):
            with st.container(width="stretch"):
                draw_heading(pair, f"{gain_words(gains, place).capitalize()}.")
            st.button(
                "Look closer",
                key=f"closer_{place}",
                type="tertiary",
                icon=":material/compare:",
                on_click=set_query,
                kwargs={"item": pair.item_id, "before": pair.sides[0].address, "after": pair.sides[1].address},
            )
        card_groups(groups_of(pair, CARDS), key=f"best_{place}", layout="strip", on_open=_open)


def _open(item_id: str) -> None:
    set_query(item=item_id)


def _chart(rows: list[tuple[str, Tally]], dark: bool) -> Chart:
    """A bar for each group of products: how many of its lists improved, stayed and got worse."""
    table = pd.DataFrame(
        [
            {"group": name, "lists": part, "place": order, "count": count, "share": count / tally.compared}
            for name, tally in rows
            for order, (part, count) in enumerate(
                zip(PARTS, (tally.improved, tally.compared - tally.improved - tally.worse, tally.worse), strict=True)
            )
        ]
    )
    colours = ["#4fb3a2", "#4a5157", "#d98a6f"] if dark else ["#1d6a5e", "#dcd7cf", "#a8452c"]
    y = alt.Y("group:N", sort=[name for name, _ in rows], title=None)
    x = alt.X("share:Q", stack="zero", title="Share of lists", axis=alt.Axis(format="%")).scale(domain=[0, 1])
    colour = alt.Color("lists:N", sort=PARTS, scale=alt.Scale(domain=PARTS, range=colours), legend=legend("top"))
    tooltip = [
        alt.Tooltip("group:N", title="Traffic"),
        alt.Tooltip("lists:N", title="Lists"),
        alt.Tooltip("count:Q", title="Products", format=","),
    ]
    bars = alt.Chart(table).mark_bar(height=22).encode(y=y, x=x, color=colour, order="place:O", tooltip=tooltip)
    chart: alt.Chart = bars.properties(height=60 + 44 * len(rows))
    return chart


def _report(gains: Gains, sides: tuple[Chosen, Chosen]) -> bytes:
    best = [(int(place), pair_of(_item_id(gains, int(place), sides), sides)) for place in gains.best(REPORTED)]
    return report_pdf(Report(shop_words().name, sides[0].name, sides[1].name, datetime.now().astimezone(), gains, best))


def _item_id(gains: Gains, place: int, sides: tuple[Chosen, Chosen]) -> str:
    return str(sides[1].side.release.items["item_id"].iloc[int(gains.rows[place])])


def _wait(sides: tuple[Chosen, Chosen]) -> None:
    @st.fragment(run_every=LOOK_AGAIN_SECONDS)
    def waiting() -> None:
        if gains_between(sides[0].side, sides[1].side).done:
            st.rerun()
        st.caption("Comparing every list…")
        st.html('<div class="lt-wait-cards" aria-hidden="true"><i></i><i></i><i></i><i></i></div>')

    waiting()
