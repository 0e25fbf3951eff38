"""Review: judge what stands beside a product, card after card, blind to where it came from."""

from __future__ import annotations

import streamlit as st

from engine.access.acting import require
from engine.access.roles import Action
from engine.curation.campaigns import Campaign
from ui.app.choices import menu, switch
from ui.app.curator import name_form
from ui.app.person import curator_name
from ui.app.resources import shop_words, workspace
from ui.review.component import ReviewData, guidelines_html, review_component
from ui.review.service import board, open_campaigns
from ui.review.tokens import ReviewToken, sign_token
from ui.review.warm_up import warmup_cards
from ui.widgets.addresses import review_urls

__all__ = ["page"]

MODES = {"": "Ten at a time", "pair": "One pair"}
GUIDELINES = """
Imagine a shopper on this product's page. A product is **irrelevant** when that shopper would wonder why it is shown.

- Another *kind* of product, *occasion*, *style* or *price level*: irrelevant.
- Another colour or brand alone: fits.
- The same product twice: irrelevant, reason *duplicate*.
- Go by what you see. When you cannot tell, say so: that is an answer too.
"""


def page() -> None:
    """The card and its keys; before the first one, the question who is judging."""
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.title("Review", anchor=False)
        mode = switch("What is on a card", "mode", MODES, key="review_mode")
    require(Action.JUDGE)
    rater = curator_name()
    if rater is None:
        st.write("You will see a product and what we would show beside it. Mark what doesn't belong. Who is judging?")
        if name_form("review_name", button="Start judging"):
            st.rerun()
        return
    chosen = _campaign()
    progress = board().progress(chosen.id, rater)
    # Everyday is named by nothing: a page that stays open over a new release goes on with that of the new one.
    campaign_id = "" if chosen.kind == "everyday" else chosen.id
    review_component(
        key="review",
        data=ReviewData(
            # What the browser stores belongs to this curator and this shop.
            session=":".join([shop_words().name, rater, mode, *([campaign_id] if campaign_id else [])]),
            pair=mode == "pair",
            token=sign_token(workspace(), ReviewToken(rater, campaign_id)),
            url=review_urls(),
            guidelines=guidelines_html(chosen.guidelines or GUIDELINES),
            warmup=warmup_cards(rater) if mode != "pair" else [],
            progress=progress,
        ),
        on_renew=lambda: None,  # running again is all that is asked: it signs a new token
    )


def _campaign() -> Campaign:
    """The campaign in the address, else Everyday; a choice where there is one."""
    choices = {("" if one.kind == "everyday" else one.id): one for one in open_campaigns()}
    if len(choices) == 1:
        return choices[""]
    names = {name: one.name for name, one in choices.items()}
    return choices[menu("Campaign", "campaign", names, key="review_campaign", width=360)]
