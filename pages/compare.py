"""Compare: lists before and after, of one product or of all, as a link, a picture or a report."""

from __future__ import annotations

import streamlit as st

from engine.core.errors import LongtailError
from engine.core.exports import file_name
from ui.app.resources import shop_words
from ui.app.url import mirror, query, set_query, writer
from ui.comparison.gallery import draw_gallery
from ui.comparison.lists import draw_heading, groups_of, is_known, pair_of, pair_sentence, title_of
from ui.comparison.picture import comparison_picture
from ui.comparison.sides import Chosen, chosen_sides, draw_sides
from ui.products.browse import LONGEST_TEXT
from ui.products.finding import found
from ui.products.typeahead import draw_typeahead
from ui.widgets.cards import Group, card_groups
from ui.widgets.formatting import plain

__all__ = ["page"]

FIELD = "compare_find"


def page() -> None:
    """What is compared, then one product or what improved most."""
    st.title("Compare", anchor=False)
    before, after = draw_sides()
    _draw_search()
    try:
        sides, item_id = chosen_sides(before, after), query("item")
        if not item_id:
            _ = sides[1].side.release.content  # all lists are compared by it; opened here, where an error is told
    except LongtailError as exc:
        st.error(plain(exc), icon=":material/error:")
        return
    if not item_id:
        draw_gallery(sides)
    elif any(is_known(chosen, item_id) for chosen in sides):
        _draw_product(item_id, sides)
    else:
        st.info(
            "Neither of these two has this product. Choose others above, or another product.", icon=":material/info:"
        )
        _draw_back()


def _draw_search() -> None:
    """A field that finds a product to compare."""
    text = query("q")
    mirror(FIELD, text)
    st.text_input(
        "Product", key=FIELD, placeholder="Compare the lists of any product", icon=":material/search:", max_chars=LONGEST_TEXT,
        label_visibility="collapsed", on_change=writer(FIELD, "q", item=None), persist_state="session",
    )  # fmt: skip
    draw_typeahead(FIELD)
    if text and not query("item"):
        hits = found(text, 6)
        if not hits:
            st.info("No product has these words.", icon=":material/search_off:")
        with st.container(horizontal=True):
            for hit in hits:
                st.button(
                    plain(hit.title[:60]), key=f"hit_{hit.item_id}", on_click=set_query, kwargs={"item": hit.item_id, "q": None}
                )  # fmt: skip


def _draw_product(item_id: str, sides: tuple[Chosen, Chosen]) -> None:
    pair = pair_of(item_id, sides)
    sentence = pair_sentence(pair)
    title = title_of(sides[1], item_id)
    with st.container(horizontal=True, vertical_alignment="center"):
        _draw_back()
        st.space("stretch")
        st.download_button(
            "Picture (PNG)", lambda: comparison_picture(pair, shop_words().name, sentence), file_name=file_name(title, ".png"),
            mime="image/png", icon=":material/image:", on_click="ignore",
        )  # fmt: skip
    draw_heading(pair, sentence)
    st.caption("Lists as each side makes them, before what your team ruled out. Copy this page's address to share it.")
    groups: list[Group] = groups_of(pair)
    card_groups(groups, key="compared", layout="columns", on_open=_open)


def _draw_back() -> None:
    st.button(
        "What improved most",
        icon=":material/arrow_back:",
        type="tertiary",
        on_click=set_query,
        kwargs={"item": None, "q": None},
    )


def _open(item_id: str) -> None:
    set_query(item=item_id, q=None)
