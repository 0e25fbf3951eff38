"""How many of the neighbours an arm shows are irrelevant, against how much traffic the anchor has.

**Only finished lists count.** Where people flag what is bad and pass over what is good, the judged pairs alone say 100 %
irrelevant. So an anchor counts for an arm only when everything that the arm's list showed, down to rank k, is judged,
be it by a click on "The rest fit"; `open_flags` says what is left out. A pair is judged once for every arm that
returned it. Where a list was finished in several releases, the newest stands for the anchor.

**Votes.** A pair's irrelevance is the mean over its raters' latest votes. A pair about which everybody was unsure is
judged, so it does not keep its list open, but it is in no rate.

**Bins** are powers of two of the anchor's interaction count at the time: 0, 1, 2, 3-4, 5-8, 9-16, ...

**Intervals.** The ten neighbours of one anchor tend to stand or fall together, so anchors are resampled, not pairs:
Bayesian bootstrap (Rubin 1981), weights Exp(1) per anchor, the 2.5 and 97.5 % quantiles. With few anchors a bootstrap is
far too sure of itself, and of a rate of 0 or 1 entirely. So the interval is never narrower than Jeffreys' for as many
independent trials as the anchors are worth (Brown, Cai and DasGupta 2001, on the effective sample size of Korn and
Graubard 1998). What an anchor is worth lies between one trial, where its neighbours are all alike, and one for every
neighbour; it is estimated from all bins of the arm, and is one where they say too little. Seen in simulations with
1 to 40 anchors a bin, rates from 0.03 to 0.9 and neighbours from independent to all alike: 92 to 100 % hold the truth.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import scipy

from engine.curation.votes import SURE, Verdict

if TYPE_CHECKING:
    from engine.recommend.recommender import Recommender

__all__ = [
    "TABLE_COLUMNS",
    "bin_bounds",
    "bin_label",
    "bins_up_to",
    "count_bins",
    "current_lists",
    "irrelevance_by_count",
    "judge_next",
    "judged_lists",
    "open_flags",
]

TABLE_COLUMNS = (
    "arm",
    "bin_low",
    "bin_high",
    "bin_label",
    "rate",
    "low",
    "high",
    "judged",
    "unsure",
    "anchors",
)
PAIR = ["anchor_id", "neighbour_id"]
LIST = ["release_id", "anchor_id", "arm"]
DRAWS = 2000
DRAWN_AT_ONCE = 2_000_000
NO_EVIDENCE = 0.25  # in anchors that are all irrelevant; a few of them must be seen before anchors are worth more
NEWEST = np.iinfo(np.int64).max


def irrelevance_by_count(
    current: pd.DataFrame, appearances: pd.DataFrame, *, k: int = 10, seed: int = 0, complete_only: bool = True
) -> pd.DataFrame:
    """The irrelevance rate of each arm in each bin of the anchor's interaction count.

    Parameters
    ----------
    current : the votes in force, `JudgementStore.current()`.
    appearances : in which lists pairs were, `JudgementStore.appearances()` or `current_lists()` or both, one under the other.
    k : how far down the lists to look.
    seed : of the bootstrap; a point's interval depends on its own arm's anchors and nothing else.
    complete_only : count an anchor for an arm only when its list is judged down to rank k. Without it every judged
        pair counts, and lists of which only the bad was flagged push the rates up.

    Returns
    -------
    One row per arm and bin that has a judged list, by arm and count: arm, bin_low, bin_high (int64, both included),
    bin_label, rate, low, high (0 to 1; the 95 % interval), judged (pairs in the rate), unsure (pairs about which
    nobody was sure), anchors. `rate`, `low` and `high` are NaN where nobody was sure of anything.
    """
    anchors = judged_lists(current, appearances, k=k, complete_only=complete_only)
    anchors["bin"] = count_bins(anchors["count"].to_numpy(dtype=np.int64))
    rows = [
        _point(group, alike, seed)
        for _, arm in anchors.groupby("arm", sort=True)
        for alike in [_alikeness(arm)]
        for _, group in arm.groupby("bin", sort=True)
    ]
    table = pd.DataFrame(rows, columns=list(TABLE_COLUMNS))
    whole = dict.fromkeys(("bin_low", "bin_high", "judged", "unsure", "anchors"), "int64")
    return table.astype(
        {"arm": "str", "bin_label": "str", "rate": "float64", "low": "float64", "high": "float64"} | whole
    )


def judged_lists(
    current: pd.DataFrame, appearances: pd.DataFrame, *, k: int = 10, complete_only: bool = True
) -> pd.DataFrame:
    """The newest judged list of every arm and anchor; parameters as for `irrelevance_by_count`.

    Returns arm, anchor_id, count (the anchor's interactions), bad (sum over the pairs of the share of raters who call one
    irrelevant), judged (pairs about which somebody was sure), pairs (all that were judged).
    """
    listed_pairs, lists = _judged_lists(current, appearances, k)
    usable = lists[lists["complete"] if complete_only else lists["ranks"] > 0]
    chosen = usable.sort_values(["last_id", "release_id"]).drop_duplicates(["anchor_id", "arm"], keep="last")
    pairs = listed_pairs[listed_pairs["judged"]].merge(chosen[LIST], on=LIST)
    return (
        pairs.assign(sure=pairs["share"].notna())
        .groupby(["arm", "anchor_id"], sort=True)
        .agg(count=("anchor_count", "last"), bad=("share", "sum"), judged=("sure", "sum"), pairs=("sure", "size"))
        .reset_index()
    )


def open_flags(current: pd.DataFrame, appearances: pd.DataFrame, *, k: int = 10) -> pd.DataFrame:
    """Flagged pairs that no rate counts because no list they are in is finished: anchor_id and flags, most first."""
    listed_pairs, lists = _judged_lists(current, appearances, k)
    finished = listed_pairs.merge(lists.loc[lists["complete"], LIST], on=LIST)[PAIR].drop_duplicates()
    flagged = current.loc[current["verdict"] == Verdict.IRRELEVANT, PAIR].drop_duplicates()
    left = flagged.merge(finished, on=PAIR, how="left", indicator=True)
    counts = left[left["_merge"] == "left_only"].groupby("anchor_id").size().rename("flags").reset_index()
    return counts.sort_values(["flags", "anchor_id"], ascending=[False, True], ignore_index=True)


def current_lists(recommender: Recommender, anchor_ids: Sequence[str], k: int = 10) -> pd.DataFrame:
    """What every arm of this release shows for these anchors, in the shape of `JudgementStore.appearances()`.

    With it, pairs judged under an earlier release count where this release returns them again, and a list that is
    shorter than k is known to be whole. Two more columns say so: listed, the list's length, and anchor_count, the
    anchor's interactions now. Anchors that are no longer in the shop are left out.
    """
    counts = recommender.items["interaction_count"].to_numpy()
    rows = [
        (anchor, neighbour, arm, rank, int(counts[recommender.row(anchor)]))
        for anchor in dict.fromkeys(anchor_ids)
        if anchor in recommender
        for neighbour, arms in recommender.arms_returning(anchor, k).items()
        for arm, rank in arms.items()
    ]
    lists = pd.DataFrame(rows, columns=["anchor_id", "neighbour_id", "arm", "rank", "anchor_count"])
    lists = lists.astype({"anchor_id": "str", "neighbour_id": "str", "arm": "str", "rank": "int64"})
    lists["anchor_count"] = lists["anchor_count"].astype("int64")
    lists["listed"] = lists.groupby(["anchor_id", "arm"])["rank"].transform("size").astype("int64")
    lists["release_id"] = recommender.release_id
    lists["last_id"] = NEWEST
    return lists.astype({"release_id": "str"})


def count_bins(counts: np.ndarray) -> np.ndarray:
    """The bin of each count, (n,) int64: 0 -> 0, 1 -> 1, 2 -> 2, 3 and 4 -> 3, 5 to 8 -> 4, ...; exact, unlike a logarithm."""
    return np.where(counts > 0, 1 + np.frexp(np.maximum(counts, 1) - 1.0)[1], 0)


def bins_up_to(count: int) -> list[tuple[int, int, str]]:
    """Every bin that counts from 0 to `count` fall into: lowest and highest count, and what to call it."""
    return [(*bin_bounds(number), bin_label(number)) for number in range(int(count_bins(np.array([count]))[0]) + 1)]


def judge_next(table: pd.DataFrame, items: pd.DataFrame, judged: Sequence[str], rng: np.random.Generator) -> str | None:
    """A product whose lists would narrow the chart most: from the bin with the widest interval, none judged as yet.

    A bin where Behaviour or Longtail has no rate is wider than any (behaviour has no lists at 0 interactions); the
    lower bin is first among equals. None where every product was an anchor already.

    Parameters
    ----------
    items : `Recommender.items`.
    judged : ids of products that are anchors already.
    """
    bins = count_bins(items["interaction_count"].to_numpy(dtype=np.int64))
    bins[items["item_id"].isin(list(judged)).to_numpy()] = -1  # no row is copied: there may be a million
    left = np.flatnonzero(np.bincount(bins + 1)[1:])
    if not left.size:
        return None
    width = (table["high"] - table["low"]).fillna(1.0).set_axis(pd.MultiIndex.from_frame(table[["arm", "bin_low"]]))

    def widest(number: int) -> float:
        low = bin_bounds(number)[0]
        return max(float(width.get((arm, low), 1.0)) for arm in (("als", "hybrid") if low else ("hybrid",)))

    chosen = max(left.tolist(), key=lambda number: (widest(number), -number))
    return str(items["item_id"].iloc[int(rng.choice(np.flatnonzero(bins == chosen)))])


def _judged_lists(current: pd.DataFrame, appearances: pd.DataFrame, k: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Every appearance down to rank k with what was said about its pair, and one row per list with whether it is finished."""
    votes = current[current["verdict"] != Verdict.WITHDRAWN]
    sure = votes["verdict"].isin(SURE)
    votes = votes.assign(share=(votes["verdict"] == Verdict.IRRELEVANT).astype("float64").where(sure))
    pairs = votes.sort_values("id").groupby(PAIR, sort=False).agg(share=("share", "mean"), at=("anchor_count", "last"))
    listed_pairs = (
        appearances[appearances["rank"] <= k]
        .sort_values("last_id")
        .drop_duplicates([*LIST, "neighbour_id"], keep="last")
    )
    listed_pairs = listed_pairs.merge(pairs.assign(judged=True).reset_index(), on=PAIR, how="left")
    listed_pairs["judged"] = listed_pairs["judged"].notna()
    for column, otherwise in (("listed", k), ("anchor_count", listed_pairs["at"])):
        known = listed_pairs[column] if column in listed_pairs else pd.Series(np.nan, index=listed_pairs.index)
        listed_pairs[column] = known.fillna(otherwise)
    judged = listed_pairs[listed_pairs["judged"]]
    lists = judged.groupby(LIST, as_index=False).agg(
        ranks=("rank", "nunique"), listed=("listed", "max"), last_id=("last_id", "max")
    )
    lists["complete"] = lists["ranks"] >= lists["listed"].clip(upper=k)
    return listed_pairs, lists


def bin_bounds(number: int) -> tuple[int, int]:
    """The lowest and the highest count of a bin, by its number."""
    return (number, number) if number < 3 else (2 ** (number - 2) + 1, 2 ** (number - 1))


def bin_label(number: int) -> str:
    """What to call a bin by its number: `3–4`."""
    low, high = bin_bounds(number)
    return f"{low:,}" if low == high else f"{low:,}–{high:,}"


def _alikeness(anchors: pd.DataFrame) -> float:
    """How alike the neighbours of one anchor are, by all bins of one arm: 1 over the number of trials it is worth.

    The spread of the anchors' rates within their bins over the spread p (1 - p) that they would have, were each all one
    or the other: 1 where they are, 1 / pairs per anchor where pairs are independent. `NO_EVIDENCE` is added to both.
    """
    anchors = anchors[anchors["judged"] > 0]
    spread = most = 0.0
    for _, group in anchors.groupby("bin"):
        rate = group["bad"].sum() / group["judged"].sum()
        if len(group) > 1:
            most += len(group) * rate * (1 - rate)
            spread += len(group) * float((group["bad"] / group["judged"]).var(ddof=1))
    floor = 1 / float(anchors["judged"].mean()) if len(anchors) else 1.0
    return float(np.clip((spread + NO_EVIDENCE) / (most + NO_EVIDENCE), floor, 1.0))


def _point(anchors: pd.DataFrame, alike: float, seed: int) -> tuple:
    """The row of one arm and bin, from its anchors."""
    arm, number = str(anchors["arm"].iloc[0]), int(anchors["bin"].iloc[0])
    low_count, high_count = bin_bounds(number)
    bad, judged = anchors["bad"].to_numpy(dtype=np.float64), anchors["judged"].to_numpy(dtype=np.float64)
    unsure = int(anchors["pairs"].sum() - judged.sum())
    rate = low = high = float("nan")
    if judged.sum():
        rate = float(bad.sum() / judged.sum())
        some = judged > 0
        rng = np.random.default_rng([seed, number, zlib.crc32(arm.encode())])
        low, high = _interval(bad[some], judged[some], alike, rng)
    return arm, low_count, high_count, bin_label(number), rate, low, high, int(judged.sum()), unsure, len(anchors)


def _interval(bad: np.ndarray, judged: np.ndarray, alike: float, rng: np.random.Generator) -> tuple[float, float]:
    """95 % interval of sum(bad) / sum(judged) over anchors; see the module's text.

    Parameters
    ----------
    bad, judged : (anchors,) float64.
    alike : from `_alikeness`, in (0, 1].
    """
    rate, trials = bad.sum() / judged.sum(), len(bad) / alike
    jeffreys = scipy.special.betaincinv(rate * trials + 0.5, (1 - rate) * trials + 0.5, [0.025, 0.975])
    step = max(1, DRAWN_AT_ONCE // len(bad))
    drawn = [
        rng.standard_exponential((min(step, DRAWS - start), len(bad)), dtype=np.float32)
        @ np.column_stack([bad, judged]).astype(np.float32)
        for start in range(0, DRAWS, step)
    ]
    sums = np.concatenate(drawn)
    low, high = np.quantile(sums[:, 0] / sums[:, 1], [0.025, 0.975])
    # As Jeffreys' interval is used: it ends at 0 where nothing was irrelevant, at 1 where everything was.
    lowest = 0.0 if rate == 0 else min(float(low), float(jeffreys[0]), rate)
    highest = 1.0 if rate == 1 else max(float(high), float(jeffreys[1]), rate)
    return lowest, highest
