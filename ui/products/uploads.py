"""Uploaded pictures, decoded once for all pages."""

from __future__ import annotations

import streamlit as st

from engine.access.acting import require
from engine.access.roles import Action
from engine.catalogue.picture_formats import UPLOAD_ENDINGS
from engine.untrusted.uploads import store_upload
from ui.app.resources import workspace
from ui.products.draft_resources import children

__all__ = ["MAX_PICTURE_MB", "PICTURE_TYPES", "stored_picture"]

MAX_PICTURE_MB = 20
PICTURE_TYPES = list(UPLOAD_ENDINGS)


def stored_picture(data: bytes, name: str) -> str:
    """The content hash of an uploaded picture; decoded in a child process, once and not on every rerun.

    Raises `ImageError`, and `NotAllowedError` for whoever may add no product: what is stored stays.
    """
    require(Action.EDIT_DRAFTS)
    return _stored(data, name)


@st.cache_data(show_spinner="Reading the picture…", max_entries=20)
def _stored(data: bytes, name: str) -> str:
    return store_upload(workspace(), data, name=name, children=children())
