"""Irrelevance: how many of the neighbours shown are irrelevant, against how much traffic the product has."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
import streamlit as st

from engine.arms import registry
from engine.curation.rates.irrelevance import bins_up_to, current_lists, open_flags
from engine.curation.rates.overall import headline
from engine.curation.rates.shop_rates import ListRates, list_rates
from engine.curation.votes import Reason, Verdict
from ui.app.navigation import link_to
from ui.app.resources import judgements, recommender, settings, shop, workspace
from ui.app.url import mirror, query_list, writer
from ui.review.campaign_rates import campaign_summary
from ui.review.chosen_judgements import choose_judgements
from ui.review.whole_lists import draw_next, draw_samples, draw_trained_on, draw_unfinished
from ui.widgets.charts import draw_chart, is_dark
from ui.widgets.formatting import plain, plural
from ui.widgets.irrelevance_rates import draw_rates_files, draw_rates_table, irrelevance_chart

__all__ = ["page"]

FIRST_SHOWN = ["hybrid", "als"]


def page() -> None:
    """The chart of whole lists or of review cards, what it leaves out, what to judge next, the table and the files."""
    st.title("Irrelevance", anchor=False)
    everything = judgements().current()
    chosen = choose_judgements(everything)
    if chosen.from_cards:
        _review_cards(chosen.current)
    else:
        _whole_lists(chosen.current, everything)


def _review_cards(current: pd.DataFrame) -> None:
    """The rates of the campaign in the address; of all cards where no campaign has any."""
    word, k = shop().interaction_word, settings().serving.neighbours
    summary = campaign_summary(current, word, k)
    if summary is None:
        rates = _list_rates(current, whole_lists_only=False)
        table, current = rates.table, rates.votes
    else:
        table = summary.table
    arms, title = _chart(table, ", from Review cards only", None if summary is None else summary.sizes)
    if summary is not None:
        for sentence in summary.sentences:
            st.markdown(f"- {plain(sentence)}")
        st.caption(f"{plural(summary.judged, 'judgement')} on {plural(summary.products, 'product')} so far.")
    with st.container(horizontal=True):
        link_to("review", "Judge more", ":material/checklist:")
        link_to("campaigns", "Campaigns, agreement and downloads", ":material/flag_circle:")
    _reasons(current)
    _figures(table, arms, title)


def _whole_lists(current: pd.DataFrame, everything: pd.DataFrame) -> None:
    """The rates of the lists that were judged to the end."""
    rates = _list_rates(current)
    arms, title = _chart(rates.table)
    draw_next(rates.table, rates.votes)
    draw_trained_on(rates.trained_on)
    draw_unfinished(_open_flags(*_judged(current), rates))
    draw_samples(everything)
    _reasons(rates.votes)
    _figures(rates.table, arms, title)


def _list_rates(current: pd.DataFrame, *, whole_lists_only: bool = True) -> ListRates:
    return _rates(*_judged(current), whole_lists_only, settings().seed, current)


def _judged(current: pd.DataFrame) -> tuple[str, str, int, bytes, int]:
    """All that rates follow from: whose lists, to which rank, and which judgements."""
    said = current["id"].to_numpy().tobytes()
    return str(workspace().root), recommender().version, judgements().last_id(), said, settings().serving.neighbours


def _chart(table: pd.DataFrame, source: str = "", sizes: Mapping[int, float] | None = None) -> tuple[list[str], str]:
    """The chart under its message, for which its ranges weigh `sizes`: the arms that are drawn, and the message."""
    arms = _arms(table)
    title = headline(table[table["arm"].isin(arms)], shop().interaction_word, sizes)
    st.subheader(plain(title), anchor=False)
    draw_chart(irrelevance_chart, _facts(table, arms, dark=is_dark()), says=title, key="irrelevance_chart")
    st.caption(
        f"The share of each judged product's {settings().serving.neighbours:d} neighbours that people called "
        f"irrelevant{source}. Larger dots mean more judgements; the band is the 95% confidence interval."
    )
    return arms, title


def _arms(table: pd.DataFrame) -> list[str]:
    """The lists to draw: those in the address, else Longtail and Behaviour."""
    there = [arm for arm in registry.arms() if arm in set(table["arm"]) | set(FIRST_SHOWN)]
    chosen = query_list("list", allowed=there) or FIRST_SHOWN
    if len(there) > len(FIRST_SHOWN):
        mirror("irrelevance_lists", chosen)
        st.pills(
            "Lists",
            there,
            key="irrelevance_lists",
            selection_mode="multi",
            format_func=registry.title_of,
            on_change=writer("irrelevance_lists", "list"),
            persist_state="session",
        )
    return [arm for arm in there if arm in chosen]


def _facts(table: pd.DataFrame, arms: list[str], *, dark: bool) -> dict[str, Any]:
    """What the chart is made of."""
    bins = bins_up_to(int(recommender().items["interaction_count"].max()))
    return {
        "table": table, "word": shop().interaction_word, "bins": [label for _, _, label in bins], "arms": arms, "dark": dark,
    }  # fmt: skip


def _reasons(current: pd.DataFrame) -> None:
    """Why products were called irrelevant, where people said so."""
    given = current.loc[(current["verdict"] == Verdict.IRRELEVANT) & current["reason"].isin(list(Reason)), "reason"]
    if not given.empty:
        said = ", ".join(f"{Reason(str(reason)).words} {count:,}" for reason, count in given.value_counts().items())
        st.caption(f"Reasons given for {plural(len(given), 'flag')}: {said}.")


def _figures(table: pd.DataFrame, arms: list[str], title: str) -> None:
    """The table, and table and chart as files; the chart is on white whatever the screen is."""
    word, shown = shop().interaction_word, table[table["arm"].isin(arms)]
    if not shown.empty:
        draw_rates_table(shown, word)
        subtitle = f"{shop().name}: share of irrelevant neighbours by number of {word}, with 95% intervals"
        facts = _facts(table, arms, dark=False)
        draw_rates_files(shown, lambda: irrelevance_chart(**facts), title=title, subtitle=subtitle)


@st.cache_resource(show_spinner=False, max_entries=8)
def _rates(
    root: str,
    version: str,
    last_id: int,
    said: bytes,
    k: int,
    whole_lists_only: bool,
    seed: int,
    _current: pd.DataFrame,
) -> ListRates:
    release, anchors = recommender(), sorted(set(_current["anchor_id"]))
    return list_rates(
        judgements(), release, workspace(), _current, k=k, seed=seed, whole_lists_only=whole_lists_only,
        lists_now=current_lists(release, anchors, k),
    )  # fmt: skip


@st.cache_resource(show_spinner=False, max_entries=8)
def _open_flags(root: str, version: str, last_id: int, said: bytes, k: int, _rates: ListRates) -> pd.DataFrame:
    return open_flags(_rates.votes, _rates.appearances, k=k)
