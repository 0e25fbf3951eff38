"""Pictures pasted anywhere on a page, into one of its uploaders (assets/paste.js)."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import streamlit as st

from ui.widgets.scripts import ASSETS

__all__ = ["take_pasted"]


def take_pasted(uploader: str) -> None:
    """Send pictures that are pasted while this is drawn to the file uploader with this key.

    They are treated as any other upload: limited by the uploader in the browser, checked on the server.
    """
    _component()(key=f"{uploader}_pasted", data={"uploader": uploader, "own": f"{uploader}_pasted"})


@functools.cache
def _component() -> Callable[..., Any]:
    js = (ASSETS / "paste.js").read_text("utf-8")
    return st.components.v2.component("longtail_paste", js=js)
