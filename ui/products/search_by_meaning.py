"""Searching the catalogue by a picture or in one's own words, read as a new product is."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

import numpy as np
import streamlit as st

from engine.access.roles import Action
from engine.catalogue.product import Product
from engine.core.errors import ImageError, LongtailError
from ui.app.person import allowed
from ui.app.resources import recommender, served
from ui.app.url import mirror, query, set_query, writer
from ui.products.pasting import take_pasted
from ui.products.uploads import MAX_PICTURE_MB, PICTURE_TYPES, stored_picture
from ui.widgets.addresses import thumb_url
from ui.widgets.formatting import plain

__all__ = ["Like", "closest", "draw_like", "like_in_address", "say_like"]

MOST_FOUND = 240
_HASH = re.compile(r"[0-9a-f]{64}")
_TAKEN = "like_taken"


@dataclass(frozen=True)
class Like:
    """A search: a stored picture (its content hash), words, or both."""

    image: str = ""
    words: str = ""

    def parts(self) -> list[str]:
        """Its parts, a few words each."""
        return [*(["a picture"] if self.image else []), *([f"similarity to “{self.words}”"] if self.words else [])]


def like_in_address() -> Like | None:
    """The search in the page's address; None where there is none."""
    image = query("like")
    like = Like(image if _HASH.fullmatch(image) else "", query("words").strip()[:300])
    return like if like.image or like.words else None


def draw_like(like: Like | None) -> None:
    """Draw the popover that searches by a picture or in one's own words."""
    with st.popover("By picture or words", icon=":material/image_search:", key="like_open", on_change="rerun") as asked:
        if asked.open:  # the models are loaded while someone types, and only then
            served().warm_up()
        mirror("like_words", like.words if like else "")
        st.text_input(
            "In your own words", key="like_words", placeholder="a light dress for a garden party", max_chars=300,
            on_change=writer("like_words", "words", page=None), persist_state="session",
        )  # fmt: skip
        if allowed(Action.EDIT_DRAFTS):  # a picture stays on the server, so that the address can be shared
            _ask_for_picture()
        st.caption("The closest products come first; filters still apply.")


def _ask_for_picture() -> None:
    upload = st.file_uploader(
        "A picture", type=PICTURE_TYPES, key="like_picture", max_upload_size=MAX_PICTURE_MB,
        help="Of anything that looks like what you want. You can also paste a picture while this is open.",
    )  # fmt: skip
    take_pasted("like_picture")
    if upload is not None:
        _take(upload.getvalue(), upload.name)


def closest(like: Like, rows: np.ndarray) -> np.ndarray:
    """Those of `rows` that are most like what is searched for, the closest first, (at most 240,) int64.

    Raises `LongtailError` where the release cannot read it.
    """
    found = _ranked(recommender().version, like)
    if not found.size:
        raise LongtailError(
            f"{recommender().manifest.label} was trained on products without "
            f"{'pictures' if like.image else 'texts'}, so there is nothing to compare with."
        )
    return found[np.isin(found, rows)][:MOST_FOUND]


def say_like(like: Like) -> None:
    """Say what is searched for, with a button to leave the search."""
    with st.container(horizontal=True, vertical_alignment="center"):
        if like.image:
            st.html(
                f'<div class="lt-uploads"><img class="lt-upload" src="{thumb_url(like.image)}" alt="Your picture"></div>'
            )
        parts = [*(["your picture"] if like.image else []), *([f"“{plain(like.words)}”"] if like.words else [])]
        st.write(f"Products like {' and '.join(parts)}, the closest first.")
        st.button("All products", icon=":material/close:", key="like_stop", on_click=_stop)


def _take(data: bytes, name: str) -> None:
    """Put a newly uploaded picture into the address, once."""
    mark = hashlib.sha256(data).hexdigest()
    if st.session_state.get(_TAKEN) == mark:
        return
    try:
        image = stored_picture(data, name)
    except ImageError as exc:
        st.error(plain(exc), icon=":material/broken_image:")
        return
    st.session_state[_TAKEN] = mark
    set_query(like=image, page=None)
    st.rerun()


def _stop() -> None:
    set_query(like=None, words=None, page=None)


@st.cache_data(show_spinner="Looking for similar products…", max_entries=32)
def _ranked(version: str, like: Like) -> np.ndarray:
    """Rows of this release by their content, the closest first; empty where the release reads nothing of it."""
    facade = recommender()
    try:
        vectors = served().read_unseen([Product(title=like.words, image=like.image)])
    except ImageError as exc:
        raise LongtailError("This picture is no longer stored. Upload it again.") from exc
    if not vectors.present[0]:
        return np.empty(0, dtype=np.int64)
    rows, _ = facade.arm("content").of_vector(vectors.sides["content"].query[0], len(facade.items))
    return np.asarray(rows, dtype=np.int64)
