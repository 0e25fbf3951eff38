"""A new product that is in the shop but not yet trained, as its own product page: what it is, what it belongs with, where it is shown."""

from __future__ import annotations

import streamlit as st

from engine.access.roles import Action
from engine.core.errors import LongtailError
from engine.edits.drafts.store import Draft
from ui.app.navigation import open_draft, open_draft_form
from ui.app.person import only
from ui.app.resources import card_maker, recommender, served, settings
from ui.app.second_thoughts import offer_undo
from ui.app.titles import name_tab
from ui.app.url import set_query
from ui.products.compare_links import draw_compare_links
from ui.products.draft_resources import draft_card, drafts, neighbour_cards
from ui.products.facts import draw_facts
from ui.products.places import draw_place
from ui.products.why import explained
from ui.widgets.cards import Group, card_groups
from ui.widgets.formatting import day_phrase, plain, plural

__all__ = ["draw_draft_view"]

SHOWN = 12


def draw_draft_view(draft: Draft) -> None:
    """Draw an approved draft that is in the lists."""
    name_tab(draft.title, "Similar items")
    st.button("All products", icon=":material/arrow_back:", type="tertiary", on_click=set_query, kwargs={"item": None})
    left, right = st.columns([2, 7], gap="medium")
    with left:
        _draw_facts(draft)
        draw_compare_links(draft.id, trained=False)
        closed = only(Action.EDIT_DRAFTS)
        if st.button("Change picture or text", icon=":material/edit:", type="tertiary", **closed):
            open_draft_form(draft.id)
        if st.button("Take it out of the shop", icon=":material/visibility_off:", type="tertiary", **closed):
            _withdraw(draft.id, draft.title)
    with right:
        _draw_where(draft)
        found = served().neighbours(draft.id, "hybrid", settings().serving.neighbours)
        cards = explained(draft.id, "hybrid", found, neighbour_cards(found))
        card_groups([Group(name="hybrid", title="It belongs with", cards=cards)], key="draft_neighbours", on_open=_open)


def _draw_where(draft: Draft) -> None:
    """Draw beside which products it is shown, and its place."""
    found = served().shown_beside(draft.id, settings().serving.neighbours)
    title = f"Shown beside {plural(len(found), 'product')}" if found else "Not shown beside any product yet"
    cards = [card_maker().card(recommender().row(one.item_id), note=f"Position {one.rank}") for one in found[:SHOWN]]
    empty = "Others are closer matches. Give it a place, and it is shown beside the products it belongs with most."
    rest = f"the first {SHOWN}" if len(found) > SHOWN else ""
    group = Group(name="beside", title=title, detail=rest, cards=cards, empty=empty)
    card_groups([group], key="draft_beside", layout="strip", on_open=_open)
    draw_place(draft.id)


def _draw_facts(draft: Draft) -> None:
    said = f"New: in the shop since {day_phrase(draft.updated_at)}. The next training takes it in; until then, its text and picture decide."
    facts = [("Brand", draft.product.brand), ("Category", draft.product.category), ("ID", draft.id)]
    facts += [
        (name.replace("_", " ").capitalize(), _written(value)) for name, value in draft.product.attributes.items()
    ]
    draw_facts(draft_card(draft), said, draft.product.description, facts)


def _written(value: object) -> str:
    return ", ".join(str(part) for part in value) if isinstance(value, list | tuple) else str(value)


def _open(item_id: str) -> None:
    set_query(item=item_id)


def _withdraw(draft_id: str, title: str) -> None:
    """Make it a draft again, shown beside nothing, and go there."""
    try:
        drafts().withdraw(draft_id)
    except LongtailError as exc:
        st.error(plain(exc), icon=":material/error:")
    else:
        offer_undo(f"“{title}” is out of the shop, and a draft again", lambda: drafts().approve(draft_id))
        open_draft(draft_id)
