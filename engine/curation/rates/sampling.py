"""The sampling record as tables: the votes given on cards with the chances they were drawn with, and the lists in which pairs were.

A product's chance is worked out from its campaign: products of a stratum are drawn in a random order, so of a stratum
of `stratum_size` whose order was followed down to place p each product had the chance p / stratum_size. A product that
somebody chose had none, which is NaN here: no rate of the shop may use it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from sqlalchemy import select

from engine.curation.judgements import JudgementStore
from engine.curation.votes import Verdict
from engine.store import CampaignAnchorRow, CampaignRow, CardRow, Database

__all__ = ["card_appearances", "cards_of", "drawn", "votes_on_cards"]

VOTE_COLUMNS = (
    "id", "campaign_id", "card_id", "card_kind", "anchor_id", "neighbour_id", "rater", "verdict", "implied", "reason",
    "created_at", "release_id", "stratum", "anchor_count", "anchor_probability", "pair_probability", "seconds",
)  # fmt: skip


def cards_of(database: Database, campaign_id: str | None = None) -> pd.DataFrame:
    """One row per card that was judged: card_id, campaign_id, card_kind, of, stratum, anchor_probability, pair_probability,
    seconds, drawn_at, pairs, lists.
    """
    query = (
        select(
            CardRow.id.label("card_id"), CardRow.campaign_id, CardRow.kind.label("card_kind"), CardRow.of,
            CardRow.anchor_id, CardRow.stratum, CardRow.pair_probability, CardRow.seconds, CardRow.drawn_at,
            CardRow.pairs, CardRow.lists, CampaignAnchorRow.position, CampaignAnchorRow.stratum_size,
            CampaignRow.kind.label("campaign_kind"),
        )
        .join(CampaignRow, CampaignRow.id == CardRow.campaign_id)
        .join(
            CampaignAnchorRow,
            (CampaignAnchorRow.campaign_id == CardRow.campaign_id)
            & (CampaignAnchorRow.anchor_id == CardRow.anchor_id),
        )
        .where(CardRow.state == "judged")
        .order_by(CardRow.drawn_at, CardRow.id)
    )  # fmt: skip
    if campaign_id is not None:
        query = query.where(CardRow.campaign_id == campaign_id)
    with database.reading() as session:
        rows = [tuple(row) for row in session.execute(query)]
    names = [column["name"] for column in query.column_descriptions]
    cards = pd.DataFrame.from_records(rows, columns=names)
    followed = cards.groupby(["campaign_id", "stratum"])["position"].transform("max")
    chance = followed.astype("float64") / cards["stratum_size"].astype("float64")
    cards["anchor_probability"] = chance.where(cards["campaign_kind"] != "chosen")
    return cards.drop(columns=["position", "stratum_size", "campaign_kind"])


def drawn(store: JudgementStore, campaign_id: str | None = None, current: pd.DataFrame | None = None) -> pd.DataFrame:
    """The votes in force that were given on cards, repetitions left out.

    Columns: id, campaign_id, card_id, card_kind ("first" or "second"), anchor_id, neighbour_id, rater, verdict, implied,
    reason, created_at, release_id, stratum, anchor_count, anchor_probability (NaN where products were chosen),
    pair_probability, seconds (the card was looked at).

    Parameters
    ----------
    current : the votes in force, where they were read already.
    """
    return _joined(store.current() if current is None else current, store, campaign_id)


def votes_on_cards(store: JudgementStore, campaign_id: str | None = None) -> pd.DataFrame:
    """As `drawn`, with the votes on repeated cards (card_kind "repeat"): what says how steady a rater is."""
    log = store.log()
    newest = log.sort_values("id").drop_duplicates(["card_id", "neighbour_id", "rater"], keep="last")
    return _joined(newest[newest["verdict"] != Verdict.WITHDRAWN], store, campaign_id)


def card_appearances(database: Database, campaign_id: str | None = None) -> pd.DataFrame:
    """In which lists the pairs of judged cards were: release_id, anchor_id, neighbour_id, arm, rank, listed (the list's length)."""
    rows: list[tuple[Any, ...]] = []
    cards = cards_of(database, campaign_id)
    for anchor, pairs, lists in zip(cards["anchor_id"], cards["pairs"], cards["lists"], strict=True):
        for neighbour, releases in pairs:
            for release, arms in releases.items():
                rows += [(release, anchor, neighbour, arm, rank, lists[release][arm]) for arm, rank in arms.items()]
    appearances = pd.DataFrame(rows, columns=["release_id", "anchor_id", "neighbour_id", "arm", "rank", "listed"])
    text = dict.fromkeys(("release_id", "anchor_id", "neighbour_id", "arm"), "str")
    return appearances.drop_duplicates(ignore_index=True).astype(text | {"rank": "int64", "listed": "int64"})


def _joined(votes: pd.DataFrame, store: JudgementStore, campaign_id: str | None) -> pd.DataFrame:
    cards = cards_of(store.database, campaign_id).drop(columns=["anchor_id", "of", "drawn_at", "pairs", "lists"])
    table = votes.merge(cards.astype({"card_id": votes["card_id"].dtype}), on="card_id")
    table["seconds"] = table["seconds"].astype("float64")
    table["anchor_probability"] = table["anchor_probability"].astype(np.float64)
    return table[list(VOTE_COLUMNS)]
