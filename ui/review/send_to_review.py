"""A selection of products, wherever it was made, sent to the review queue with a record of how it was made."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from engine.access.roles import Action
from engine.core.errors import LongtailError
from engine.curation.campaigns import Plan, create_campaign
from ui.app.notices import say
from ui.app.person import curator_name, only
from ui.app.resources import database, recommender
from ui.widgets.closing import close, closing
from ui.widgets.formatting import plain

__all__ = ["draw_send"]

MOST_SENT = 2000


def draw_send(item_ids: Sequence[str], how: str, key: str) -> None:
    """A popover that has the neighbours of these products judged, of very many the first; nothing where there are none.

    Parameters
    ----------
    how : how they were chosen, in a few words that follow "chosen by somebody: ".
    """
    if not item_ids:
        return
    sent = list(item_ids[:MOST_SENT])
    with st.popover("Send to review", icon=":material/checklist:", type="tertiary", key=closing(key)):
        what = f"these {len(sent):,} products" if len(sent) > 1 else "this product"
        if len(sent) < len(item_ids):
            what = f"the first {len(sent):,} of these {len(item_ids):,} products"
        st.write(f"Ask colleagues to judge what we show beside {plain(what)}.")
        name = st.text_input("Name", key=f"{key}_name", max_chars=80, placeholder="e.g. Spring coats")
        if st.button("Send", type="primary", key=key, **only(Action.SEND_TO_REVIEW)):
            plan = Plan(name, chosen=sent, how=how, created_by=curator_name())
            try:
                create_campaign(database(), recommender(), plan)
            except LongtailError as exc:
                st.error(plain(exc), icon=":material/error:")
            else:
                say(f"“{plain(name)}” is on the Review page", ":material/check:")
                close(key)
                st.rerun()
