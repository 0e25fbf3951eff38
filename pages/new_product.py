"""New product: a picture, a text and a few facts in; the products it belongs with out."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Mapping
from typing import Any

import pandas as pd
import streamlit as st

from engine.errors import ImageError
from engine.serving.recommender import Neighbour
from engine.serving.unseen import neighbours_of_unseen
from engine.shop.uploads import store_upload
from engine.workspace import Workspace
from ui.cards import Group, card_groups
from ui.navigation import open_product
from ui.resources import card_maker, known_values, recommender, settings, shop_words, workspace
from ui.routes import picture_url

__all__ = ["page"]

logger = logging.getLogger(__name__)

MAX_PICTURE_MB = 20
TEXT_LENGTH = 5_000
ATTRIBUTES_OPEN = 4


def page() -> None:
    """The form on the left; on the right, as its fields fill, the neighbours."""
    _get_ready(workspace(), recommender().release_id)
    st.title("New product", anchor=False)
    st.caption(
        "Describe a product that nobody has seen yet. Its neighbours appear as soon as there is something to go by."
    )
    left, right = st.columns([3, 7], gap="large")
    with left:
        item = _form()
    with right:
        if item:
            _neighbours(item)
        else:
            st.html(
                '<div class="lt-empty"><p>Drop a picture or type a title.</p>'
                "<p>A picture and a title together find the best neighbours; every fact helps.</p></div>"
            )


def _form() -> dict[str, Any]:
    """The product as described so far; empty where nothing was said."""
    item: dict[str, Any] = {}
    if image := _picture():
        item["image"] = image
    items, words = recommender().items, shop_words()
    item["title"] = st.text_input("Title", key="new_title", max_chars=300, placeholder="Floral midi dress")
    item["description"] = st.text_area("Description", key="new_description", max_chars=TEXT_LENGTH, height=96)
    for name in ("category", "brand"):
        if known := known_values(name):
            item[name] = _pick(name.capitalize(), f"new_{name}", known)
    item["price"] = st.number_input(
        f"Price{f' ({words.currency})' if words.currency else ''}",
        key="new_price", min_value=0.0, value=None, step=1.0, format="%.2f", placeholder="Unknown",
    )  # fmt: skip
    item["attributes"] = _attributes(items, words.attribute_kinds)
    return {name: value for name, value in item.items() if value not in (None, "", [], {})}


def _picture() -> str | None:
    """The content hash of the uploaded picture, stored; None where there is none or it cannot be used."""
    upload = st.file_uploader(
        "Picture", type=["jpg", "jpeg", "png", "webp"], key="new_picture", max_upload_size=MAX_PICTURE_MB
    )
    if upload is None:
        return None
    try:
        image = _stored(upload.getvalue(), upload.name)
    except ImageError as exc:
        st.error(f"{exc} The neighbours are found without it.", icon=":material/broken_image:")
        return None
    st.html(f'<img class="lt-upload" src="{picture_url(image)}" alt="">')
    return image


@st.cache_data(show_spinner="Reading the picture…", max_entries=20)
def _stored(data: bytes, name: str) -> str:
    """Decoded in a child process, once for an upload and not with every keystroke after it."""
    return store_upload(workspace(), data, name=name)


def _attributes(items: pd.DataFrame, kinds: Mapping[str, str]) -> dict[str, Any]:
    """What is known of the shop's own attributes."""
    given: dict[str, Any] = {}
    names = [name for name in kinds if name in items.columns]
    shown = st.container()
    folded = st.expander("More facts") if len(names) > ATTRIBUTES_OPEN else shown
    for position, name in enumerate(names):
        label, key = name.replace("_", " ").capitalize(), f"new_attribute_{name}"
        with shown if position < ATTRIBUTES_OPEN else folded:
            if kinds[name] == "number":
                value: Any = st.number_input(label, key=key, value=None, placeholder="Unknown")
            elif kinds[name] == "multi":
                value = st.multiselect(
                    label, known_values(name), key=key, accept_new_options=True, placeholder="Unknown"
                )
            elif kinds[name] == "category":
                value = _pick(label, key, known_values(name))
            else:
                value = st.text_input(label, key=key, max_chars=TEXT_LENGTH)
        if value not in (None, "", []):
            given[name] = value
    return given


def _pick(label: str, key: str, known: list[str]) -> str | None:
    return st.selectbox(label, known, index=None, key=key, accept_new_options=True, placeholder="Unknown")


def _neighbours(item: dict[str, Any]) -> None:
    with st.spinner("Reading the product…", show_time=True):
        neighbours = _found(recommender().release_id, json.dumps(item, sort_keys=True), settings().serving.neighbours)
    maker = card_maker()
    group = Group(
        name="hybrid",
        title="It belongs with",
        cards=[maker.card(neighbour.row, rank=neighbour.rank) for neighbour in neighbours],
        empty="Nothing to go by yet: add a title, a picture or a fact that other products have too.",
    )
    if item_id := card_groups([group], key="new_neighbours"):
        open_product(item_id)


@st.cache_data(show_spinner=False, max_entries=64)
def _found(release_id: str, item: str, k: int) -> list[Neighbour]:
    """Neighbours of a described product in this release; asking the same again costs nothing."""
    _get_ready(workspace(), release_id).join()
    return neighbours_of_unseen(recommender(), workspace(), json.loads(item), k)


@st.cache_resource(show_spinner=False, max_entries=2, hash_funcs={Workspace: lambda w: str(w.root)})
def _get_ready(workspace: Workspace, release_id: str) -> threading.Thread:
    """Load what reads new products while the form is still being filled; seconds that nobody has to wait for later.

    Whoever asks for neighbours joins the thread first: libraries that import parts of themselves when first used do not
    bear being first used by two threads at once.
    """
    facade = recommender()

    def load() -> None:
        try:
            neighbours_of_unseen(facade, workspace, {"title": "a product"}, 1)
        except Exception:
            # It is tried again, and told to the person, when there is a product to read.
            logger.warning("could not get ready to read new products", exc_info=True)

    thread = threading.Thread(target=load, name="get ready for new products", daemon=True)
    thread.start()
    return thread
