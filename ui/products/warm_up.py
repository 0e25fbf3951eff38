"""The readers of products nobody has seen, loaded before they are asked."""

from __future__ import annotations

import logging
import threading

import streamlit as st

from engine.core.workspace import Workspace
from engine.recommend.recommender import Recommender
from engine.recommend.unseen import neighbours_of_unseen

__all__ = ["get_ready"]

logger = logging.getLogger(__name__)


def get_ready(release: Recommender, workspace: Workspace) -> threading.Thread:
    """Load what reads new products while the form is still being filled; seconds that nobody has to wait for later.

    Whoever asks for neighbours joins the thread first: libraries that import parts of themselves when first used do not
    bear being first used by two threads at once.
    """
    return _loading(str(release.directory), _release=release, _workspace=workspace)


@st.cache_resource(show_spinner=False, max_entries=2)
def _loading(directory: str, *, _release: Recommender, _workspace: Workspace) -> threading.Thread:
    def load() -> None:
        try:
            neighbours_of_unseen(_release, _workspace, {"title": "a product"}, 1)
            pictures = _release.items["image"].dropna()
            if len(pictures):  # the networks that read pictures are made with the first one
                neighbours_of_unseen(_release, _workspace, {"image": pictures.iloc[0]}, 1)
        except Exception:
            # It is tried again, and told to the person, when there is a product to read.
            logger.warning("could not get ready to read new products", exc_info=True)

    thread = threading.Thread(target=load, name="get ready for new products", daemon=True)
    thread.start()
    return thread
