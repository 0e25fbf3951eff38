"""The form that describes a product: pictures, text, price and the shop's own facts, with suggestions from the catalogue."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from engine.errors import ImageError
from engine.serving.described import described
from ui.notices import say
from ui.resources import known_values, recommender, shop_words
from ui.routes import picture_url
from ui.unseen import MAX_PICTURE_MB, PICTURE_TYPES, stored_picture
from ui.words import plain

__all__ = ["fill_once", "product_form"]

TEXT_LENGTH = 5_000
ATTRIBUTES_OPEN = 4
_FILLED = "new_filled"


def product_form(
    stored: Sequence[str] = (), *, clone: bool = False, several: bool = True
) -> tuple[dict[str, Any], list[str]]:
    """The product as described so far, empty where nothing was said; and all its pictures, the leading one first.

    Parameters
    ----------
    stored : content hashes of the pictures it has while no others are given.
    clone : offer to start from a product of the shop.
    several : whether more than one picture may be given.
    """
    item: dict[str, Any] = {}
    pictures = _pictures(stored, several=several)
    if pictures:
        item["image"] = pictures[0]
    if clone:
        st.text_input(
            "Start from a product of the shop", key="new_clone", placeholder="Its id", on_change=_clone, max_chars=200
        )
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
    return {name: value for name, value in item.items() if value not in (None, "", [], {})}, pictures


def fill_once(of: tuple[object, ...], item: Mapping[str, Any]) -> None:
    """Put a product into the form when it is first shown for it, or shown again after it was left."""
    if st.session_state.get(_FILLED) != of or "new_title" not in st.session_state:
        _fill(item)
        st.session_state[_FILLED] = of


def _fill(item: Mapping[str, Any]) -> None:
    """Put a product into the form."""
    for name in ("title", "description", "category", "brand"):
        st.session_state[f"new_{name}"] = item.get(name) or ("" if name in ("title", "description") else None)
    st.session_state["new_price"] = item.get("price")
    for name, kind in shop_words().attribute_kinds.items():
        empty: Any = {"multi": [], "text": ""}.get(kind)
        st.session_state[f"new_attribute_{name}"] = item.get("attributes", {}).get(name, empty)


def _clone() -> None:
    """Callback: start from a product of the shop."""
    wanted, facade = st.session_state["new_clone"].strip(), recommender()
    if wanted and wanted in facade:
        _fill(described(facade, facade.row(wanted)))
        st.session_state["new_clone"] = ""
    elif wanted:
        say(f"There is no product {plain(wanted)}", ":material/search_off:")


def _pictures(there: Sequence[str], *, several: bool) -> list[str]:
    """The content hashes of its pictures, stored, the leading one first; what cannot be used is said and left out."""
    uploads = st.file_uploader(
        "Pictures" if several else "Another picture", type=PICTURE_TYPES, key="new_picture" if several else "new_one_picture",
        max_upload_size=MAX_PICTURE_MB, accept_multiple_files=several,
        help=f"{'The first one leads. ' if several else ''}You can also paste a picture here.",
    )  # fmt: skip
    given = uploads if isinstance(uploads, list) else [uploads] if uploads is not None else []
    files = [(upload.getvalue(), upload.name) for upload in given]
    with st.expander("Take a picture", icon=":material/photo_camera:"):
        # The camera is asked for only by who wants it.
        if st.toggle("Use this device's camera", key="new_camera_on") and (
            shot := st.camera_input("Picture", key="new_camera", label_visibility="collapsed")
        ):
            files.append((shot.getvalue(), "camera.jpg"))
    stored = [] if files else list(there)
    for data, name in files:
        try:
            image = stored_picture(data, name)
        except ImageError as exc:
            st.error(f"{exc} The neighbours are found without it.", icon=":material/broken_image:")
            continue
        if image not in stored:
            stored.append(image)
    if stored:
        pictures = "".join(f'<img class="lt-upload" src="{picture_url(image)}" alt="">' for image in stored[:6])
        st.html(f'<div class="lt-uploads">{pictures}</div>')
    return stored


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
