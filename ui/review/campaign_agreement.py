"""How people agree in a campaign; for leads, what is disputed and how consistent each person is."""

from __future__ import annotations

import uuid
from functools import partial

import pandas as pd
import streamlit as st

from engine.access.roles import Action
from engine.curation.agreement import Agreement, agreement, agreement_sentence, disputed, rater_health
from engine.curation.campaigns import Campaign
from engine.curation.rates.sampling import votes_on_cards
from engine.curation.votes import Source, Verdict, Vote, judgement_in_release
from ui.app.navigation import open_product
from ui.app.notices import say
from ui.app.person import allowed, curator_name
from ui.app.resources import card_maker, judgements, recommender, settings, workspace
from ui.widgets.cards import Group, card_groups
from ui.widgets.formatting import plain, plural, visible_cells

__all__ = ["draw_agreement"]

CHOICES = (("It fits", Verdict.RELEVANT, ":material/check:"), ("Irrelevant", Verdict.IRRELEVANT, ":material/block:"))


def draw_agreement(chosen: Campaign, votes: pd.DataFrame) -> None:
    """Draw the section of the Campaigns page; `votes` is from `engine.curation.rates.sampling.drawn`."""
    st.subheader("Agreement", anchor=False)
    so_far = str(workspace().root), judgements().last_id(), chosen.id
    found = _agreement(*so_far, votes)
    st.write(f"{agreement_sentence(found)}.")
    if found.ac1 is not None and found.alpha is not None:
        st.caption(
            f"Gwet's AC1 {found.ac1:.2f}, Krippendorff's alpha {found.alpha:.2f}: 1 is complete agreement, 0 is what "
            "chance would give."
        )
    if allowed(Action.SEE_RATERS):
        _disputes(_open_disputes(*so_far, recommender().version, votes))
        _consistency(_steadiness(*so_far))


def _disputes(pairs: pd.DataFrame) -> None:
    """The pair on which people are most evenly split, with buttons that decide it."""
    if pairs.empty:
        return
    row, facade, maker = pairs.iloc[0], recommender(), card_maker()
    st.write(f"**{plural(len(pairs), 'pair')} on which people disagree.** Does the second one belong to the first?")
    cards = [maker.card(facade.row(item)) for item in (row["anchor_id"], row["neighbour_id"])]
    card_groups([Group(cards=cards)], key="disputed", on_open=open_product)
    st.caption(
        f"{plural(int(row[Verdict.IRRELEVANT]), 'person', 'people')}: {Verdict.IRRELEVANT.words}. "
        f"{plural(int(row[Verdict.RELEVANT]), 'person', 'people')}: {Verdict.RELEVANT.words}."
    )
    with st.container(horizontal=True):
        for label, verdict, icon in CHOICES:
            decide = partial(_decide, str(row["anchor_id"]), str(row["neighbour_id"]), verdict)
            st.button(plain(label), icon=icon, key=f"decide_{verdict}", on_click=decide)


def _decide(anchor: str, neighbour: str, verdict: Verdict) -> None:
    """Callback: the lead's vote counts above the others."""
    facade, name = recommender(), curator_name()
    if name is None:
        say("Enter your name first, at the top right.")
        return
    vote = Vote(client_id=str(uuid.uuid4()), neighbour_id=neighbour, verdict=verdict)
    k = settings().serving.neighbours
    judgements().add([judgement_in_release(vote, facade, anchor, rater=name, source=Source.ADJUDICATION, k=k)])
    say("Decided", ":material/gavel:")


def _consistency(table: pd.DataFrame) -> None:
    if table.empty:
        return
    shares = {name: 100 * table[name] for name in ("steady", "strictness", "drift")}
    column = st.column_config.NumberColumn
    with st.expander("How consistent people are", icon=":material/monitor_heart:"):
        st.dataframe(
            visible_cells(table.assign(**shares)),
            hide_index=True,
            width="stretch",
            column_config={
                "rater": "Who",
                "votes": column("Judgements", format="localized"),
                "steady": column("Same answer on repeated cards", format="%.0f%%"),
                "repeated": column("Repeated", format="localized"),
                "strictness": column("Stricter than others on the same products", format="%.0f%%"),
                "shared": column("Shared with others", format="localized"),
                "drift": column("Stricter later than earlier", format="%.0f%%"),
                "seconds": column("Seconds per card", format="%.1f"),
            },
        )
        st.caption("Only leads see this. Fields stay empty until enough is known.")


# What follows from the judgements is worked out once for each state of them: `last_id` is that of the newest.


@st.cache_resource(show_spinner=False, max_entries=8)
def _agreement(root: str, last_id: int, campaign_id: str, _votes: pd.DataFrame) -> Agreement:
    return agreement(_votes)


@st.cache_resource(show_spinner=False, max_entries=8)
def _open_disputes(root: str, last_id: int, campaign_id: str, version: str, _votes: pd.DataFrame) -> pd.DataFrame:
    """Pairs that nobody has decided yet, of products that the release has."""
    facade, current = recommender(), judgements().current()
    pairs = disputed(_votes, current[current["source"] == Source.ADJUDICATION])
    ids = zip(pairs["anchor_id"].tolist(), pairs["neighbour_id"].tolist(), strict=True)
    return pairs[[anchor in facade and neighbour in facade for anchor, neighbour in ids]]


@st.cache_resource(show_spinner=False, max_entries=8)
def _steadiness(root: str, last_id: int, campaign_id: str) -> pd.DataFrame:
    return rater_health(votes_on_cards(judgements(), campaign_id))
