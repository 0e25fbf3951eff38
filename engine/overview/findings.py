"""What there is to say of a release and to do about it, worked out in one go: takes seconds at 100,000 products, so once for a version."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from engine.arms.registry import SERVED
from engine.catalogue.traffic import LEVELS, Traffic
from engine.core.workspace import Workspace
from engine.curation.agreement import disputed
from engine.curation.campaigns import campaigns
from engine.curation.judgements import JudgementStore
from engine.curation.rates.irrelevance import judged_lists
from engine.curation.rates.sampling import drawn
from engine.curation.rates.shop_rates import campaign_rates, votes_of
from engine.curation.votes import SURE, Source, Verdict
from engine.overview.concentration import TrafficGroup, products_carrying, traffic_groups
from engine.overview.duplicates import near_duplicates
from engine.overview.gaps import Gap, find_gaps
from engine.overview.list_shape import hubs, lists_with, orphans, weak_lists
from engine.overview.trust import Trust, trust
from engine.recommend.recommender import Recommender
from engine.release.top_lists import TopLists

__all__ = [
    "BAD",
    "COMPARED",
    "CatalogueFindings",
    "JudgedFindings",
    "flagged_lists",
    "look_at_catalogue",
    "look_at_judgements",
    "replaced_lists",
]

COMPARED = ("als", SERVED)
"""The arms whose lists are compared: behaviour, and what the shop shows."""
BAD = 0.3
"""A list is bad where people called this share of its neighbours irrelevant."""


@dataclass(frozen=True)
class CatalogueFindings:
    """What a release says of itself. Rows are positions in its catalogue, those to look at first in front.

    Attributes
    ----------
    carrying : how many products have 80 % of all interactions.
    groups : one for each level of traffic.
    on_lists : (n_items,) on how many of the shop's lists a product stands.
    hubs, orphans, weak : products on too many lists, on none, and those whose own list looks weak.
    behaviour_orphans : how many products stand on no list by behaviour.
    gaps : parts of the content that some products lack.
    duplicates : groups of products that are probably the same.
    """

    carrying: int
    groups: Sequence[TrafficGroup]
    on_lists: NDArray[np.int64]
    hubs: NDArray[np.int64]
    orphans: NDArray[np.int64]
    behaviour_orphans: int
    weak: NDArray[np.int64]
    gaps: Sequence[Gap]
    duplicates: Sequence[NDArray[np.int64]]


@dataclass(frozen=True)
class JudgedFindings:
    """What people's judgements say of a release.

    Attributes
    ----------
    trust : for every level of traffic and each of `COMPARED`.
    worst : rows of the products whose shown lists are bad, the busiest and worst first.
    replaced : rows of the products from whose lists people ruled out a share of `BAD` or more, where nobody has judged yet what
        took the place of all of it; the busiest first.
    disputes : on how many pairs people disagree, and nobody decided; `disputed` are rows of their products, the most evenly split first.
    judgements : how many are in force, and `samples` whether some are samples.
    """

    trust: Sequence[Trust]
    worst: NDArray[np.int64]
    replaced: NDArray[np.int64]
    disputes: int
    disputed: NDArray[np.int64]
    judgements: int
    samples: bool


def look_at_catalogue(release: Recommender, k: int = 10) -> CatalogueFindings:
    """Everything that needs no judgements; `k` neighbours of every list are shown."""
    items, kinds = release.items, release.attribute_kinds
    counts = items["interaction_count"].to_numpy()
    shown = release.top_lists(SERVED)
    on_lists = lists_with(shown.rows, k)
    weak, _ = weak_lists(shown.rows, shown.scores, counts, k)
    return CatalogueFindings(
        carrying=products_carrying(counts),
        groups=traffic_groups(counts, Traffic.of(counts)),
        on_lists=on_lists,
        hubs=hubs(on_lists),
        orphans=orphans(on_lists, counts),
        behaviour_orphans=int((lists_with(release.top_lists("als").rows, k) == 0).sum()),
        weak=weak,
        gaps=find_gaps(items, kinds, release.plan.trials.modalities, release.training.get("shares", ())),
        duplicates=near_duplicates(items, np.asarray(release.arm("content").query), kinds, shown.rows),
    )


def look_at_judgements(
    store: JudgementStore,
    release: Recommender,
    workspace: Workspace,
    k: int = 10,
    ruled_out: Mapping[str, Collection[str]] = MappingProxyType({}),
    traffic: Traffic | None = None,
) -> JudgedFindings:
    """Everything that judgements say of the release. What it learned from does not score it.

    Only lists that somebody judged or ruled something out of are looked at: there may be a million others.

    Parameters
    ----------
    ruled_out : product -> the neighbours that people ruled out beside it: they are not shown.
    traffic : of the release, where it is known already.
    """
    current = store.current()
    on_cards = drawn(store, current=current)
    counts, disputes = release.items["interaction_count"].to_numpy(), _disputes(on_cards, release, current)
    said, out = _said(current, release), {release.row(one): ruled_out[one] for one in ruled_out if one in release}
    rows = np.union1d(said["anchor"].to_numpy(dtype=np.int64), np.array(list(out), dtype=np.int64))
    top = release.top_lists(SERVED).rows[rows]
    shown = _without(top, k, release, {int(np.searchsorted(rows, row)): out[row] for row in out})
    said = said.assign(anchor=np.searchsorted(rows, said["anchor"]))
    traffic = traffic or Traffic.of(counts)
    return JudgedFindings(
        trust=_trust(store, release, workspace, current, on_cards, k, traffic),
        worst=rows[flagged_lists(said, counts[rows], shown)],
        replaced=rows[replaced_lists(said, counts[rows], top[:, :k], shown)],
        disputes=len(disputes),
        disputed=np.array([release.row(one) for one in disputes["anchor_id"].unique()], dtype=np.int64),
        judgements=len(current),
        samples=bool((current["source"] == Source.DEMO).any()),
    )


def flagged_lists(said: pd.DataFrame, counts: NDArray[np.integer], shown: NDArray[np.integer]) -> NDArray[np.int64]:
    """Places of the products of whose list people called a share of `BAD` or more irrelevant, by that share times interactions.

    Neighbours that nobody judged count as fitting.

    Parameters
    ----------
    said : one row a judged pair: anchor (a place among those looked at), neighbour (a row), bad (share of raters who call it irrelevant).
    counts : (n,) interactions of the products looked at. shown : (n, k) their lists, -1 where there is no neighbour.
    """
    anchors, neighbours, bad = (said[name].to_numpy() for name in ("anchor", "neighbour", "bad"))
    on_it = (shown[anchors] == neighbours[:, None]).any(axis=1)
    total = np.bincount(anchors[on_it], weights=bad[on_it], minlength=len(shown))
    lengths = (shown >= 0).sum(axis=1)
    irrelevant = np.divide(total, lengths, out=np.zeros(len(shown)), where=lengths > 0)
    found = np.flatnonzero(irrelevant >= BAD - 1e-9)
    return found[np.argsort(-irrelevant[found] * (counts[found] + 1), kind="stable")]


def replaced_lists(
    said: pd.DataFrame, counts: NDArray[np.integer], before: NDArray[np.integer], shown: NDArray[np.integer]
) -> NDArray[np.int64]:
    """Places of the products of whose list a share of `BAD` or more is no longer shown, and not all that is shown was judged.

    Parameters
    ----------
    said, counts, shown : as for `flagged_lists`. before : (n_items, k) the lists before anything was ruled out.
    """
    candidates = np.flatnonzero((before != shown).any(axis=1))
    judged = set(zip(said["anchor"].tolist(), said["neighbour"].tolist(), strict=True))
    found = []
    for row in candidates.tolist():
        now = [one for one in shown[row].tolist() if one >= 0]
        gone = len({one for one in before[row].tolist() if one >= 0} - set(now))
        if gone >= BAD * len(now) - 1e-9 and any((row, one) not in judged for one in now):
            found.append(row)
    rows = np.array(found, dtype=np.int64)
    return rows[np.argsort(-counts[rows], kind="stable")]


def _said(current: pd.DataFrame, release: Recommender) -> pd.DataFrame:
    """The judged pairs of products that the release has: anchor, neighbour (rows), bad (share of raters, 0 to 1)."""
    sure = current[current["verdict"].isin(SURE)]
    bad = sure.assign(bad=(sure["verdict"] == Verdict.IRRELEVANT).astype("float64"))
    pairs = bad.groupby(["anchor_id", "neighbour_id"], as_index=False)["bad"].mean()
    rows = {name: release.rows_of(pairs[f"{name}_id"].tolist()) for name in ("anchor", "neighbour")}
    table = pd.DataFrame({**rows, "bad": pairs["bad"]})
    return table[(table["anchor"] >= 0) & (table["neighbour"] >= 0)]


def _without(
    top: NDArray[np.int32], k: int, release: Recommender, out: Mapping[int, Collection[str]]
) -> NDArray[np.int32]:
    """(n, k), lists without what was ruled out, by place: what follows moves up."""
    shown = top[:, :k].copy()
    for place, ids in out.items():
        gone = {release.row(one) for one in ids if one in release}
        left = [one for one in top[place].tolist() if one >= 0 and one not in gone][:k]
        shown[place] = [*left, *[-1] * (k - len(left))]
    return shown


def _trust(
    store: JudgementStore,
    release: Recommender,
    workspace: Workspace,
    current: pd.DataFrame,
    on_cards: pd.DataFrame,
    k: int,
    traffic: Traffic,
) -> list[Trust]:
    votes = votes_of(current, "lists")
    votes = votes[~votes["anchor_id"].isin(release.trained_on)]
    lists = judged_lists(votes, _lists_now(release, votes["anchor_id"], k), k=k)
    rates = _card_rates(store, on_cards, release, workspace, k)
    return trust(COMPARED, LEVELS, lists, rates, release.metrics, traffic)


def _lists_now(release: Recommender, anchor_ids: pd.Series, k: int) -> pd.DataFrame:
    """The release's lists of these products, in the shape of `JudgementStore.appearances`."""
    ids = release.items["item_id"]
    anchors = np.array(sorted({release.row(one) for one in set(anchor_ids) if one in release}), dtype=np.int64)
    parts = [_listed(release.top_lists(arm), arm, anchors, k) for arm in COMPARED]
    table = pd.concat(parts, ignore_index=True)
    counts = release.items["interaction_count"].to_numpy()
    return pd.DataFrame(
        {
            "anchor_id": pd.array(ids.iloc[table["anchor"]].tolist(), dtype="str"),
            "neighbour_id": pd.array(ids.iloc[table["neighbour"]].tolist(), dtype="str"),
            "arm": table["arm"].astype("str"),
            "rank": table["rank"],
            "anchor_count": counts[table["anchor"]],
            "listed": table["listed"],
            "release_id": pd.array([release.release_id] * len(table), dtype="str"),
            "last_id": 0,
        }
    )


def _listed(lists: TopLists, arm: str, anchors: NDArray[np.int64], k: int) -> pd.DataFrame:
    shown = lists.rows[anchors, :k]
    places, ranks = np.nonzero(shown >= 0)
    lengths = (shown >= 0).sum(axis=1)
    return pd.DataFrame(
        {"anchor": anchors[places], "neighbour": shown[places, ranks], "rank": ranks + 1, "listed": lengths[places], "arm": arm}
    )  # fmt: skip


def _card_rates(
    store: JudgementStore, on_cards: pd.DataFrame, release: Recommender, workspace: Workspace, k: int
) -> pd.DataFrame:
    """Of the newest campaign that drew its products from this release's catalogue by chance; empty where there is none."""
    judged = set(on_cards["campaign_id"])
    for one in campaigns(store.database):
        if one.kind != "chosen" and one.release_id == release.release_id and one.id in judged:
            votes = on_cards[on_cards["campaign_id"] == one.id]
            return campaign_rates(store, one, workspace, votes, k=k).anchors[release.release_id]
    return pd.DataFrame(columns=["arm", "anchor_id", "stratum", "anchor_count", "bad", "drawn", "weight", "pairs"])


def _disputes(on_cards: pd.DataFrame, release: Recommender, current: pd.DataFrame) -> pd.DataFrame:
    """Of products that the release has."""
    pairs = disputed(on_cards, current[current["source"] == Source.ADJUDICATION])
    there = [a in release and b in release for a, b in zip(pairs["anchor_id"], pairs["neighbour_id"], strict=True)]
    return pairs[pd.Series(there, index=pairs.index, dtype=bool)].reset_index(drop=True)
