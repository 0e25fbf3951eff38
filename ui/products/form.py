"""The form that describes a product: pictures, text, price and the shop's own facts, with suggestions from the catalogue."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import streamlit as st

from engine.catalogue.images import CUT_OFF, is_cut_off
from engine.catalogue.product import FieldValue, Product
from engine.core.errors import ImageError, InputError
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
    """The product a form begins with; `mark` tells it from every other form, "" is the empty one.

    Its values are the fields' defaults, not their state: a run that is interrupted before it has drawn a field would leave
    that field empty in the browser, whatever state the server has.
    """

    mark: str = ""
    product: Product = field(default_factory=Product)

    @classmethod
    def of(cls, product: Product, *mark: object) -> Form:
        """A form that begins with this product; every `mark` gives another form."""
        return cls(hashlib.sha256(repr(mark).encode()).hexdigest()[:8], product)

    def key(self, name: str) -> str:
        """The key of a field."""
        return f"new_{name}_{self.mark}" if self.mark else f"new_{name}"


def as_opened(key: tuple[str, str], load: Callable[[], T]) -> T:
    """What was stored when the form was opened: it stays as it was while someone types, and saving reports newer changes."""
    opened = st.session_state.get(_OPENED)
    if opened is None or opened[0] != key:
        st.session_state[_OPENED] = opened = key, load()
    found: T = opened[1]
    return found


def close_form() -> None:
    """Also a callback: whatever is opened next is read again."""
    st.session_state.pop(_OPENED, None)


def say_not_saved(error: Exception) -> None:
    """Say why it was not saved, and offer to open what is stored now."""
    st.error(f"Not saved. {plain(error)}", icon=":material/error:")
    st.button("Reopen it", icon=":material/refresh:", on_click=close_form, key="new_open_again")


def started_form() -> Form:
    """The form for a new product: empty, or begun with a product of the shop."""
    form: Form = st.session_state.get(_STARTED, Form())
    return form


def forget_started() -> None:
    """The next new product begins empty."""
    st.session_state.pop(_STARTED, None)


def product_form(
    form: Form, stored: Sequence[str] = (), *, clone: bool = False, several: bool = True
) -> tuple[Product, list[str]]:
    """The product as the form describes it so far, and all its pictures, the leading one first.

    Parameters
    ----------
    stored : content hashes of the pictures it has while no others are given.
    clone : offer to start from a product of the shop.
    several : whether more than one picture may be given.
    """
    pictures = _pictures(form, stored, several=several)
    if clone:
        st.text_input(
            "Start from an existing product", key="new_clone", placeholder="Product ID", on_change=_clone, max_chars=200
        )
    begun, currency = form.product, shop_words().currency
    title = _line("Title", form.key("title"), begun.title)
    description = _lines("Description", form.key("description"), begun.description)
    category = _known_pick("category", form, begun.category)
    brand = _known_pick("brand", form, begun.brand)
    price = st.number_input(
        f"Price ({plain(currency)})" if currency else "Price",
        key=form.key("price"), min_value=0.0, value=begun.price, step=1.0, format="%.2f", placeholder="Unknown",
    )  # fmt: skip
    product = Product(
        title=title,
        description=description,
        brand=brand,
        category=category,
        price=price,
        image=pictures[0] if pictures else None,
        attributes=_attributes(form, shop_words().attribute_kinds),
    )
    return product, pictures


def _clone() -> None:
    """Callback: start from a product of the shop."""
    wanted, facade = st.session_state["new_clone"].strip(), recommender()
    if wanted and wanted in facade:
        st.session_state[_STARTED] = Form.of(facade.product(wanted), "like", wanted, time.monotonic())
        st.session_state["new_clone"] = ""
    elif wanted:
        say(f"There is no product {plain(wanted)}", ":material/search_off:")


def _line(label: str, key: str, value: str | None) -> str:
    begun = value or ""
    return st.text_input(label, begun, key=key, max_chars=max(300, len(begun)), placeholder="Floral midi dress")


def _lines(label: str, key: str, value: str | None) -> str:
    begun = value or ""
    return st.text_area(label, begun, key=key, max_chars=max(TEXT_LENGTH, len(begun)), height=96)


def _pictures(form: Form, before: Sequence[str], *, several: bool) -> list[str]:
    """The content hashes of its stored pictures, the leading one first; a file that cannot be used is reported."""
    uploads = st.file_uploader(
        "Pictures" if several else "Another picture", type=PICTURE_TYPES, key=form.key("picture"),
        max_upload_size=MAX_PICTURE_MB, accept_multiple_files=several,
        help=f"{'The first is the main picture. ' if several else ''}You can also paste a picture here.",
    )  # fmt: skip
    take_pasted(form.key("picture"))
    given = uploads if isinstance(uploads, list) else [uploads] if uploads is not None else []
    files = [(upload.getvalue(), upload.name) for upload in given]
    with st.expander("Take a picture", icon=":material/photo_camera:"):
        # The browser asks for the camera only when someone wants it.
        if st.toggle("Use this device's camera", key="new_camera_on") and (
            shot := st.camera_input("Picture", key="new_camera", label_visibility="collapsed")
        ):
            files.append((shot.getvalue(), "camera.jpg"))
    stored = [] if files else list(before)
    for data, name in files:
        try:
            image = stored_picture(data, name)
        except ImageError as exc:
            st.error(f"{plain(exc)} The neighbours are found without it.", icon=":material/broken_image:")
            continue
        if is_cut_off(data):
            st.warning(f"{plain(name)}: {CUT_OFF}", icon=":material/broken_image:")
        if image not in stored:
            stored.append(image)
    if stored:
        pictures = "".join(f'<img class="lt-upload" src="{picture_url(image)}" alt="">' for image in stored[:6])
        st.html(f'<div class="lt-uploads">{pictures}</div>')
    return stored


def _attributes(form: Form, kinds: Mapping[str, str]) -> dict[str, FieldValue]:
    """The fields of the shop's own attributes, and what is filled in."""
    filled: dict[str, FieldValue] = {}
    names = [name for name in kinds if name in recommender().items.columns]
    shown = st.container()
    folded = st.expander("More details") if len(names) > ATTRIBUTES_OPEN else shown
    for position, name in enumerate(names):
        with shown if position < ATTRIBUTES_OPEN else folded:
            value = _attribute(name, kinds[name], form)
        if value is not None:
            filled[name] = value
    return filled


def _attribute(name: str, kind: str, form: Form) -> FieldValue | None:
    label, key = plain(name.replace("_", " ").capitalize()), form.key(f"attribute_{name}")
    begun: Any = _begun(name, kind, form.product)
    if kind == "number":
        number: float | None = st.number_input(label, key=key, value=begun, placeholder="Unknown")
        return number
    if kind == "multi":
        several = list(begun or ())
        options = _with(known_values(name), several)
        return tuple(st.multiselect(label, options, several, key=key, accept_new_options=True, placeholder="Unknown"))
    if kind == "category":
        return _pick(label, key, known_values(name), begun)
    return str(st.text_input(label, begun or "", key=key, max_chars=TEXT_LENGTH))


def _begun(name: str, kind: str, product: Product) -> FieldValue | None:
    """The value an attribute's field begins with; None where the shop has changed its kind and the value no longer fits."""
    value = product.attributes.get(name)
    try:
        return None if value is None else Product(attributes={name: value}).typed({name: kind}).attributes.get(name)
    except InputError:
        return None


def _known_pick(name: str, form: Form, value: str | None) -> str | None:
    """A choice among the catalogue's values of a field; nothing is drawn where the catalogue has none."""
    known = known_values(name)
    return _pick(name.capitalize(), form.key(name), known, value) if known else None


def _pick(label: str, key: str, known: list[str], value: str | None) -> str | None:
    options = _with(known, [value] if value else [])
    begun = options.index(value) if value else None
    chosen: str | None = st.selectbox(label, options, begun, key=key, accept_new_options=True, placeholder="Unknown")
    return chosen


def _with(known: list[str], values: Sequence[str]) -> list[str]:
    """The catalogue's values, and after them those of the product that are new."""
    present = set(known)
    return [*known, *(value for value in values if value not in present)]
