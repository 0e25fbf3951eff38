"""Beside a described product: its neighbours, what it may duplicate, where it would stand, what its parts do."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from engine.catalogue.product import Product, field_label
from engine.edits.drafts.advice import Duplicate, Effect, missing_fields, near_duplicates, parts
from engine.recommend.inbound import Inbound, inbound_of
from engine.recommend.recommender import Neighbour
from engine.recommend.unseen import vectors_of_unseen
from ui.app.navigation import open_product
from ui.app.resources import recommender, served, settings, workspace
from ui.products.draft_resources import neighbour_card
from ui.widgets.cards import Group, card_groups
from ui.widgets.formatting import plain, plural, text_or_none

__all__ = ["draw_new_neighbours"]

PREVIEWED = 4


def draw_new_neighbours(product: Product) -> None:
    """What a product that nobody has seen belongs with, and what to know of it."""
    with st.spinner("Reading the product…", show_time=True):
        neighbours = _found(recommender().version, product, settings().serving.neighbours)
    group = Group(
        name="hybrid",
        title="It belongs with",
        cards=[neighbour_card(neighbour) for neighbour in neighbours],
        empty="Nothing to go by yet: add a title, a picture or a fact that other products have too.",
    )
    if item_id := card_groups([group], key="new_neighbours"):
        open_product(item_id)
    if neighbours:
        _advice(product)


def _advice(product: Product) -> None:
    """What resembles it too much, on whose lists it would stand, what each part does, what is missing."""
    facade = recommender()
    known = _known(facade.version, product, settings().serving.neighbours)
    if known.duplicates:
        first = known.duplicates[0]
        st.warning(
            f"{_named(first.item_id)} {first.why}. Is this product in the shop already?", icon=":material/content_copy:"
        )
    if known.inbound:
        where = ", ".join(f"{_named(one.item_id)} (place {one.rank})" for one in known.inbound[:PREVIEWED])
        rest = len(known.inbound) - PREVIEWED
        st.write(
            f"**It would stand on {plural(len(known.inbound), 'list')}:** {where}{f' and {rest} more' if rest > 0 else ''}."
        )
    else:
        st.write("**It would stand on nobody's list yet:** every product has ten that are closer.")
    if known.parts:
        said = ", ".join(f"{one.name} {100 * one.share:.0f} %" for one in known.parts)
        st.caption(f"How much of the list each part decides: {said}.")
    if known.missing:
        said = ", ".join(
            f"{plain(field_label(one.name))} ({100 * one.share:.0f} %)" for one in known.missing[:PREVIEWED]
        )
        st.caption(f"What would change the list most if you filled it in: {said}.")


def _named(item_id: str) -> str:
    facade = recommender()
    title = text_or_none(facade.items["title"].iloc[facade.row(item_id)]) or item_id
    return f"“{plain(title[:60])}”"


@dataclass(frozen=True)
class _Known:
    duplicates: list[Duplicate]
    inbound: list[Inbound]
    parts: list[Effect]
    missing: list[Effect]


@st.cache_data(show_spinner=False, max_entries=64)
def _known(version: str, product: Product, k: int) -> _Known:
    facade = recommender()
    like = served().neighbours_of_unseen(product, 20, "content")
    vectors = vectors_of_unseen(facade, workspace(), [product.to_json()])
    neighbours = _found(version, product, k)
    return _Known(
        near_duplicates(facade, product, like), inbound_of(facade, vectors, k),
        parts(facade, workspace(), product, k), missing_fields(facade, workspace(), product, neighbours, k),
    )  # fmt: skip


@st.cache_data(show_spinner=False, max_entries=64)
def _found(version: str, product: Product, k: int) -> list[Neighbour]:
    """Neighbours of a new product in this release; asking the same again costs nothing."""
    return served().neighbours_of_unseen(product, k)
