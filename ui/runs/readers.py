"""Who reads the texts and pictures of the shop in use, in a sentence."""

from __future__ import annotations

import streamlit as st

from engine.catalogue.snapshot import Shop
from engine.core.settings import Settings
from engine.models.encoders.readers import say_readers
from ui.app import resources
from ui.widgets.formatting import plain

__all__ = ["draw_readers"]


def draw_readers() -> None:
    """Say what reads texts and pictures, and why."""
    shop, settings = resources.shop(), resources.settings()
    st.caption(plain(_said(shop.snapshot_id, settings.model_dump_json(), shop, settings)))


@st.cache_data(show_spinner=False, max_entries=4)
def _said(snapshot_id: str, set_to: str, _shop: Shop, _settings: Settings) -> str:
    return " ".join(say_readers(_shop, _settings))
