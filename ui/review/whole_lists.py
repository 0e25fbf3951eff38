"""Beside the irrelevance chart of whole lists: what to judge next, and which judgements are not counted, and why."""

from __future__ import annotations

import numpy as np
import pandas as pd
import streamlit as st

from engine.access.roles import Action
from engine.curation.rates.irrelevance import judge_next
from engine.curation.votes import Source
from ui.app import notices
from ui.app.navigation import open_product
from ui.app.person import only
from ui.app.resources import judgements, recommender, settings
from ui.app.second_thoughts import Question, ask
from ui.widgets.formatting import plain, plural, text_or_none

__all__ = ["draw_next", "draw_samples", "draw_trained_on", "draw_unfinished"]

FLAGS_LINKED = 5


def draw_next(table: pd.DataFrame, current: pd.DataFrame) -> None:
    """A way to the product whose judgement would tell most.

    Parameters
    ----------
    table : from `irrelevance_by_count`.
    current : the votes it was made of.
    """
    anchors = sorted(set(current["anchor_id"]))
    chosen = judge_next(table, recommender().items, anchors, np.random.default_rng([settings().seed, len(anchors)]))
    with st.container(horizontal=True, vertical_alignment="center"):
        if chosen is not None:
            verb = "Start judging" if table.empty else "Review the biggest gap"
            if st.button(verb, icon=":material/flag:", type="primary", **only(Action.JUDGE)):
                open_product(chosen)
        st.caption(
            f"{_judged_phrase(len(current), len(anchors))}. Flag the neighbours that don't belong, then press “The rest fit”."
        )


def draw_trained_on(products: int) -> None:
    """Say of how many products the judgements are left out because the release learned from them."""
    if products:
        st.caption(
            f"{recommender().manifest.label} was trained on the judgements of {plural(products, 'product')}, so they are "
            "left out of this chart."
        )


def draw_unfinished(flags: pd.DataFrame) -> None:
    """Say which flags are not in the chart, with ways to finish their lists; `flags` is from `open_flags`."""
    if flags.empty:
        return
    count = int(flags["flags"].sum())
    with st.container(border=True):
        st.write(
            f"**{plural(count, 'flag')} on {plural(len(flags), 'unfinished list')}.** The chart leaves them out: a list "
            "counts once every neighbour on it is judged. Open a product and press “The rest fit” to finish its list."
        )
        with st.container(horizontal=True):
            for anchor, number in flags.head(FLAGS_LINKED).itertuples(index=False):
                if st.button(f"{_title(anchor)} ({number:,})", key=f"finish_{anchor}", icon=":material/arrow_forward:"):
                    open_product(anchor)


def draw_samples(everything: pd.DataFrame) -> None:
    """Say that sample judgements are in the chart, with a way to take them out."""
    if not judgements().has_demo():
        return
    samples = int((everything["source"] == Source.DEMO).sum())
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        st.write(
            f"**{plural(samples, 'sample judgement')}** by “Demo curator” came with the demo shop, so the chart has "
            "something to show. They follow the style families that the dresses were drawn from."
        )
        st.button(
            "Remove sample judgements",
            icon=":material/delete:",
            on_click=_remove_samples,
            args=(samples,),
            **only(Action.REMOVE_SAMPLES),
        )


def _remove_samples(samples: int) -> None:
    """Callback: ask, and remove them."""

    def act() -> None:
        removed = judgements().remove_demo()
        notices.say(f"{plural(removed, 'sample judgement')} removed", ":material/check:")

    says = [
        f"{plural(samples, 'sample judgement')} by “Demo curator” are deleted for good; what you and your colleagues judged stays."
    ]
    ask(Question("Remove the sample judgements?", says, "Remove", act))


def _judged_phrase(judgements: int, products: int) -> str:
    if not judgements:
        return "Nothing judged yet"
    return f"{plural(judgements, 'judgement')} on {plural(products, 'product')} so far"


def _title(item_id: str) -> str:
    items = recommender().items
    found = items.loc[items["item_id"] == item_id, "title"]
    title = text_or_none(found.iloc[0] if len(found) else None) or item_id
    return plain(title)  # labels are Markdown, titles are not
