"""Campaigns: what is judged and how far along it is, how people agree, and everything to download."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial

import pandas as pd
import streamlit as st

from engine.access.roles import Action
from engine.arms import registry
from engine.core.exports import FORMATS, file_name
from engine.curation.campaigns import Campaign, campaigns, close_campaign, progress
from engine.curation.evidence import evidence_pack, qrels
from engine.curation.rates.irrelevance import bin_label
from engine.curation.rates.sampling import drawn
from ui.app.choices import menu
from ui.app.navigation import link_to
from ui.app.notices import say
from ui.app.person import only
from ui.app.resources import database, judgements, settings, shop, workspace
from ui.app.second_thoughts import Question, ask
from ui.review.campaign_agreement import draw_agreement
from ui.review.new_campaign import NEW, draw_new_campaign
from ui.review.service import open_campaigns
from ui.widgets.closing import closing
from ui.widgets.formatting import plain, release_phrase, visible_cells

__all__ = ["page"]


def page() -> None:
    """One campaign at a time, chosen in the address; a form for a new one."""
    st.title("Campaigns", anchor=False)
    open_campaigns()  # Everyday exists from now on
    everything = campaigns(database())
    now = datetime.now(UTC)
    by_id = {one.id: one for one in everything}
    titles = {one.id: _title(one, now) for one in everything}
    with st.container(horizontal=True, vertical_alignment="bottom"):
        first = everything[0].id
        chosen = by_id[menu("Campaign", "campaign", titles, key="campaigns_chosen", default=first, width=420)]
        with st.popover("New campaign", icon=":material/add:", key=closing(NEW), **only(Action.RUN_CAMPAIGNS)):
            draw_new_campaign()
    _about(chosen, now)
    _progress(chosen)
    votes = _votes(str(workspace().root), judgements().last_id(), chosen.id)
    draw_agreement(chosen, votes)
    _files(chosen, votes)


def _title(one: Campaign, now: datetime) -> str:
    return f"{one.name}{'' if one.is_open(now) else ' (ended)'}, {release_phrase(one.release_id)}"


def _about(chosen: Campaign, now: datetime) -> None:
    lists = ", ".join(registry.title_of(arm) for arm in chosen.arms)
    releases = release_phrase(chosen.release_id)
    if chosen.other_release_id:
        releases = f"{releases} and {release_phrase(chosen.other_release_id)}"
    until = f", until {chosen.deadline:%d %B %Y}" if chosen.deadline else ""
    st.caption(
        f"{lists} of {releases}{until}. Products: {plain(chosen.sampling)}. Two people judge {chosen.second_share:.0%} of them; "
        f"{chosen.repeat_share:.0%} of the cards come back to the same person."
    )
    with st.container(horizontal=True):
        link_to("review", "Judge", ":material/checklist:")
        if chosen.kind != "everyday" and chosen.is_open(now):
            st.button(
                "End this campaign", icon=":material/flag:", on_click=_close, args=(chosen,),
                **only(Action.RUN_CAMPAIGNS),
            )  # fmt: skip


def _progress(chosen: Campaign) -> None:
    table = progress(database(), chosen.id)
    word = shop().interaction_word
    table["group"] = [bin_label(int(number)) for number in table["stratum"]]
    table["share"] = 100 * (table["done"] / table["target"]).clip(upper=1)
    st.dataframe(
        visible_cells(table), hide_index=True, width="stretch", column_order=("group", "share", "done", "target", "size"),
        column_config={
            "group": word.capitalize(),
            "share": st.column_config.ProgressColumn("Judged", format="%.0f%%", min_value=0, max_value=100),
            "done": st.column_config.NumberColumn("Products judged", format="localized"),
            "target": st.column_config.NumberColumn("Target", format="localized"),
            "size": st.column_config.NumberColumn("In the shop", format="localized"),
        },
    )  # fmt: skip


def _close(chosen: Campaign) -> None:
    """Callback: ask, and end it."""

    def act() -> None:
        close_campaign(database(), chosen.id)
        say("Ended: no more cards will be drawn", ":material/flag:")

    table = progress(database(), chosen.id)
    done, wanted = int(table["done"].sum()), int(table["target"].sum())
    says = [
        f"{done:,} of {wanted:,} products are judged. No more cards are drawn; cards that people hold can still be judged.",
        "A campaign cannot be opened again. Its judgements stay, and so do its figures.",
    ]
    ask(Question(f"End “{chosen.name}”?", says, "End this campaign", act))


def _files(chosen: Campaign, votes: pd.DataFrame) -> None:
    if votes.empty:
        return
    st.subheader("Files", anchor=False)
    k, seed = settings().serving.neighbours, settings().seed
    files: dict[str, tuple[Callable[[], bytes], str, str]] = {
        **{one.name: (partial(one.to_bytes, votes), one.endings[0], one.mime) for one in FORMATS},
        "TREC qrels": (lambda: qrels(votes).encode(), ".qrels", "text/plain"),
        "Evidence pack": (
            lambda: evidence_pack(judgements(), chosen, workspace(), k=k, seed=seed),
            ".zip",
            "application/zip",
        ),
    }
    with st.container(horizontal=True):
        for label, (make, ending, mime) in files.items():
            st.download_button(
                plain(label),
                make,
                file_name=file_name(chosen.name, ending),
                mime=mime,
                icon=":material/download:",
                on_click="ignore",
            )
    st.caption(
        "The evidence pack holds the judgements, how every card was drawn, the releases' checksums, and a script that "
        f"recalculates the shares. The lists are {', '.join(map(registry.title_of, registry.arms()))}."
    )


@st.cache_resource(show_spinner=False, max_entries=8)
def _votes(root: str, last_id: int, campaign_id: str) -> pd.DataFrame:
    """The votes on a campaign's cards, read again once something was judged; do not change the table."""
    return drawn(judgements(), campaign_id)
