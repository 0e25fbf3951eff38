"""What pages share that read products nobody has seen: uploads decoded once, and the readers loaded before they are asked."""

from __future__ import annotations

import logging
import threading

import streamlit as st

from engine.serving.unseen import neighbours_of_unseen
from engine.shop.uploads import store_upload
from engine.workspace import Workspace
from ui.draft_resources import children
from ui.resources import recommender, workspace

__all__ = ["MAX_PICTURE_MB", "PICTURE_TYPES", "get_ready", "stored_picture"]

logger = logging.getLogger(__name__)

MAX_PICTURE_MB = 20
PICTURE_TYPES = ["jpg", "jpeg", "png", "webp"]


@st.cache_data(show_spinner="Reading the picture…", max_entries=20)
def stored_picture(data: bytes, name: str) -> str:
    """The content hash of an uploaded picture; decoded in a child process, once and not with every rerun.

    Raises `ImageError`.
    """
    return store_upload(workspace(), data, name=name, children=children())


@st.cache_resource(show_spinner=False, max_entries=2, hash_funcs={Workspace: lambda w: str(w.root)})
def get_ready(workspace: Workspace, release_id: str) -> threading.Thread:
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
