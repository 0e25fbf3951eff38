"""The form that plans a campaign: which lists, which groups of products, how many, and until when."""

from __future__ import annotations

from datetime import UTC, date, datetime, time

import streamlit as st

from engine.access.roles import Action
from engine.arms.registry import title_of
from engine.core.errors import LongtailError
from engine.curation.campaigns import SECOND_SHARE, TARGET, Plan, create_campaign
from engine.curation.rates.irrelevance import bins_up_to
from engine.release.publish import published_releases
from ui.app.notices import say
from ui.app.person import curator_name, only
from ui.app.resources import database, recommender, shop, workspace
from ui.widgets.closing import close
from ui.widgets.formatting import plain, release_phrase

__all__ = ["NEW", "draw_new_campaign"]

NEW = "new_campaign"
"""The popover that the form is in."""


def draw_new_campaign() -> None:
    """Draw the form; what is sent off becomes a campaign, or an error that says what to change."""
    with st.form(NEW, border=False):
        plan = _plan()
        if st.form_submit_button("Create", type="primary", **only(Action.RUN_CAMPAIGNS)):
            try:
                create_campaign(database(), recommender(), plan)
            except LongtailError as exc:
                st.error(plain(exc), icon=":material/error:")
            else:
                say(f"“{plain(plan.name)}” is ready to judge", ":material/check:")
                close(NEW)
                st.rerun()


def _plan() -> Plan:
    """The fields, and what they say so far."""
    facade, word = recommender(), shop().interaction_word
    bins = bins_up_to(int(facade.items["interaction_count"].max()))
    others = [one for one in published_releases(workspace()) if one != facade.release_id]
    name = st.text_input("Name", max_chars=80, placeholder="e.g. Spring coats")
    arms = st.multiselect("Lists", list(facade.arms), format_func=title_of, placeholder="All")
    strata = st.multiselect(
        f"{plain(word.capitalize())} per product", range(len(bins)),
        format_func=lambda number: bins[number][2], placeholder="All groups",
    )  # fmt: skip
    target = st.number_input("Products from each group", 1, 2000, TARGET)
    second = st.slider("Judged by two people", 0, 100, int(100 * SECOND_SHARE), format="%d%%")
    other = st.selectbox(
        "Compare with", [None, *others], format_func=lambda one: release_phrase(one) if one else "Nothing"
    )
    deadline = st.date_input("Until", value=None)
    guidelines = st.text_area("Guidelines (Markdown)", placeholder="Same as on the Review page")
    return Plan(
        name, tuple(arms), tuple(strata), int(target), second / 100, other_release_id=other,
        deadline=_end_of(deadline), guidelines=guidelines.strip() or None, created_by=curator_name(),
    )  # fmt: skip


def _end_of(day: date | None) -> datetime | None:
    return datetime.combine(day, time.max, tzinfo=UTC) if day else None
