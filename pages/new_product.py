"""New product: describe one product, or upload a collection, and see which products it belongs with."""

from __future__ import annotations

import streamlit as st

from engine.access.roles import Action
from engine.catalogue.product import Product
from engine.core.errors import LongtailError, NotFoundError
from engine.edits.drafts.store import Draft, NewDraft
from ui.app.choices import switch
from ui.app.navigation import open_product
from ui.app.notices import say
from ui.app.person import curator_name, only
from ui.app.resources import recommender, served
from ui.app.url import query, set_query
from ui.products.advice import draw_new_neighbours
from ui.products.changes import draw_change, draw_changed_products
from ui.products.collections import draw_collection
from ui.products.draft_resources import drafts
from ui.products.drafts import draw_drafts
from ui.products.form import Form, as_opened, close_form, forget_started, product_form, say_not_saved, started_form
from ui.widgets.formatting import plain

__all__ = ["page"]

VIEWS = {"": "One product", "collection": "A collection", "drafts": "Drafts"}


def page() -> None:
    """One product, a collection, or the drafts, as the address says; or a product of the shop to change."""
    if changing := query("change"):
        st.title("Change a product", anchor=False)
        draw_change(changing)
        return
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.title("New product", anchor=False)
        view = switch("What to add", "view", VIEWS, key="new_view", draft=None)
    if view == "collection":
        draw_collection()
    elif view == "drafts":
        close_form()
        draw_drafts()
        if not query("draft"):
            draw_changed_products()
    else:
        _one_product()


def _one_product() -> None:
    """The form on the left; on the right, as its fields are filled in, the neighbours."""
    served().warm_up()
    st.caption(
        "Describe a product that is not in the shop yet. Its neighbours appear as soon as there is enough to go on."
    )
    draft = _edited_draft()
    left, right = st.columns([3, 7], gap="large")
    with left:
        form = Form.of(draft.product, draft.id, draft.version) if draft else started_form()
        product, pictures = product_form(form, draft.pictures if draft else (), clone=draft is None)
        _save(product, pictures, draft)
    with right:
        if not product.is_empty:
            draw_new_neighbours(product)
        else:
            st.html(
                '<div class="lt-empty"><p>Drop a picture or type a title.</p>'
                "<p>A picture and a title together find the best neighbours; every detail helps.</p></div>"
            )


def _edited_draft() -> Draft | None:
    """The draft in the address."""
    wanted = query("draft")
    if not wanted:
        close_form()
        return None
    try:
        draft = as_opened(("draft", wanted), lambda: drafts().get(wanted))
    except NotFoundError as exc:
        st.warning(plain(exc), icon=":material/search_off:")
        return None
    st.info(f"You are editing {plain(draft.id)}.", icon=":material/edit:")
    return draft


def _save(product: Product, pictures: list[str], draft: Draft | None) -> None:
    """The field for its id, and the buttons that save it."""
    product_id = ""
    if draft is None:
        product_id = st.text_input("ID", key="new_id", max_chars=200, placeholder="Generated if left empty")
    with st.container(horizontal=True):
        closed = only(Action.EDIT_DRAFTS, disabled=product.is_empty)
        if st.button("Save draft", icon=":material/save:", key="new_save", **closed):
            _store(product, pictures, draft, product_id)
        if draft is None and st.button(
            "Show it in the shop",
            type="primary",
            icon=":material/storefront:",
            key="new_approve",
            **closed,
        ):
            _store(product, pictures, draft, product_id, approve=True)


def _store(
    product: Product, pictures: list[str], draft: Draft | None, product_id: str, *, approve: bool = False
) -> None:
    try:
        if draft is not None:
            drafts().edit(draft.id, draft.version, product, pictures)
            made = draft.id
        else:
            new = NewDraft(product, pictures, product_id or None)
            (made,) = drafts().save([new], curator_name(), recommender().__contains__, approve=approve)
            forget_started()
    except LongtailError as exc:
        if draft is not None:
            say_not_saved(exc)
        else:
            st.error(f"Not saved. {plain(exc)}", icon=":material/error:")
        return
    close_form()
    if approve or (draft is not None and draft.state == "approved"):
        with st.spinner("Adding it to the shop…", show_time=True):
            served().prepare_drafts([made])
    say(f"{plain(made)} is in the shop" if approve else f"{plain(made)} is saved", ":material/check:")
    if made in served().drafts.ids:
        open_product(made)
    set_query(view="drafts", draft=made)
    st.rerun()
