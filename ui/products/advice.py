"""Beside the form of a new product: its neighbours, likely duplicates, where it would be shown, what its parts do."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from engine.catalogue.product import Product, field_label
from engine.edits.drafts.advice import Advice, Effect, advise
from engine.recommend.inbound import Inbound
from engine.recommend.unseen import UnseenVectors, nearest
from ui.app.navigation import open_product
from ui.app.resources import recommender, served, settings, workspace
from ui.products.draft_resources import neighbour_cards
from ui.products.why import explained_unseen
from ui.widgets.cards import Group, card_groups
from ui.widgets.formatting import plain, plural, text_or_none

__all__ = ["draw_new_neighbours", "inbound_sentence", "parts_sentence"]

PREVIEWED = 4
PARTS = {"picture": "the picture", "text": "the text", "facts": "the details"}
# The least share of the list that a part must change, and the word for it.
MOSTLY, PARTLY = 0.6, 0.3


def draw_new_neighbours(product: Product) -> None:
    """Draw what a product that nobody has seen belongs with, and advice on it."""
    facade, k = recommender(), settings().serving.neighbours
    with st.spinner("Reading the product…", show_time=True):
        vectors = _vectors(facade.version, product)
        neighbours = nearest(facade, vectors, k)
    group = Group(
        name="hybrid",
        title="It belongs with",
        cards=explained_unseen(product, vectors, neighbours, neighbour_cards(neighbours)),
        empty="Nothing to go on yet: add a title, a picture or a detail that other products share.",
    )
    if item_id := card_groups([group], key="new_neighbours"):
        open_product(item_id)
    if neighbours:
        _draw_advice(_advice(facade.version, product, k))


def inbound_sentence(inbound: Sequence[Inbound], names: Sequence[str]) -> str:
    """Beside which products it would be shown, in Markdown; `names` are those of the first few."""
    if not inbound:
        return "**Not shown beside any product yet:** others are closer matches."
    where = ", ".join(f"{name} (position {one.rank:,})" for one, name in zip(inbound, names, strict=False))
    rest = len(inbound) - len(names)
    more = f" and {rest:,} more" if rest > 0 else ""
    return f"**It would be shown beside {plural(len(inbound), 'product')}:** {where}{more}."


def parts_sentence(parts: Sequence[Effect]) -> str:
    """What drives the results, from the share of the list that each part changes."""
    phrases = [f"{_strength(part.share)} {PARTS[part.name]}" for part in parts if part.share > 0]
    if not phrases:
        return "No single part drives these results: they stay the same without any one of them."
    return f"What drives these results: {', '.join(phrases)}."


def _strength(share: float) -> str:
    return "mostly" if share >= MOSTLY else "partly" if share >= PARTLY else "a little"


def _draw_advice(advice: Advice) -> None:
    if advice.duplicates:
        first = advice.duplicates[0]
        st.warning(
            f"{_title(first.item_id)} {plain(first.why)}. Is this product in the shop already?",
            icon=":material/content_copy:",
        )
    st.write(inbound_sentence(advice.inbound, [_title(one.item_id) for one in advice.inbound[:PREVIEWED]]))
    if advice.parts:
        st.caption(parts_sentence(advice.parts))
    if advice.missing:
        fields = ", ".join(f"{plain(field_label(one.name))} ({one.share:.0%})" for one in advice.missing[:PREVIEWED])
        st.caption(f"Filling in one of these would change the results most: {fields}.")


def _title(item_id: str) -> str:
    facade = recommender()
    title = text_or_none(facade.items["title"].iloc[facade.row(item_id)]) or item_id
    return f"“{plain(title[:60])}”"


@st.cache_data(show_spinner=False, max_entries=64)
def _advice(version: str, product: Product, k: int) -> Advice:
    return advise(recommender(), workspace(), product, _vectors(version, product), k)


@st.cache_data(show_spinner=False, max_entries=64)
def _vectors(version: str, product: Product) -> UnseenVectors:
    """The vectors of a product in this version of the release: it is read once for neighbours and advice."""
    return served().read_unseen([product])
