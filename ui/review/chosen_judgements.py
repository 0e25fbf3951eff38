"""Which judgements the Irrelevance page counts: of whole lists or of review cards, by whom, in which category."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd
import streamlit as st

from engine.curation.rates.shop_rates import votes_of
from ui.app.choices import switch
from ui.app.resources import recommender
from ui.app.url import mirror, query_list, writer

__all__ = ["ChosenJudgements", "choose_judgements"]

BASES = {"": "Whole lists", "cards": "Review cards"}


@dataclass(frozen=True)
class ChosenJudgements:
    """Votes in force in the shape of `JudgementStore.current`; whole lists and review cards are never mixed."""

    current: pd.DataFrame
    from_cards: bool


def choose_judgements(everything: pd.DataFrame) -> ChosenJudgements:
    """Draw the filters that make sense for these votes, and apply them; they live in the address."""
    with st.container(horizontal=True, vertical_alignment="center"):
        reviewed = everything["source"] == "review"
        from_cards = _from_cards(reviewed)
        chosen = votes_of(everything, "cards" if from_cards else "lists")
        raters = _any_of("Judged by", "by", sorted(set(chosen["rater"])))
        chosen = chosen[chosen["rater"].isin(raters)] if raters else chosen
        items = recommender().items
        kinds = items.loc[items["item_id"].isin(chosen["anchor_id"]), ["item_id", "category"]].dropna()
        categories = _any_of("Category", "category", sorted(set(kinds["category"].astype(str))))
        if categories:
            chosen = chosen[chosen["anchor_id"].isin(kinds.loc[kinds["category"].isin(categories), "item_id"])]
    return ChosenJudgements(chosen, from_cards)


def _from_cards(reviewed: pd.Series) -> bool:
    """Whether review cards are asked for; there is a choice where there are judgements of both kinds."""
    if reviewed.all() or not reviewed.any():
        return bool(reviewed.any())
    return switch("Judged", "judged", BASES, key="irrelevance_basis") == "cards"


def _any_of(label: str, name: str, values: Sequence[str]) -> list[str]:
    """Any of some values, chosen in a popover and kept in the address; nothing where there is no choice."""
    if len(values) < 2:
        return []
    chosen, key = query_list(name, allowed=values), f"irrelevance_{name}"
    with st.popover(f"{label}: {len(chosen)}" if chosen else label, type="secondary"):
        mirror(key, chosen)
        st.multiselect(label, values, key=key, placeholder="Any", on_change=writer(key, name), persist_state="session")
    return chosen
