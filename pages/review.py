"""Review: judge what stands beside a product, card after card, blind to where it came from."""

from __future__ import annotations

import streamlit as st

from ui.curator import curator_name, name_form
from ui.passes import Pass, make_pass
from ui.resources import recommender, shop_words, workspace
from ui.review_component import guidelines_html, review_component
from ui.reviewing import desk
from ui.routes import review_urls

__all__ = ["page"]

GUIDELINES = """
Imagine a shopper on this product's page. A product is **irrelevant** when that shopper would wonder why it is shown.

- Another *kind* of product, *occasion*, *style* or *price level*: irrelevant.
- Another colour or brand alone: fits.
- The same product twice: irrelevant, reason *duplicate*.
- Go by what you see. When you cannot tell, say so: that is an answer too.
"""


def page() -> None:
    """The card and its keys; before the first one, the question who is judging."""
    st.title("Review", anchor=False)
    rater = curator_name()
    if rater is None:
        st.write("You will see a product and what we would show beside it. Say what does not belong. Who is judging?")
        if name_form("review_name", button="Start judging"):
            st.rerun()
        return
    release = recommender().release_id
    review_component(
        key="review",
        data={
            # What the browser keeps belongs to this curator and this shop.
            "session": f"{shop_words().name}:{rater}",
            "token": make_pass(workspace(), Pass(rater, release)),
            "url": review_urls(),
            "guidelines": guidelines_html(GUIDELINES),
            "warmup": [],
            "progress": desk().progress(rater),
        },
        on_renew=lambda: None,  # running again is all that is asked: it makes a new pass
    )
