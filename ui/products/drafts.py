"""Drafts on screen: those that wait, those that are shown in the shop, and what can be done with each."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Literal

import streamlit as st

from engine.access.roles import Action
from engine.core.errors import LongtailError, NotFoundError
from engine.edits.drafts.store import Draft
from ui.app.navigation import open_product
from ui.app.notices import say
from ui.app.person import only
from ui.app.resources import served
from ui.app.second_thoughts import offer_undo
from ui.app.url import mirror, query, set_query
from ui.products.draft_resources import draft_card, drafts, prepare
from ui.widgets.background_work import BackgroundWork, Count
from ui.widgets.cards import Group, card_groups
from ui.widgets.formatting import day_phrase, plain, plural

__all__ = ["draw_drafts"]

SHOWN = 24
LOOK_AGAIN_SECONDS = 1.0
_SHOWING: BackgroundWork[int] = BackgroundWork("drafts_showing")


def draw_drafts() -> None:
    """Draw the draft in the address, or all of them."""
    _report_shown()
    every = drafts().all()
    chosen = next((draft for draft in every if draft.id == query("draft")), None)
    if chosen is not None and chosen.id in served().drafts.ids:
        open_product(chosen.id)
    if chosen is not None:
        _draw_draft(chosen)
        return
    if not every:
        st.html(
            '<div class="lt-empty"><p>No drafts yet.</p><p>Describe a product, or upload a whole collection, and save it.</p>'
            "</div>"
        )
        return
    waiting = [draft for draft in every if draft.state == "draft"]
    approved = [draft for draft in every if draft.state == "approved"]
    if waiting:
        st.button(
            f"Show all {len(waiting)} in the shop" if len(waiting) > 1 else "Show it in the shop",
            icon=":material/storefront:", on_click=_show_all, args=([draft.id for draft in waiting],),
            **only(Action.EDIT_DRAFTS),
        )  # fmt: skip
    for name, title, some in (("waiting", "Drafts", waiting), ("served", "In the shop, not yet trained", approved)):
        if some:
            _draw_group(name, title, some)


def _draw_group(name: str, title: str, some: Sequence[Draft]) -> None:
    """Draw drafts under a heading, a page at a time, the last changed first."""
    key, pages = f"drafts_page_{name}", math.ceil(len(some) / SHOWN)
    number = min(st.session_state.get(key) or 1, pages)
    shown = some[(number - 1) * SHOWN : number * SHOWN]
    cards = [draft_card(draft, note="Draft" if name == "waiting" else "New") for draft in shown]
    group = Group(name=name, title=title, detail=plural(len(some), "product"), cards=cards)
    card_groups([group], key=f"drafts_{name}", on_open=lambda item_id: set_query(draft=item_id))
    if pages > 1:
        mirror(key, number)
        with st.container(horizontal_alignment="center"):
            st.pagination(pages, key=key, persist_state="session")


def _draw_draft(draft: Draft) -> None:
    st.button("All drafts", icon=":material/arrow_back:", type="tertiary", on_click=set_query, kwargs={"draft": None})
    left, right = st.columns([3, 7], gap="large")
    with left:
        card_groups([Group(cards=[draft_card(draft)])], key="draft_one")
        who = f" by {plain(draft.created_by)}" if draft.created_by else ""
        st.caption(f"{plain(draft.id)}, saved {day_phrase(draft.created_at)}{who}.")
        closed = only(Action.EDIT_DRAFTS)
        with st.container(horizontal=True):
            if draft.state == "draft":
                st.button(
                    "Show it in the shop", type="primary", icon=":material/storefront:",
                    on_click=_do, args=("approve", draft), **closed,
                )  # fmt: skip
            else:
                st.button(
                    "Take it out of the shop", icon=":material/visibility_off:",
                    on_click=_do, args=("withdraw", draft), **closed,
                )  # fmt: skip
            st.button("Change", icon=":material/edit:", on_click=_change, args=(draft.id,), **closed)
            st.button("Discard", icon=":material/delete:", on_click=_do, args=("discard", draft), **closed)
    with right:
        if draft.state != "approved":
            st.caption("To see its neighbours, choose Change. It appears in the shop once you show it there.")
        else:
            _draw_waiting()


def _draw_waiting() -> None:
    """Say why an approved draft is not in the lists; where it is being added, the page runs again until it is."""
    if served().is_complete:
        st.warning(
            "Nothing about it can be read, so it is not shown beside any product. Choose Change, and give it a title or a picture.",
            icon=":material/visibility_off:",
        )
    else:
        _look_again()


@st.fragment(run_every=LOOK_AGAIN_SECONDS)
def _look_again() -> None:
    """Run the page again once every draft is in the lists."""
    if served().is_complete:
        st.rerun()
    st.caption(":material/hourglass: It is being added to the shop.")


def _do(what: Literal["approve", "withdraw", "discard"], draft: Draft) -> None:
    """Callback: act on a draft, and offer to undo it."""
    store = drafts()
    acts: dict[str, tuple[Callable[[str], object], str, Callable[[], object]]] = {
        "approve": (store.approve, "is in the shop", lambda: store.withdraw(draft.id)),
        "withdraw": (store.withdraw, "is out of the shop, and a draft again", lambda: store.approve(draft.id)),
        "discard": (store.discard, "is discarded", lambda: store.restore(draft.id, draft.state)),
    }
    act, done, undo = acts[what]
    try:
        act(draft.id)
    except LongtailError as exc:
        say(plain(exc), ":material/error:")
    else:
        offer_undo(f"“{draft.title}” {done}", undo)


def _show_all(draft_ids: Sequence[str]) -> None:
    """Callback: start showing them in the shop; hundreds take a while."""
    store, shop = drafts(), served()

    def show(count: Count) -> int:
        shown = []
        for draft_id in draft_ids:
            try:
                shown.append(store.approve(draft_id).id)
            except NotFoundError:  # someone discarded it meanwhile
                continue
        prepare(shop, shown, count)
        return len(shown)

    _SHOWING.begin("Adding them to the shop", show, total=len(draft_ids))


def _report_shown() -> None:
    """Wait until they are shown, and report how many there are."""
    ended = _SHOWING.finished()
    if ended is None:
        return
    try:
        st.toast(f"{plural(ended.result(), 'product')} in the shop now", icon=":material/check:")
    except LongtailError as exc:
        st.error(plain(exc), icon=":material/error:")


def _change(draft_id: str) -> None:
    set_query(view=None, draft=draft_id)
