"""The form that describes a product: pictures, text, price and the shop's own facts, with suggestions from the catalogue."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import pandas as pd
import streamlit as st

from engine.core.errors import ImageError
from engine.recommend.product_description import described
from ui.app.notices import say
from ui.app.resources import known_values, recommender, shop_words
from ui.products.pasting import take_pasted
from ui.products.uploads import MAX_PICTURE_MB, PICTURE_TYPES, stored_picture
from ui.widgets.addresses import picture_url
from ui.widgets.formatting import plain

__all__ = ["Form", "as_opened", "close_form", "forget_started", "product_form", "say_not_saved", "started_form"]

TEXT_LENGTH = 5_000
ATTRIBUTES_OPEN = 4
_STARTED, _OPENED = "new_started", "new_opened"
T = TypeVar("T")


@dataclass(frozen=True)
class Form:
    """What a form begins with; `mark` tells it from every other, "" is the empty one.

    The values are the fields' defaults, not their state: a run that is interrupted before it has drawn a field would leave
    that field empty in the browser, whatever the server holds of it.
    """

    mark: str = ""
    item: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, item: Mapping[str, Any], *mark: object) -> Form:
        """A form that begins with this product, another one for every other `mark`."""
        return cls(hashlib.sha256(repr(mark).encode()).hexdigest()[:8], item)

    def key(self, name: str) -> str:
        """The key of a field."""
        return f"new_{name}_{self.mark}" if self.mark else f"new_{name}"


def as_opened(key: tuple[str, str], load: Callable[[], T]) -> T:
    """What was there when the form was opened: what others change since does not come under one's hands, saving tells of it."""
    opened = st.session_state.get(_OPENED)
    if opened is None or opened[0] != key:
        st.session_state[_OPENED] = opened = key, load()
    found: T = opened[1]
    return found


def close_form() -> None:
    """Also a callback: whatever is opened next is read anew."""
    st.session_state.pop(_OPENED, None)


def say_not_saved(error: Exception) -> None:
    """Why it was not saved, and a way to see what is there now."""
    st.error(f"Not saved. {plain(error)}", icon=":material/error:")
    st.button("Open it again", icon=":material/refresh:", on_click=close_form, key="new_open_again")


def started_form() -> Form:
    """The form for a new product: empty, or begun with a product of the shop."""
    form: Form = st.session_state.get(_STARTED, Form())
    return form


def forget_started() -> None:
    """The next new product begins empty."""
    st.session_state.pop(_STARTED, None)


def product_form(
    form: Form, stored: Sequence[str] = (), *, clone: bool = False, several: bool = True
) -> tuple[dict[str, Any], list[str]]:
    """The product as described so far, empty where nothing was said; and all its pictures, the leading one first.

    Parameters
    ----------
    stored : content hashes of the pictures it has while no others are given.
    clone : offer to start from a product of the shop.
    several : whether more than one picture may be given.
    """
    item: dict[str, Any] = {}
    pictures = _pictures(form, stored, several=several)
    if pictures:
        item["image"] = pictures[0]
    if clone:
        st.text_input(
            "Start from a product of the shop", key="new_clone", placeholder="Its id", on_change=_clone, max_chars=200
        )
    items, words = recommender().items, shop_words()
    for name, label, draw in (("title", "Title", _line), ("description", "Description", _lines)):
        item[name] = draw(label, form.key(name), form.item.get(name))
    for name in ("category", "brand"):
        if known := known_values(name):
            item[name] = _pick(name.capitalize(), form.key(name), known, form.item.get(name))
    item["price"] = st.number_input(
        f"Price{f' ({words.currency})' if words.currency else ''}",
        key=form.key("price"), min_value=0.0, value=form.item.get("price"), step=1.0, format="%.2f", placeholder="Unknown",
    )  # fmt: skip
    item["attributes"] = _attributes(form, items, words.attribute_kinds)
    return {name: value for name, value in item.items() if value not in (None, "", [], {})}, pictures


def _clone() -> None:
    """Callback: start from a product of the shop."""
    wanted, facade = st.session_state["new_clone"].strip(), recommender()
    if wanted and wanted in facade:
        item = described(facade, facade.row(wanted))
        st.session_state[_STARTED] = Form.of(item, "like", wanted, time.monotonic())
        st.session_state["new_clone"] = ""
    elif wanted:
        say(f"There is no product {plain(wanted)}", ":material/search_off:")


def _line(label: str, key: str, value: str | None) -> str:
    begun = value or ""
    return st.text_input(label, begun, key=key, max_chars=max(300, len(begun)), placeholder="Floral midi dress")


def _lines(label: str, key: str, value: str | None) -> str:
    begun = value or ""
    return st.text_area(label, begun, key=key, max_chars=max(TEXT_LENGTH, len(begun)), height=96)


def _pictures(form: Form, there: Sequence[str], *, several: bool) -> list[str]:
    """The content hashes of its pictures, stored, the leading one first; what cannot be used is said and left out."""
    uploads = st.file_uploader(
        "Pictures" if several else "Another picture", type=PICTURE_TYPES, key=form.key("picture"),
        max_upload_size=MAX_PICTURE_MB, accept_multiple_files=several,
        help=f"{'The first one leads. ' if several else ''}You can also paste a picture here.",
    )  # fmt: skip
    take_pasted(form.key("picture"))
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
            st.error(f"{plain(exc)} The neighbours are found without it.", icon=":material/broken_image:")
            continue
        if image not in stored:
            stored.append(image)
    if stored:
        pictures = "".join(f'<img class="lt-upload" src="{picture_url(image)}" alt="">' for image in stored[:6])
        st.html(f'<div class="lt-uploads">{pictures}</div>')
    return stored


def _attributes(form: Form, items: pd.DataFrame, kinds: Mapping[str, str]) -> dict[str, Any]:
    """What is known of the shop's own attributes."""
    given: dict[str, Any] = {}
    begun = form.item.get("attributes") or {}
    names = [name for name in kinds if name in items.columns]
    shown = st.container()
    folded = st.expander("More facts") if len(names) > ATTRIBUTES_OPEN else shown
    for position, name in enumerate(names):
        label, key, value = name.replace("_", " ").capitalize(), form.key(f"attribute_{name}"), begun.get(name)
        with shown if position < ATTRIBUTES_OPEN else folded:
            if kinds[name] == "number":
                found: Any = st.number_input(label, key=key, value=value, placeholder="Unknown")
            elif kinds[name] == "multi":
                found = st.multiselect(
                    label, _with(known_values(name), value or []), value or [], key=key, accept_new_options=True,
                    placeholder="Unknown",
                )  # fmt: skip
            elif kinds[name] == "category":
                found = _pick(label, key, known_values(name), value)
            else:
                found = st.text_input(label, value or "", key=key, max_chars=TEXT_LENGTH)
        if found not in (None, "", []):
            given[name] = found
    return given


def _pick(label: str, key: str, known: list[str], value: str | None) -> str | None:
    options = _with(known, [value] if value else [])
    begun = options.index(value) if value else None
    return st.selectbox(label, options, begun, key=key, accept_new_options=True, placeholder="Unknown")


def _with(known: list[str], values: Sequence[str]) -> list[str]:
    """The values there are, and those of the product that are new among them."""
    there = set(known)
    return [*known, *(value for value in values if value not in there)]
