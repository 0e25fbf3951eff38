"""The Irrelevance page of review cards: weighted rates of a campaign, where behaviour catches up, what to judge next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import streamlit as st

from engine.arms.registry import title_of
from engine.curation.campaigns import Campaign, progress
from engine.curation.rates.irrelevance import bin_label, current_lists
from engine.curation.rates.overall import shares, sizes_of
from engine.curation.rates.planning import cards_to_separate, crossover, crossover_sentence, seconds_per_card
from engine.curation.rates.sampling import drawn
from engine.curation.rates.shop_rates import CampaignRates, campaign_rates, judged_campaigns
from engine.curation.rates.weighted import overall_difference, paired_differences
from engine.curation.votes import Reason
from ui.app.choices import menu, switch
from ui.app.person import curator_name
from ui.app.resources import judgements, recommender, workspace
from ui.widgets.formatting import plural, release_phrase

__all__ = ["CampaignSummary", "between_releases", "campaign_summary"]

SAID = {"": "All judgements", "said": "Explicit judgements only"}
SLOW_CARD = 25.0  # seconds a card takes somebody whose pace is not known yet


@dataclass(frozen=True)
class CampaignSummary:
    """`table` is fit for the irrelevance chart, and `sizes` says what each of its ranges weighs; `sentences` say what it means."""

    table: pd.DataFrame
    sizes: dict[int, float]
    sentences: list[str]
    judged: int
    products: int


def campaign_summary(current: pd.DataFrame, word: str, k: int) -> CampaignSummary | None:
    """The rates of the campaign in the address, from those of its votes that are in `current`; None where there are none."""
    store = judgements()
    everything = drawn(store)
    by_id = {one.id: one for one in judged_campaigns(store, everything)}
    if not by_id:
        return None
    campaign_id, implied, reason = _asked(list(by_id.values()))
    chosen = by_id[campaign_id]
    votes = everything[(everything["campaign_id"] == campaign_id) & everything["id"].isin(current["id"])]
    rates = campaign_rates(
        store, chosen, workspace(), votes, release_id=_release(chosen), k=k, implied=implied, reason=reason
    )
    groups = progress(store.database, campaign_id)
    sentences = [f"{chosen.name}: {chosen.sampling}."]
    if chosen.kind == "chosen":
        sentences.append(
            "These products were hand-picked, not drawn at random, so the shares are theirs alone, not the shop's."
        )
    sentences += _said(rates, everything, groups, word)
    if chosen.other_release_id:
        sentences += between_releases(rates.anchors, chosen, groups)
    sentences += _reused(rates.votes, k)
    return CampaignSummary(
        rates.table, sizes_of(groups), sentences, len(rates.votes), rates.votes["anchor_id"].nunique()
    )


def _asked(some: Sequence[Campaign]) -> tuple[str, bool, str | None]:
    """What the address asks for, with menus to change it: the campaign's id, whether implied judgements count, the reason."""
    titles = {one.id: f"{one.name}, {release_phrase(one.release_id)}" for one in some}
    reasons = {"": "Any reason"} | {one.value: one.words for one in Reason}
    with st.container(horizontal=True, vertical_alignment="bottom"):
        campaign_id = menu("Campaign", "campaign", titles, key="rates_campaign", default=some[0].id, width=320)
        said = menu("Judgements", "said", SAID, key="rates_said", width=240)
        reason = menu("Reason", "reason", reasons, key="rates_reason", width=220)
    return campaign_id, not said, reason or None


def _release(chosen: Campaign) -> str:
    """Whose lists are drawn: where a campaign judges two releases, the one in the address."""
    if not chosen.other_release_id:
        return chosen.release_id
    both = {one: release_phrase(one).capitalize() for one in (chosen.release_id, chosen.other_release_id)}
    return switch("Of", "of", both, key="rates_of", default=chosen.release_id, label_visibility="visible")


def between_releases(by_release: Mapping[str, pd.DataFrame], chosen: Campaign, groups: pd.DataFrame) -> list[str]:
    """How Longtail's list differs between the two releases, at the same products."""
    own = [table[table["arm"] == "hybrid"].assign(arm=release) for release, table in by_release.items()]
    apart = paired_differences(pd.concat(own), chosen.release_id, str(chosen.other_release_id))
    sizes = dict(zip(groups["stratum"].astype(int), groups["size"].astype(float), strict=True))
    found = overall_difference(apart, sizes)
    if found is None:
        return []
    difference, low, high = (100 * value for value in found)
    first, second = (
        release_phrase(chosen.release_id).capitalize(),
        release_phrase(str(chosen.other_release_id)).capitalize(),
    )
    if low <= 0 <= high:
        return [
            f"Longtail's lists of {first} and {second} cannot be told apart yet ({low:+.0f} to {high:+.0f} points irrelevant)."
        ]
    fewer = "fewer" if difference < 0 else "more"
    ends = sorted((abs(low), abs(high)))
    return [
        f"Longtail shows {abs(difference):.0f} points {fewer} irrelevant neighbours in {first} than in {second} on the same "
        f"products (95% interval: {ends[0]:.0f}–{ends[1]:.0f})."
    ]


def _said(rates: CampaignRates, everything: pd.DataFrame, groups: pd.DataFrame, word: str) -> list[str]:
    said = []
    if overall := shares(rates.table, sizes_of(groups)):
        parts = [f"{title_of(arm)} {one}" for arm, one in overall.items()]
        said.append(f"Irrelevant across all judged products: {', '.join(parts)}; 95% intervals.")
    apart = paired_differences(rates.anchors[rates.release_id], "als", "hybrid")
    if apart.empty:
        return said
    found = crossover(apart)
    if found is not None:
        said.append(f"{crossover_sentence(found, word)}.")
    return [*said, *_plan(apart, everything, word)]


def _plan(apart: pd.DataFrame, everything: pd.DataFrame, word: str) -> list[str]:
    """What more cards would tell, for the group where the lists are not told apart and it takes the fewest."""
    columns = (apart[name].tolist() for name in ("difference", "error", "anchors", "stratum"))
    plans = [
        (cards, int(stratum))
        for difference, error, anchors, stratum in zip(*columns, strict=True)
        if (cards := cards_to_separate(difference, error, anchors))
    ]
    if not plans:
        sure = bool((apart["low"].gt(0) | apart["high"].lt(0)).all())
        return ["Behaviour and Longtail clearly differ in every group that was judged."] if sure else []
    cards, stratum = min(plans)
    name = curator_name()
    pace = seconds_per_card(everything, name) if name else None
    minutes = max(1, round(cards * (pace or SLOW_CARD) / 60))
    speed = "at your pace" if pace else f"at {SLOW_CARD:.0f} seconds per card"
    return [
        f"{plural(cards, 'more card')} with {bin_label(stratum)} {word} would most likely settle how Behaviour and Longtail "
        f"differ there: about {plural(minutes, 'minute')} {speed}."
    ]


def _reused(votes: pd.DataFrame, k: int) -> list[str]:
    """How much of what the release now served shows is judged, be it on an earlier one."""
    facade = recommender()
    anchors = [anchor for anchor in dict.fromkeys(votes["anchor_id"]) if anchor in facade]
    if not anchors:
        return []
    lists = current_lists(facade, anchors, k)
    known = set(zip(votes["anchor_id"], votes["neighbour_id"], strict=True))
    judged = np.fromiter(
        (pair in known for pair in zip(lists["anchor_id"], lists["neighbour_id"], strict=True)), bool, len(lists)
    )
    share = lists.assign(judged=judged).groupby("arm")["judged"].mean()
    parts = [f"{title_of(arm)} {value:.0%}" for arm, value in share.items() if arm in ("als", "hybrid")]
    return [
        f"Share of what {facade.manifest.label} shows beside these products that is already judged: {', '.join(parts)}."
    ]
