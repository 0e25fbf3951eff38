"""Campaigns: what is judged and how far it is, how people agree, what is disputed, and everything to take away."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, time
from functools import partial

import pandas as pd
import streamlit as st

from engine.arms import registry
from engine.core.errors import LongtailError
from engine.core.exports import FORMATS
from engine.curation.agreement import agreement, agreement_sentence, disputed, rater_health
from engine.curation.campaigns import (
    SECOND_SHARE,
    TARGET,
    Campaign,
    Plan,
    campaigns,
    close_campaign,
    create_campaign,
    progress,
)
from engine.curation.evidence import evidence_pack, qrels
from engine.curation.rates.irrelevance import bin_label, bins_up_to
from engine.curation.rates.sampling import drawn, votes_on_cards
from engine.curation.votes import Source, Verdict, Vote, judgement_in_release
from engine.release.publish import published_releases
from ui.app.curator import curator_name
from ui.app.navigation import link_to, open_product
from ui.app.notices import say
from ui.app.resources import card_maker, database, is_lead, judgements, recommender, settings, shop, workspace
from ui.app.url import mirror, query, writer
from ui.review.service import open_campaigns
from ui.widgets.cards import Group, card_groups
from ui.widgets.formatting import plain, plural

__all__ = ["page"]


def page() -> None:
    """One campaign at a time, chosen in the address; a form for a new one."""
    st.title("Campaigns", anchor=False)
    open_campaigns()  # Everyday exists from now on
    everything = campaigns(database())
    now = datetime.now(UTC)
    by_id = {one.id: one for one in everything}
    chosen_id = query("campaign", everything[0].id, allowed=by_id)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        mirror("campaigns_chosen", chosen_id)
        st.selectbox(
            "Campaign", list(by_id), key="campaigns_chosen", width=420,
            format_func=lambda one: _title(by_id[one], now), on_change=writer("campaigns_chosen", "campaign"),
        )  # fmt: skip
        with st.popover("New campaign", icon=":material/add:"):
            _new()
    chosen = by_id[chosen_id]
    _about(chosen, now)
    _progress(chosen)
    votes = drawn(judgements(), chosen.id)
    _agreement(chosen, votes)
    _files(chosen, votes)


def _title(one: Campaign, now: datetime) -> str:
    return f"{one.name}{'' if one.is_open(now) else ' (ended)'}, {_label(one.release_id)}"


def _label(release_id: str) -> str:
    return f"release {int(release_id[1:])}" if release_id[1:].isdigit() else release_id


def _about(chosen: Campaign, now: datetime) -> None:
    lists = ", ".join(registry.title_of(arm) for arm in chosen.arms)
    releases = _label(chosen.release_id)
    if chosen.other_release_id:
        releases = f"{releases} and {_label(chosen.other_release_id)}"
    until = f", until {chosen.deadline:%d %B %Y}" if chosen.deadline else ""
    st.caption(
        f"{lists} of {releases}{until}. Products: {chosen.sampling}. {100 * chosen.second_share:.0f} % of them are judged by "
        f"two people, {100 * chosen.repeat_share:.0f} % of the cards come back to the same person."
    )
    with st.container(horizontal=True):
        link_to("review", "Judge", ":material/checklist:")
        if chosen.kind != "everyday" and chosen.is_open(now):
            st.button("End this campaign", icon=":material/flag:", on_click=_close, args=(chosen.id,))


def _progress(chosen: Campaign) -> None:
    table = progress(database(), chosen.id)
    word = shop().interaction_word
    table["group"] = [bin_label(int(number)) for number in table["stratum"]]
    table["share"] = 100 * (table["done"] / table["target"]).clip(upper=1)
    st.dataframe(
        table, hide_index=True, width="stretch", column_order=("group", "share", "done", "target", "size"),
        column_config={
            "group": word.capitalize(),
            "share": st.column_config.ProgressColumn("Judged", format="%.0f %%", min_value=0, max_value=100),
            "done": st.column_config.NumberColumn("Products judged", format="localized"),
            "target": st.column_config.NumberColumn("Wanted", format="localized"),
            "size": st.column_config.NumberColumn("In the shop", format="localized"),
        },
    )  # fmt: skip


def _new() -> None:
    facade = recommender()
    bins = bins_up_to(int(facade.items["interaction_count"].max()))
    others = [one for one in published_releases(workspace()) if one != facade.release_id]
    with st.form("new_campaign", border=False):
        name = st.text_input("Name", max_chars=80, placeholder="e.g. Spring coats")
        arms = st.multiselect("Lists", list(facade.arms), format_func=registry.title_of, placeholder="All")
        strata = st.multiselect(
            f"{shop().interaction_word.capitalize()} of the products", range(len(bins)),
            format_func=lambda number: bins[number][2], placeholder="All groups",
        )  # fmt: skip
        target = st.number_input("Products of each group", 1, 2000, TARGET)
        second = st.slider("Judged by two people", 0, 100, int(100 * SECOND_SHARE), format="%d %%")
        other = st.selectbox(
            "Compare with", [None, *others], format_func=lambda one: _label(one) if one else "No other"
        )
        deadline = st.date_input("Until", value=None)
        guidelines = st.text_area("Guidelines (Markdown)", placeholder="Those of the Review page")
        if st.form_submit_button("Create", type="primary"):
            last = datetime.combine(deadline, time.max, tzinfo=UTC) if deadline else None
            plan = Plan(
                name, tuple(arms), tuple(strata), int(target), second / 100, other_release_id=other, deadline=last,
                guidelines=guidelines.strip() or None, created_by=curator_name(),
            )  # fmt: skip
            try:
                create_campaign(database(), facade, plan)
            except LongtailError as exc:
                st.error(plain(exc), icon=":material/error:")
            else:
                say(f"“{plain(name)}” can be judged now", ":material/check:")
                st.rerun()


def _close(campaign_id: str) -> None:
    close_campaign(database(), campaign_id)
    say("Ended: no more cards are drawn", ":material/flag:")


def _agreement(chosen: Campaign, votes: pd.DataFrame) -> None:
    st.subheader("Agreement", anchor=False)
    found = agreement(votes)
    st.write(f"{agreement_sentence(found)}.")
    if found.ac1 is not None and found.alpha is not None:
        st.caption(
            f"Gwet's AC1 {found.ac1:.2f}, Krippendorff's alpha {found.alpha:.2f}; 1 is complete agreement, 0 what "
            "chance would give."
        )
    if is_lead(curator_name()):
        _disputes(chosen, votes)
        _health(chosen)


def _disputes(chosen: Campaign, votes: pd.DataFrame) -> None:
    current = judgements().current()
    open_ = disputed(votes, current[current["source"] == Source.ADJUDICATION])
    facade, maker = recommender(), card_maker()
    pairs = zip(open_["anchor_id"].tolist(), open_["neighbour_id"].tolist(), strict=True)
    open_ = open_[[anchor in facade and neighbour in facade for anchor, neighbour in pairs]]
    if open_.empty:
        return
    row = open_.iloc[0]
    st.write(f"**{plural(len(open_), 'pair')} on which people disagree.** Does the second one belong to the first?")
    cards = [maker.card(facade.row(item)) for item in (row["anchor_id"], row["neighbour_id"])]
    card_groups([Group(cards=cards)], key="disputed", on_open=open_product)
    st.caption(
        f"{plural(int(row[Verdict.IRRELEVANT]), 'person', 'people')}: {Verdict.IRRELEVANT.words}. "
        f"{plural(int(row[Verdict.RELEVANT]), 'person', 'people')}: {Verdict.RELEVANT.words}."
    )
    with st.container(horizontal=True):
        for label, verdict, icon in (
            ("It fits", Verdict.RELEVANT, ":material/check:"),
            ("Irrelevant", Verdict.IRRELEVANT, ":material/block:"),
        ):
            st.button(
                label, icon=icon, key=f"decide_{verdict}", on_click=_decide,
                args=(chosen, str(row["anchor_id"]), str(row["neighbour_id"]), verdict),
            )  # fmt: skip


def _decide(chosen: Campaign, anchor: str, neighbour: str, verdict: Verdict) -> None:
    facade, name = recommender(), curator_name()
    if name is None:
        say("Say who you are first, at the top right.")
        return
    vote = Vote(client_id=str(uuid.uuid4()), neighbour_id=neighbour, verdict=verdict)
    k = settings().serving.neighbours
    judgements().add([judgement_in_release(vote, facade, anchor, rater=name, source=Source.ADJUDICATION, k=k)])
    say("Decided", ":material/gavel:")


def _health(chosen: Campaign) -> None:
    table = rater_health(votes_on_cards(judgements(), chosen.id))
    if table.empty:
        return
    with st.expander("How steady people are", icon=":material/monitor_heart:"):
        for name in ("steady", "strictness", "drift"):
            table[name] *= 100
        share = {"format": "%.0f %%"}
        st.dataframe(
            table, hide_index=True, width="stretch",
            column_config={
                "rater": "Who",
                "votes": st.column_config.NumberColumn("Judgements", format="localized"),
                "steady": st.column_config.NumberColumn("Answered a repeated card alike", **share),
                "repeated": st.column_config.NumberColumn("Repeated", format="localized"),
                "strictness": st.column_config.NumberColumn("Stricter than others on the same", **share),
                "shared": st.column_config.NumberColumn("Shared with others", format="localized"),
                "drift": st.column_config.NumberColumn("Stricter later than earlier", **share),
                "seconds": st.column_config.NumberColumn("Seconds a card", format="%.1f"),
            },
        )  # fmt: skip
        st.caption("Only leads see this. Empty fields: too little is known.")


def _files(chosen: Campaign, votes: pd.DataFrame) -> None:
    if votes.empty:
        return
    st.subheader("Files", anchor=False)
    name = "".join(char if char.isalnum() else "-" for char in chosen.name.lower())
    files = {
        **{one.name: (partial(one.to_bytes, votes), one.endings[0], one.mime) for one in FORMATS},
        "TREC qrels": (lambda: qrels(votes).encode(), ".qrels", "text/plain"),
        "Evidence pack": (
            lambda: evidence_pack(
                judgements(), chosen, workspace(), k=settings().serving.neighbours, seed=settings().seed
            ),
            ".zip",
            "application/zip",
        ),
    }
    with st.container(horizontal=True):
        for label, (make, ending, mime) in files.items():
            st.download_button(
                label, make, file_name=f"{name}{ending}", mime=mime, icon=":material/download:", on_click="ignore"
            )
    st.caption(
        "The evidence pack holds the judgements, how every card was drawn, the releases' checksums, and a script that "
        f"works the shares out again. {', '.join(one.title for one in registry.arms().values())} are the lists."
    )
