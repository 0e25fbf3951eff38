"""Irrelevance: how many of the neighbours shown are irrelevant, against how much traffic the product has."""

from __future__ import annotations

from collections.abc import Callable

import altair as alt
import numpy as np
import pandas as pd
import streamlit as st

from engine.curation.judgements import DEMO_SOURCE
from engine.curation.rates.irrelevance import (
    bins_up_to,
    current_lists,
    headline,
    irrelevance_by_count,
    judge_next,
    open_flags,
)
from engine.curation.training_judgements import not_trained_on
from ui.app import notices
from ui.app.navigation import link_to, open_product
from ui.app.resources import judgements, recommender, settings, shop, workspace
from ui.app.url import mirror, query, query_list, writer
from ui.review.campaign_rates import campaign_rates
from ui.review.component import REASONS
from ui.widgets.charts import chart_file, draw_chart, irrelevance_chart, is_dark
from ui.widgets.formatting import ARM_NAMES, arm_name, plain, plural, text_or_none

__all__ = ["page"]

FIRST_SHOWN = ["hybrid", "als"]
FLAGS_LINKED = 5
BASES = {"": "Whole lists", "cards": "Review cards"}


def page() -> None:
    """The chart, what it leaves out, what to judge next, the table and the files."""
    word, k = shop().interaction_word, settings().serving.neighbours
    st.title("Irrelevance", anchor=False)
    everything = judgements().current()
    current, from_cards = _chosen(everything)
    cards = campaign_rates(current, word, k) if from_cards else None
    if cards is None:
        current, taught = _not_taught(current)
        seen = _seen(str(workspace().root), recommender().version, tuple(sorted(set(current["anchor_id"]))), k)
        seen = not_trained_on(pd.concat([judgements().seen(), seen], ignore_index=True), workspace())
        # What lies on a review card is judged to the end, so a part of a list speaks for the whole; elsewhere a list
        # counts once it is finished.
        table = irrelevance_by_count(current, seen, k=k, seed=settings().seed, complete_only=not from_cards)
    else:
        table = cards.table
    arms = _arms(table)
    shown = table[table["arm"].isin(arms)]
    title = headline(shown, word)
    st.subheader(title, anchor=False)
    items = recommender().items
    bins = [label for _, _, label in bins_up_to(int(items["interaction_count"].max()))]
    chart = irrelevance_chart(shown, word, bins, arms, dark=is_dark())
    draw_chart(chart, key="irrelevance_chart")
    st.caption(
        f"Of the {k} neighbours of each judged product, the share that people called irrelevant"
        f"{', from cards of the Review page alone' if from_cards else ''}. "
        "The larger the dot, the more was judged; the band holds the true share with 95 % certainty."
    )
    if cards is not None:
        for sentence in cards.sentences:
            st.markdown(f"- {sentence}")
        st.caption(f"{plural(cards.judged, 'judgement')} on {plural(cards.products, 'product')} so far.")
    if from_cards:
        with st.container(horizontal=True):
            link_to("review", "Judge more", ":material/checklist:")
            link_to("campaigns", "Campaigns, agreement and files", ":material/flag_circle:")
    else:
        _next(table, current)
        if taught:
            st.caption(
                f"{recommender().manifest.label} learned from the judgements of {plural(taught, 'product')}; they may not score "
                "it and are left out."
            )
        _left_out(open_flags(current, seen, k=k))
        _samples(everything)
    _reasons(current)
    if not shown.empty:
        # Files are on white whatever the screen is; they are made when somebody asks for one.
        _files(shown, word, title, lambda: irrelevance_chart(shown, word, bins, arms))


def _chosen(everything: pd.DataFrame) -> tuple[pd.DataFrame, bool]:
    """The judgements that are asked for, and whether they are those of review cards."""
    reviewed = everything["source"] == "review"
    chosen = everything
    with st.container(horizontal=True, vertical_alignment="center"):
        from_cards = False
        if reviewed.any() and not reviewed.all():
            basis = query("judged", allowed=BASES)
            mirror("irrelevance_basis", basis)
            st.segmented_control(
                "Judged", list(BASES), key="irrelevance_basis", format_func=BASES.__getitem__, required=True,
                label_visibility="collapsed", on_change=writer("irrelevance_basis", "judged"),
            )  # fmt: skip
            from_cards = basis == "cards"
        elif reviewed.any():
            from_cards = True
        chosen = everything[reviewed == from_cards]
        raters = sorted(set(chosen["rater"]))
        wanted = _filter("By", "by", raters)
        chosen = chosen[chosen["rater"].isin(wanted)] if wanted else chosen
        items = recommender().items
        kinds = items.loc[items["item_id"].isin(chosen["anchor_id"]), ["item_id", "category"]].dropna()
        wanted = _filter("Category", "category", sorted(set(kinds["category"].astype(str))))
        if wanted:
            chosen = chosen[chosen["anchor_id"].isin(kinds.loc[kinds["category"].isin(wanted), "item_id"])]
    return chosen, from_cards


def _not_taught(current: pd.DataFrame) -> tuple[pd.DataFrame, int]:
    """The judgements that may score the release, and of how many products they may not."""
    learned = current["anchor_id"].isin(recommender().trained_on)
    return current[~learned], current.loc[learned, "anchor_id"].nunique()


def _filter(label: str, name: str, values: list[str]) -> list[str]:
    """Any of some values, chosen in a popover and kept in the address; nothing where there is no choice."""
    if len(values) < 2:
        return []
    chosen = query_list(name, allowed=values)
    with st.popover(f"{label}: {len(chosen)}" if chosen else label, type="secondary"):
        mirror(f"irrelevance_{name}", chosen)
        st.multiselect(
            label, values, key=f"irrelevance_{name}", placeholder="Any", on_change=writer(f"irrelevance_{name}", name)
        )
    return chosen


def _arms(table: pd.DataFrame) -> list[str]:
    """The lists to draw: those in the address, else Longtail and Behaviour."""
    there = [arm for arm in ARM_NAMES if arm in set(table["arm"]) | set(FIRST_SHOWN)]
    chosen = query_list("list", allowed=there) or FIRST_SHOWN
    if len(there) > len(FIRST_SHOWN):
        mirror("irrelevance_lists", chosen)
        st.pills(
            "Lists",
            there,
            key="irrelevance_lists",
            selection_mode="multi",
            format_func=arm_name,
            on_change=writer("irrelevance_lists", "list"),
        )
    return [arm for arm in there if arm in chosen]


def _next(table: pd.DataFrame, current: pd.DataFrame) -> None:
    """A way to the product whose judgement would tell most."""
    anchors = sorted(set(current["anchor_id"]))
    chosen = judge_next(table, recommender().items, anchors, np.random.default_rng([settings().seed, len(anchors)]))
    with st.container(horizontal=True, vertical_alignment="center"):
        if chosen is not None:
            verb = "Start judging" if table.empty else "Judge what is known least"
            if st.button(verb, icon=":material/flag:", type="primary"):
                open_product(chosen)
        st.caption(
            f"{plural(len(current), 'judgement')} on {plural(len(anchors), 'product')} so far. "
            "Flag what does not belong to a product, then press “The rest fit”."
        )


def _left_out(flags: pd.DataFrame) -> None:
    """Say which flags are not in the chart, with ways to finish their lists."""
    if flags.empty:
        return
    count = int(flags["flags"].sum())
    with st.container(border=True):
        st.write(
            f"**{plural(count, 'flag')} on {plural(len(flags), 'list')} that {'is' if len(flags) == 1 else 'are'} not "
            "finished.** The chart leaves them out: a list counts once everything on it is judged, or the bad ones "
            "alone would say 100 %. Open a product and press “The rest fit”."
        )
        with st.container(horizontal=True):
            for anchor, number in flags.head(FLAGS_LINKED).itertuples(index=False):
                if st.button(f"{_title(anchor)} ({number})", key=f"finish_{anchor}", icon=":material/arrow_forward:"):
                    open_product(anchor)


def _samples(current: pd.DataFrame) -> None:
    """Say that sample judgements are in the chart, with a way to take them out."""
    if not judgements().has_demo():
        return
    samples = int((current["source"] == DEMO_SOURCE).sum())
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        st.write(
            f"**{plural(samples, 'sample judgement')}** by “Demo curator” came with the demo shop, so that there is "
            "something to see. They follow the style families the dresses were drawn from."
        )
        st.button("Remove the sample judgements", icon=":material/delete:", on_click=_remove_samples)


def _reasons(current: pd.DataFrame) -> None:
    """Why products were called irrelevant, where people said so."""
    given = current.loc[(current["verdict"] == "irrelevant") & current["reason"].isin(list(REASONS)), "reason"]
    if not given.empty:
        counts = given.value_counts()
        said = ", ".join(f"{REASONS[str(reason)]} {count:,}" for reason, count in counts.items())
        st.caption(f"Reasons given for {plural(len(given), 'flag')}: {said}.")


def _remove_samples() -> None:
    removed = judgements().remove_demo()
    notices.say(f"{plural(removed, 'sample judgement')} removed", ":material/check:")


def _files(table: pd.DataFrame, word: str, title: str, make_chart: Callable[[], alt.LayerChart]) -> None:
    """The table, and table and chart as files."""
    st.dataframe(
        table.assign(arm=table["arm"].map(arm_name), **{name: 100 * table[name] for name in ("rate", "low", "high")}),
        hide_index=True,
        width="stretch",
        column_order=("arm", "bin_label", "rate", "low", "high", "judged", "unsure", "anchors"),
        column_config={
            "arm": "List",
            "bin_label": word.capitalize(),
            **{
                name: st.column_config.NumberColumn(label, format="%.0f %%")
                for name, label in (("rate", "Irrelevant"), ("low", "95 % from"), ("high", "to"))
            },
            "judged": st.column_config.NumberColumn("Neighbours judged", format="localized"),
            "unsure": st.column_config.NumberColumn("Can't tell", help="Nobody was sure; in no share"),
            "anchors": st.column_config.NumberColumn("Products", format="localized"),
        },
    )
    subtitle = f"{shop().name}: share of irrelevant neighbours by number of {word}, with 95 % intervals"
    with st.container(horizontal=True):
        for kind, mime in (("png", "image/png"), ("svg", "image/svg+xml")):
            st.download_button(
                kind.upper(),
                lambda kind=kind: chart_file(make_chart(), kind, title, subtitle),
                file_name=f"irrelevance.{kind}",
                mime=mime,
                icon=":material/image:",
                on_click="ignore",
            )
        csv = table.drop(columns="bin_label").assign(arm=table["arm"].map(arm_name)).to_csv(index=False)
        st.download_button(
            "CSV", csv, file_name="irrelevance.csv", mime="text/csv", icon=":material/table:", on_click="ignore"
        )


def _title(item_id: str) -> str:
    items = recommender().items
    found = items.loc[items["item_id"] == item_id, "title"]
    title = text_or_none(found.iloc[0] if len(found) else None) or item_id
    return plain(title)  # labels are Markdown, titles are not


@st.cache_data(show_spinner=False, max_entries=8)
def _seen(root: str, version: str, anchors: tuple[str, ...], k: int) -> pd.DataFrame:
    """What the release shows now for the anchors that were judged."""
    return current_lists(recommender(), anchors, k)
