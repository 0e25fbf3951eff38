"""Sets of products that pages show: saved ones, lines of Today, and what somebody just chose; all opened on Similar items.

A set has a key, `prefix:rest`, which its address holds (`?show=KEY`). Whoever has a kind of sets registers its prefix.
"""

from __future__ import annotations

import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

import pandas as pd
import streamlit as st

from engine.access.roles import Action
from engine.core.errors import LongtailError, NotFoundError
from engine.core.exports import CSV, file_name
from engine.edits.sets.store import LONGEST_NAME, ProductSet, SetStore
from ui.app.navigation import open_similar_items
from ui.app.notices import say
from ui.app.person import curator_name, only
from ui.app.resources import database, recommender, served
from ui.review.send_to_review import draw_send
from ui.widgets.closing import close, closing
from ui.widgets.formatting import plain, plural

__all__ = [
    "ShownSet",
    "draw_set_actions",
    "keep_chosen",
    "known_products",
    "open_set_button",
    "register",
    "set_href",
    "set_key",
    "sets",
    "shown_set",
]

MOST_KEPT = 200  # selections, the oldest forgotten first
_EXPORTED = ("item_id", "title", "brand", "category", "price", "interaction_count")


@dataclass(frozen=True)
class ShownSet:
    """Products under a title. `note` says how they were found, a sentence; the ids may be of drafts, or gone by now."""

    key: str
    title: str
    item_ids: Sequence[str]
    note: str = ""


_FINDERS: dict[str, Callable[[str], ShownSet | None]] = {}
_chosen: OrderedDict[str, ShownSet] = OrderedDict()
_lock = threading.Lock()


def register(prefix: str, find: Callable[[str], ShownSet | None]) -> None:
    """Say who finds the sets whose keys begin with `prefix:`; `find` is given the rest, and returns None for one that is not there."""
    _FINDERS[prefix] = find


def shown_set(key: str) -> ShownSet | None:
    """The set of a key; None where there is none, or no more."""
    prefix, _, rest = key.partition(":")
    find = _FINDERS.get(prefix)
    return None if find is None else find(rest)


def set_href(key: str) -> str:
    """Address of a set on Similar items, relative to any page of the dashboard."""
    return f"./similar_items?{urlencode({'show': key})}"


def set_key(set_id: str) -> str:
    """The key of a saved set."""
    return f"set:{set_id}"


def keep_chosen(item_ids: Sequence[str], words: str) -> str:
    """Keep a selection that somebody just made, for as long as the server runs and it is among the last; its key.

    Parameters
    ----------
    words : what it is called.
    """
    key = f"chosen:{secrets.token_hex(8)}"
    with _lock:
        _chosen[key] = ShownSet(key, words, tuple(item_ids))
        while len(_chosen) > MOST_KEPT:
            _chosen.popitem(last=False)
    return key


def sets() -> SetStore:
    """The store of saved sets."""
    return SetStore(database())


def known_products(item_ids: Sequence[str]) -> list[str]:
    """Those of these products that the shop shows, drafts among them, in their order."""
    drafts = set(served().drafts.ids)
    rows = recommender().rows_of(item_ids)
    return [one for one, row in zip(item_ids, rows.tolist(), strict=True) if row >= 0 or one in drafts]


def draw_set_actions(item_ids: Sequence[str], how: str, key: str, *, opens: bool = True) -> None:
    """A row of buttons for a list of products: open it, send it to review, add it to a set, export it.

    Parameters
    ----------
    how : how they were chosen, in a few words that follow "chosen by somebody: ".
    opens : whether "Open" is offered; not where the products are on screen already.
    """
    if not item_ids:
        return
    with st.container(horizontal=True, vertical_alignment="center", key=f"set_actions_{key}"):
        if opens:
            open_set_button(item_ids, how, key=f"{key}_open")
        draw_send(item_ids, how, key=f"{key}_send")
        _draw_add(item_ids, how, key)
        st.download_button(
            "Export", lambda: _exported(item_ids), file_name=file_name(how, ".csv"), mime=CSV.mime, type="tertiary",
            icon=":material/download:", on_click="ignore", key=f"{key}_export",
        )  # fmt: skip


def open_set_button(item_ids: Sequence[str], words: str, *, key: str) -> None:
    """A button that shows just these products on Similar items."""
    if st.button(f"Open {plural(len(item_ids), 'product')}", icon=":material/grid_view:", type="tertiary", key=key):
        open_similar_items({"show": keep_chosen(item_ids, words)})


def _draw_add(item_ids: Sequence[str], how: str, key: str) -> None:
    closed = only(Action.EDIT_SETS)
    with st.popover("Add to set", icon=":material/bookmark_add:", type="tertiary", key=closing(f"{key}_sets")):
        there = [one for one in sets().all() if one.search is None]
        if there:
            chosen = st.selectbox(
                "A set you have",
                there,
                index=None,
                key=f"{key}_set",
                format_func=lambda one: plain(one.name),
                placeholder="Choose a set",
            )
            if st.button("Add", key=f"{key}_add", disabled=chosen is None or bool(closed.get("disabled"))) and chosen:
                _add(chosen, item_ids, key)
        name = st.text_input("New set", key=f"{key}_name", max_chars=LONGEST_NAME, placeholder="e.g. Spring coats")
        if st.button("Save as a new set", key=f"{key}_new", type="primary", **closed):
            _save(name, item_ids, how, key)


def _add(chosen: ProductSet, item_ids: Sequence[str], key: str) -> None:
    try:
        added = sets().add(chosen.id, item_ids)
    except LongtailError as exc:
        st.error(plain(exc), icon=":material/error:")
    else:
        already = len(item_ids) - added
        rest = f", {already:,} were in it" if already else ""
        _kept(f"{plural(added, 'product')} added to “{plain(chosen.name)}”{rest}", key)


def _save(name: str, item_ids: Sequence[str], how: str, key: str) -> None:
    try:
        sets().save(name, item_ids, by=curator_name(), note=how)
    except LongtailError as exc:
        st.error(plain(exc), icon=":material/error:")
    else:
        _kept(f"“{plain(name)}” is on the Sets page", key)


def _kept(said: str, key: str) -> None:
    """Say what was kept, and close what it was chosen in."""
    say(said, ":material/check:")
    close(f"{key}_sets")
    st.rerun()


def _exported(item_ids: Sequence[str]) -> bytes:
    """The products as CSV, one a row; drafts with what is known of them."""
    release, ids = recommender(), list(item_ids)
    rows = release.rows_of(ids)
    rows = rows[rows >= 0]
    columns = [name for name in _EXPORTED if name in release.items.columns]
    table = release.items.iloc[rows][columns]
    wanted = set(ids) if len(rows) < len(ids) else set()
    drafts = [
        {"item_id": one.id, "title": one.product.title, "brand": one.product.brand, "category": one.product.category,
         "price": one.product.price, "interaction_count": 0}
        for one in served().drafts.drafts if one.id in wanted
    ]  # fmt: skip
    both = pd.concat([table.astype(object), pd.DataFrame(drafts, columns=columns, dtype=object)]) if drafts else table
    return CSV.to_bytes(both)


def _find_chosen(rest: str) -> ShownSet | None:
    with _lock:
        return _chosen.get(f"chosen:{rest}")


def _find_saved(set_id: str) -> ShownSet | None:
    try:
        found = sets().get(set_id)
    except NotFoundError:
        return None
    return ShownSet(set_key(found.id), found.name, found.item_ids, found.note)


register("chosen", _find_chosen)
register("set", _find_saved)
