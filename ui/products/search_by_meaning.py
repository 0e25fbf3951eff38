"""Searching the catalogue by a picture, and by what words mean, in the background: both read it as a new product."""

from __future__ import annotations

import hashlib
import re
import threading
from collections import OrderedDict
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
import streamlit as st

from engine.access.roles import Action
from engine.catalogue.product import Product
from engine.core.errors import ImageError, LongtailError
from engine.core.workspace import Workspace
from engine.search.meaning import MeaningSearch
from engine.serving.served_shop import ServedShop
from ui.app.person import allowed
from ui.app.resources import recommender, served, workspace
from ui.app.url import query, set_query
from ui.products.pasting import take_pasted
from ui.products.uploads import MAX_PICTURE_MB, PICTURE_TYPES, stored_picture
from ui.widgets.addresses import thumb_url
from ui.widgets.closing import close, closing
from ui.widgets.formatting import plain

__all__ = ["MOST_FOUND", "closest", "draw_by_picture", "picture_in_address", "say_like", "similar_in_meaning"]

MOST_FOUND = 240
MOST_KEPT = 64  # searches by meaning whose results are kept, for each release
_HASH = re.compile(r"[0-9a-f]{64}")
_TAKEN = "like_taken"


def picture_in_address() -> str:
    """The stored picture that the page's address searches by (its content hash); "" where there is none."""
    image = query("like")
    return image if _HASH.fullmatch(image) else ""


def draw_by_picture() -> None:
    """Draw the popover that searches by a picture, where one may be stored: it stays on the server, so that the address can be shared."""
    if not allowed(Action.EDIT_DRAFTS):
        return
    with st.popover("By picture", icon=":material/image_search:", key=closing("like"), on_change="rerun") as asked:
        if asked.open:  # the models are loaded while somebody looks for a picture, and only then
            served().warm_up()
        upload = st.file_uploader(
            "A picture", type=PICTURE_TYPES, key="like_picture", max_upload_size=MAX_PICTURE_MB,
            help="Of anything that looks like what you want. You can also paste a picture while this is open.",
        )  # fmt: skip
        take_pasted("like_picture")
        if upload is not None:
            _take(upload.getvalue(), upload.name)
        st.caption("The closest products come first; words and filters still apply.")


def closest(image: str) -> np.ndarray:
    """Rows of the products that look most like a stored picture, the closest first, (n,) int64.

    Raises `LongtailError` where the release cannot read it.
    """
    found = _like_picture(recommender().version, image)
    if not found.size:
        raise LongtailError(
            f"{recommender().manifest.label} was trained on products without pictures, so there is nothing to compare with."
        )
    return found


def say_like(image: str) -> None:
    """Say what is searched for."""
    st.html(f'<div class="lt-uploads"><img class="lt-upload" src="{thumb_url(image)}" alt="Your picture"></div>')
    st.write("Products like your picture, the closest first.")


def similar_in_meaning(text: str) -> Future[np.ndarray]:
    """Rows of the products similar in meaning, the closest first, found in the background: ask again while it is not done.

    The first search of a process loads the network that reads texts, which takes seconds.
    """
    shop = served()
    return _meanings(workspace(), shop.release.version, shop).begin(text)


class _Meanings:
    """Searches of one release by meaning, one after another in a thread; the last ones are kept."""

    def __init__(self, shop: ServedShop) -> None:
        self._search = MeaningSearch(shop.release, shop.read_unseen)
        self._threads = ThreadPoolExecutor(1, thread_name_prefix="search by meaning")
        self._kept: OrderedDict[str, Future[np.ndarray]] = OrderedDict()
        self._lock = threading.Lock()

    def begin(self, text: str) -> Future[np.ndarray]:
        with self._lock:
            if text not in self._kept:
                self._kept[text] = self._threads.submit(self._search.closest, text)
                while len(self._kept) > MOST_KEPT:
                    self._kept.popitem(last=False)
            return self._kept[text]

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)


@st.cache_resource(
    show_spinner=False, max_entries=2, hash_funcs={Workspace: lambda w: str(w.root)}, on_release=_Meanings.close
)
def _meanings(workspace: Workspace, version: str, _shop: ServedShop) -> _Meanings:
    return _Meanings(_shop)


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
    close("like")
    st.rerun()


@st.cache_data(show_spinner="Looking for similar products…", max_entries=32)
def _like_picture(version: str, image: str) -> np.ndarray:
    """Rows of this release by their likeness, the closest first; empty where the release reads no pictures."""
    facade = recommender()
    try:
        vectors = served().read_unseen([Product(image=image)])
    except ImageError as exc:
        raise LongtailError("This picture is no longer stored. Upload it again.") from exc
    if not vectors.present[0]:
        return np.empty(0, dtype=np.int64)
    rows, _ = facade.arm("content").of_vector(vectors.sides["content"].query[0], len(facade.items))
    return np.asarray(rows, dtype=np.int64)
