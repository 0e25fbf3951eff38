"""Changing a product that the shop has already, with its new neighbours shown before the change is saved."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from engine.access.roles import Action
from engine.catalogue.product import Product
from engine.core.errors import LongtailError, NotFoundError
from engine.edits.changes.merging import Change, difference, field_labels
from engine.edits.changes.store import ChangeStore
from engine.recommend.recommender import Recommender
from ui.app.navigation import open_change, open_product
from ui.app.notices import say
from ui.app.person import curator_name, only
from ui.app.resources import card_maker, database, served, settings, shop_words, workspace
from ui.app.second_thoughts import offer_undo
from ui.products.draft_resources import neighbour_cards
from ui.products.form import Form, as_opened, close_form, product_form, say_not_saved
from ui.products.why import explained_changed
from ui.widgets.cards import Group, card_groups
from ui.widgets.formatting import count_phrase, day_phrase, plain, plural

__all__ = ["draw_change", "draw_change_of", "draw_changed_products"]

SHOWN = 24


def changes() -> ChangeStore:
    """The store of changes."""
    return ChangeStore(database(), workspace())


def draw_change_of(item_id: str) -> None:
    """Draw, beside a product of the shop, what people changed of it, and buttons to change it or undo the change."""
    close_form()
    found = changes().get(item_id)
    names = _labels_in_force(found) if found is not None else []
    if found is not None and names:
        listed = " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))
        who = f" by {plain(found.changed_by)}" if found.changed_by else ""
        st.caption(
            f"{plain(listed).capitalize()} changed {day_phrase(found.changed_at)}{who}. Its neighbours are up to date."
        )
    with st.container(horizontal=True):
        if st.button(
            "Change picture or text", icon=":material/edit:", key="change_open", **only(Action.CHANGE_PRODUCTS)
        ):
            open_change(item_id)
        if names:
            st.button(
                "Undo the change", icon=":material/undo:", on_click=_undo, args=(item_id,), key="change_undo",
                **only(Action.CHANGE_PRODUCTS),
            )  # fmt: skip


def draw_change(item_id: str) -> None:
    """Draw the form with the product in it, and on the right its neighbours as they would be."""
    base = served().as_trained
    try:
        trained = base.product(item_id)
    except NotFoundError as exc:
        st.warning(plain(exc), icon=":material/search_off:")
        return
    served().warm_up()
    before = as_opened(("change", item_id), lambda: changes().get(item_id))
    now = (before.apply(trained) if before else None) or trained
    version = before.version if before else 0
    form = Form.of(now, "change", item_id, version)
    _draw_traffic(item_id, base)
    left, right = st.columns([3, 7], gap="large")
    with left:
        wanted, _pictures = product_form(form, [now.image] if now.image else [], several=False)
    fields = field_labels(difference(now, wanted)[1])
    with right:
        with st.container(horizontal=True, vertical_alignment="center"):
            if st.button(
                "Save the change", type="primary", icon=":material/save:", key="change_save",
                **only(Action.CHANGE_PRODUCTS, disabled=not fields),
            ):  # fmt: skip
                _save(item_id, trained, wanted, version)
            if st.button("Leave it as it is", key="change_leave"):
                open_product(item_id)
            if fields:
                st.caption(f"Changed: {plain(', '.join(fields))}.")
        _draw_neighbours(item_id, wanted, is_changed=bool(fields))


def draw_changed_products() -> None:
    """Draw the products that were changed since the last training."""
    changed = [change.item_id for change in changes().all() if _labels_in_force(change)]
    if not changed:
        return
    maker, facade = card_maker(), served().as_trained
    cards = [maker.card(facade.row(item_id), note="Changed") for item_id in changed[:SHOWN]]
    group = Group(name="changed", title="Changed, not yet trained", detail=plural(len(changed), "product"), cards=cards)
    if item_id := card_groups([group], key="changed_products"):
        open_product(item_id)
    if len(changed) > SHOWN:
        st.caption(f"Showing the {SHOWN} most recent changes; `python -m engine changes list` lists them all.")


def _draw_traffic(item_id: str, base: Recommender) -> None:
    count = int(base.items["interaction_count"].iloc[base.row(item_id)])
    traffic = f"{'keeps its' if count else 'has'} {count_phrase(count, shop_words().interaction_word)}"
    st.caption(f"{plain(item_id)} {plain(traffic)}; its neighbours update at once with a new picture or text.")


def _undo(item_id: str) -> None:
    """Callback: make the product what it is in the release."""
    trained = served().as_trained.product(item_id)
    try:
        change = changes().get(item_id)
        changes().undo(item_id)
    except LongtailError as exc:
        say(plain(exc), ":material/error:")
        return
    wanted = change.apply(trained) if change is not None else None
    if wanted is not None:
        again = wanted
        offer_undo("The change is undone", lambda: changes().save(item_id, trained, again, curator_name(), 0))


def _labels_in_force(change: Change) -> list[str]:
    """The fields of a change that differ from the release, as they are called on screen."""
    base = served().as_trained
    return field_labels(change.in_force(base.product(change.item_id))) if change.item_id in base else []


def _save(item_id: str, trained: Product, wanted: Product, version: int) -> None:
    try:
        changes().save(item_id, trained, wanted, curator_name(), version)
    except LongtailError as exc:
        say_not_saved(exc)
        return
    close_form()
    say("Saved; its neighbours are updated", ":material/check:")
    open_product(item_id)


def _draw_neighbours(item_id: str, wanted: Product, *, is_changed: bool) -> None:
    """Draw the neighbours of the product as the form has it."""
    k = settings().serving.neighbours
    after = now = served().neighbours(item_id, "hybrid", k)
    if is_changed:
        try:
            with st.spinner("Reading the product…", show_time=True):
                after = served().neighbours_if_changed(item_id, wanted, "hybrid", k)
        except LongtailError as exc:
            st.error(plain(exc), icon=":material/error:")
            return
    before = {one.item_id for one in now}
    fresh = [one for one in after if one.item_id not in before]
    compared = f"{len(fresh)} of {len(after)} are new" if fresh else "the same as now"
    cards = [
        replace(card, note="New" if one in fresh else "")
        for card, one in zip(neighbour_cards(after), after, strict=True)
    ]
    cards = explained_changed(item_id, wanted, after, cards)
    group = Group(
        name="moved",
        title="It would belong with" if is_changed else "It belongs with",
        detail=compared if is_changed else "",
        cards=cards,
        empty="Nothing to go on. Keep at least a title, a picture or a detail that other products share.",
    )
    if opened := card_groups([group], key="change_neighbours"):
        open_product(opened)
