"""New product: a picture, a text and a few facts in; the products it belongs with out."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd
import streamlit as st

from engine.drafts.advice import Change, Duplicate, missing_fields, near_duplicates, parts
from engine.drafts.served import Inbound, described, inbound_of
from engine.drafts.store import Draft, NewDraft
from engine.errors import ImageError, LongtailError, NotFoundError
from engine.serving.recommender import Neighbour
from engine.serving.unseen import neighbours_of_unseen, vectors_of_unseen
from ui.cards import Group, card_groups
from ui.collection_upload import draw_collection
from ui.curator import curator_name
from ui.draft_list import draw_drafts
from ui.draft_resources import buffer, drafts, neighbour_card
from ui.navigation import open_product
from ui.notices import say
from ui.resources import known_values, recommender, settings, shop_words, workspace
from ui.routes import picture_url
from ui.unseen import MAX_PICTURE_MB, PICTURE_TYPES, get_ready, stored_picture
from ui.url import mirror, query, set_query, writer
from ui.words import plural, text_or_none

__all__ = ["page"]

TEXT_LENGTH = 5_000
ATTRIBUTES_OPEN = 4
PREVIEWED = 4
VIEWS = {"": "One product", "collection": "A collection", "drafts": "Drafts"}
_FILLED = "new_filled"


def page() -> None:
    """One product, a collection, or the drafts there are, as the address asks."""
    get_ready(workspace(), recommender().release_id)
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.title("New product", anchor=False)
        view = query("view", allowed=VIEWS)
        mirror("new_view", view)
        st.segmented_control(
            "What to add", list(VIEWS), key="new_view", format_func=VIEWS.__getitem__, required=True,
            label_visibility="collapsed", on_change=writer("new_view", "view", draft=None),
        )  # fmt: skip
    if view == "collection":
        draw_collection()
    elif view == "drafts":
        draw_drafts()
    else:
        _one_product()


def _one_product() -> None:
    """The form on the left; on the right, as its fields fill, the neighbours."""
    st.caption(
        "Describe a product that nobody has seen yet. Its neighbours appear as soon as there is something to go by."
    )
    draft = _in_hand()
    left, right = st.columns([3, 7], gap="large")
    with left:
        item, pictures = _form(draft)
        _save(item, pictures, draft)
    with right:
        if item:
            _neighbours(item)
        else:
            st.html(
                '<div class="lt-empty"><p>Drop a picture or type a title.</p>'
                "<p>A picture and a title together find the best neighbours; every fact helps.</p></div>"
            )


def _in_hand() -> Draft | None:
    """The draft that is being changed; its values are put into the form once."""
    wanted = query("draft")
    if not wanted:
        return None
    try:
        draft = drafts().get(wanted)
    except NotFoundError as exc:
        st.warning(str(exc), icon=":material/search_off:")
        return None
    if st.session_state.get(_FILLED) != (draft.id, draft.version):
        _fill(draft.described())
        st.session_state[_FILLED] = draft.id, draft.version
    st.info(f"You are changing {draft.id}.", icon=":material/edit:")
    return draft


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
        say(f"There is no product {wanted}", ":material/search_off:")


def _save(item: dict[str, Any], pictures: list[str], draft: Draft | None) -> None:
    """A name for it, and a way to keep it."""
    product_id = ""
    if draft is None:
        product_id = st.text_input("Id", key="new_id", max_chars=200, placeholder="Made up if you leave it empty")
    with st.container(horizontal=True):
        if st.button("Save draft", icon=":material/save:", disabled=not item, key="new_save"):
            _store(item, pictures, draft, product_id)
        if draft is None and st.button(
            "Show it in the shop", type="primary", icon=":material/storefront:", disabled=not item, key="new_approve"
        ):
            _store(item, pictures, draft, product_id, approve=True)


def _store(
    item: dict[str, Any], pictures: list[str], draft: Draft | None, product_id: str, *, approve: bool = False
) -> None:
    plain = {name: value for name, value in item.items() if name != "image"}
    try:
        if draft is not None:
            drafts().edit(draft.id, draft.version, plain, pictures)
            made = draft.id
        else:
            new = NewDraft(plain, pictures, product_id or None)
            (made,) = drafts().save([new], curator_name(), recommender().__contains__, approve=approve)
    except LongtailError as exc:
        st.error(f"Not saved. {exc}", icon=":material/error:")
        return
    say(f"{made} is in the shop" if approve else f"{made} is saved", ":material/check:")
    set_query(view="drafts", draft=made)
    st.rerun()


def _form(draft: Draft | None) -> tuple[dict[str, Any], list[str]]:
    """The product as described so far, empty where nothing was said; and all its pictures."""
    item: dict[str, Any] = {}
    pictures = _pictures(draft)
    if pictures:
        item["image"] = pictures[0]
    if draft is None:
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


def _pictures(draft: Draft | None) -> list[str]:
    """The content hashes of its pictures, stored, the leading one first; what cannot be used is said and left out."""
    uploads = st.file_uploader(
        "Pictures", type=PICTURE_TYPES, key="new_picture", max_upload_size=MAX_PICTURE_MB,
        accept_multiple_files=True, help="The first one leads. You can also paste a picture here.",
    )  # fmt: skip
    files = [(upload.getvalue(), upload.name) for upload in uploads]
    with st.expander("Take a picture", icon=":material/photo_camera:"):
        # The camera is asked for only by who wants it.
        if st.toggle("Use this device's camera", key="new_camera_on") and (
            shot := st.camera_input("Picture", key="new_camera", label_visibility="collapsed")
        ):
            files.append((shot.getvalue(), "camera.jpg"))
    stored = list(draft.pictures) if draft is not None and not files else []
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


def _neighbours(item: dict[str, Any]) -> None:
    with st.spinner("Reading the product…", show_time=True):
        neighbours = _found(recommender().release_id, json.dumps(item, sort_keys=True), settings().serving.neighbours)
    served = buffer()
    group = Group(
        name="hybrid",
        title="It belongs with",
        cards=[neighbour_card(neighbour, served) for neighbour in neighbours],
        empty="Nothing to go by yet: add a title, a picture or a fact that other products have too.",
    )
    if item_id := card_groups([group], key="new_neighbours"):
        open_product(item_id)
    if neighbours:
        _advice(item)


def _advice(item: dict[str, Any]) -> None:
    """What resembles it too much, on whose lists it would stand, what each part does, what is missing."""
    facade = recommender()
    known = _known(facade.release_id, json.dumps(item, sort_keys=True), settings().serving.neighbours)
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
        said = ", ".join(f"{one.name.replace('_', ' ')} ({100 * one.share:.0f} %)" for one in known.missing[:PREVIEWED])
        st.caption(f"What would change the list most if you filled it in: {said}.")


def _named(item_id: str) -> str:
    facade = recommender()
    title = text_or_none(facade.items["title"].iloc[facade.row(item_id)]) or item_id
    plain = re.sub(r"([^\w\s])", r"\\\1", title[:60])  # sentences are Markdown, titles are not
    return f"“{plain}”"


@dataclass(frozen=True)
class _Known:
    duplicates: list[Duplicate]
    inbound: list[Inbound]
    parts: list[Change]
    missing: list[Change]


@st.cache_data(show_spinner=False, max_entries=64)
def _known(release_id: str, item: str, k: int) -> _Known:
    facade, described_item = recommender(), json.loads(item)
    like = neighbours_of_unseen(facade, workspace(), described_item, 20, "content")
    vectors = vectors_of_unseen(facade, workspace(), [described_item])
    neighbours = _found(release_id, item, k)
    return _Known(
        near_duplicates(facade, described_item, like), inbound_of(facade, workspace(), vectors, k),
        parts(facade, workspace(), described_item, k), missing_fields(facade, workspace(), described_item, neighbours, k),
    )  # fmt: skip


@st.cache_data(show_spinner=False, max_entries=64)
def _found(release_id: str, item: str, k: int) -> list[Neighbour]:
    """Neighbours of a described product in this release; asking the same again costs nothing."""
    get_ready(workspace(), release_id).join()
    return neighbours_of_unseen(recommender(), workspace(), json.loads(item), k)
