"""The rates of irrelevance that are published: page, chart, export and evidence pack take them from here alone.

Judgements of three kinds are never mixed. Whole lists, judged on the product's page: a list counts once it is judged to
the end. Review cards of a campaign: each pair counts by the chance it was drawn with, so the rate is the shop's. Cards of
products that somebody chose: the rate is that of these products alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from engine.core.workspace import Workspace
from engine.curation.campaigns import Campaign, campaigns
from engine.curation.judgements import JudgementStore
from engine.curation.rates.irrelevance import (
    TABLE_COLUMNS,
    bin_bounds,
    bin_label,
    current_lists,
    irrelevance_by_count,
)
from engine.curation.rates.sampling import card_appearances, drawn
from engine.curation.rates.weighted import anchor_rates, stratum_rates
from engine.curation.training_judgements import not_trained_on
from engine.curation.votes import Source
from engine.recommend.recommender import Recommender

__all__ = [
    "Basis",
    "CampaignRates",
    "ListRates",
    "campaign_rates",
    "judged_campaigns",
    "list_rates",
    "shop_rates",
    "votes_of",
]

Basis = Literal["lists", "cards"]
"""Judgements on whole lists, or on review cards."""


@dataclass(frozen=True)
class ListRates:
    """The rates of whole lists.

    Attributes
    ----------
    table : as `irrelevance_by_count` gives it.
    votes : those it was made of, in the shape of `JudgementStore.current`.
    appearances : the positions of the judged pairs in the lists of their time and in the release's now, in the shape of
        `JudgementStore.appearances`.
    trained_on : how many products' judgements are left out because the release learned from them.
    """

    table: pd.DataFrame
    votes: pd.DataFrame
    appearances: pd.DataFrame
    trained_on: int


@dataclass(frozen=True)
class CampaignRates:
    """The rates of one campaign's cards in one release.

    Attributes
    ----------
    table : as `irrelevance_by_count` gives it.
    strata : as `stratum_rates` gives them.
    anchors : release id -> `anchor_rates`, of each release that the campaign judges.
    votes, appearances : what they were made of, as `drawn` and `card_appearances` give them. A product that somebody
        chose has the chance 1: it represents itself alone.
    """

    campaign: Campaign
    release_id: str
    table: pd.DataFrame
    strata: pd.DataFrame
    anchors: Mapping[str, pd.DataFrame]
    votes: pd.DataFrame
    appearances: pd.DataFrame


def shop_rates(
    store: JudgementStore, release: Recommender, workspace: Workspace, *, k: int = 10, seed: int = 0
) -> pd.DataFrame:
    """Every published rate: of whole lists, and of every campaign that has judgements.

    The columns of `irrelevance_by_count` behind basis ("lists" or "cards"), campaign (its name; empty for lists) and
    release_id. Parameters as for `list_rates`.
    """
    current = store.current()
    lists = list_rates(store, release, workspace, votes_of(current, "lists"), k=k, seed=seed)
    parts = [lists.table.assign(basis="lists", campaign="", release_id=release.release_id)]
    on_cards = drawn(store)
    found = judged_campaigns(store, on_cards)
    for one in found:
        votes = on_cards[on_cards["campaign_id"] == one.id]
        for release_id in filter(None, (one.release_id, one.other_release_id)):
            rates = campaign_rates(store, one, workspace, votes, release_id=release_id, k=k)
            parts.append(rates.table.assign(basis="cards", campaign=one.name, release_id=release_id))
    if not found:
        cards = list_rates(
            store, release, workspace, votes_of(current, "cards"), k=k, seed=seed, whole_lists_only=False
        )
        parts.append(cards.table.assign(basis="cards", campaign="", release_id=release.release_id))
    return pd.concat(parts, ignore_index=True)[["basis", "campaign", "release_id", *TABLE_COLUMNS]]


def votes_of(current: pd.DataFrame, basis: Basis) -> pd.DataFrame:
    """The votes in force (`JudgementStore.current`) of one kind."""
    return current[(current["source"] == Source.REVIEW) == (basis == "cards")]


def list_rates(
    store: JudgementStore,
    release: Recommender,
    workspace: Workspace,
    votes: pd.DataFrame,
    *,
    k: int = 10,
    seed: int = 0,
    whole_lists_only: bool = True,
    lists_now: pd.DataFrame | None = None,
) -> ListRates:
    """The rates by these votes. What a release was trained on does not score it.

    Parameters
    ----------
    votes : those to count, from `votes_of`.
    whole_lists_only : count a list once everything on it is judged. What is on a review card always is, so there a part
        of a list speaks for the whole.
    lists_now : `current_lists` of the votes' anchors, where the caller has them already.
    """
    learned = votes["anchor_id"].isin(release.trained_on)
    fit = votes[~learned]
    if lists_now is None:
        lists_now = current_lists(release, sorted(set(fit["anchor_id"])), k)
    appearances = not_trained_on(pd.concat([store.appearances(), lists_now], ignore_index=True), workspace)
    table = irrelevance_by_count(fit, appearances, k=k, seed=seed, complete_only=whole_lists_only)
    return ListRates(table, fit, appearances, int(votes.loc[learned, "anchor_id"].nunique()))


def judged_campaigns(store: JudgementStore, votes: pd.DataFrame) -> list[Campaign]:
    """The campaigns on whose cards there are votes (`drawn`), in the order of `campaigns`."""
    judged = set(votes["campaign_id"])
    return [one for one in campaigns(store.database) if one.id in judged]


def campaign_rates(
    store: JudgementStore,
    campaign: Campaign,
    workspace: Workspace,
    votes: pd.DataFrame,
    *,
    release_id: str | None = None,
    k: int = 10,
    implied: bool = True,
    reason: str | None = None,
) -> CampaignRates:
    """The rates by a campaign's cards. What a release was trained on does not score it.

    Parameters
    ----------
    votes : those on its cards to count, from `drawn`.
    release_id : whose lists; the campaign's own unless it judges two releases and the other is asked for.
    implied, reason : as for `anchor_rates`.
    """
    if campaign.kind == "chosen":
        votes = votes.assign(anchor_probability=1.0)
    appearances = not_trained_on(card_appearances(store.database, campaign.id), workspace)
    anchors = {
        release: anchor_rates(
            votes, appearances[appearances["release_id"] == release], k=k, implied=implied, reason=reason
        )
        for release in (campaign.release_id, campaign.other_release_id)
        if release
    }
    wanted = release_id or campaign.release_id
    strata = stratum_rates(anchors[wanted])
    return CampaignRates(campaign, wanted, _by_count(strata), strata, anchors, votes, appearances)


def _by_count(strata: pd.DataFrame) -> pd.DataFrame:
    """Rates of strata, which are the bins of the interaction count, in the columns of `irrelevance_by_count`."""
    numbers = [int(number) for number in strata["stratum"]]
    bounds = np.array([bin_bounds(number) for number in numbers], dtype=np.int64).reshape(-1, 2)
    labels = pd.array([bin_label(number) for number in numbers], dtype="str")
    table = strata.assign(
        bin_low=bounds[:, 0], bin_high=bounds[:, 1], bin_label=labels, judged=strata["pairs"], unsure=0
    )
    return table[list(TABLE_COLUMNS)]
