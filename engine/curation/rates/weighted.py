"""Irrelevance rates of a campaign, from cards whose chances of being drawn are on record.

**Estimator.** A card shows some pairs of the pool of all arms, each with a known chance, of a product (the anchor) that
was itself drawn with a known chance. A judged pair that an arm's list holds stands for 1 / chance pairs of that list, so
an anchor adds to its stratum sum(y / chance) / length and sum(1 / chance) / length, each weighted by 1 / the anchor's
chance, and the stratum's rate is the one total over the other (Hajek 1971). Cards with a single pair count by what they
tell. A pair's y is the mean over its raters' votes; pairs about which nobody was sure are in no rate. A second opinion
shows the pairs of the first card again, so a pair keeps the chance of its first card.

**Intervals.** Anchors vary, not pairs. The variance of a rate is the jackknife's over anchors: what a
bootstrap over anchors comes to in the limit of many draws, without chance of its own. It says how many independent trials the
stratum is worth (Korn and Graubard 1998), with their correction for few anchors, and Jeffreys' interval for so many
trials is the interval: honest near 0 and 1, where a bootstrap's quantiles are not. Where all anchors agree the
variance says nothing, and an anchor is worth one trial.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import scipy

from engine.core.errors import LongtailError
from engine.curation.rates.irrelevance import PAIR
from engine.curation.votes import SURE, Verdict

__all__ = ["anchor_rates", "overall_difference", "paired_differences", "stratum_rates"]


def anchor_rates(
    drawn: pd.DataFrame, appearances: pd.DataFrame, *, k: int = 10, implied: bool = True, reason: str | None = None
) -> pd.DataFrame:
    """Every arm's rate at every judged anchor.

    Parameters
    ----------
    drawn : one row per vote in force: anchor_id, neighbour_id, verdict, implied, reason, created_at, stratum,
        anchor_count, anchor_probability, pair_probability. Filter its rows for one rater, category or campaign.
    appearances : in which lists of one release pairs were: anchor_id, neighbour_id, arm, rank and, if it is known,
        listed (the list's length; k otherwise). `card_appearances` or `current_lists`.
    k : how far down the lists to look.
    implied : whether neighbours that were passed over count; without them only what was said in so many words does.
    reason : count a neighbour as irrelevant only for this reason.

    Returns
    -------
    One row per arm and anchor: arm, anchor_id, stratum, anchor_count, bad and drawn (estimated share of the list that is
    irrelevant, and that was drawn at all: 1 on average), weight (1 / chance of the anchor), pairs.

    Raises
    ------
    LongtailError : where a chance is not above 0 and at most 1.
    """
    _check_chances(drawn)
    pairs = _judged_pairs(drawn, implied, reason)
    columns = [*PAIR, "arm", *(["listed"] if "listed" in appearances else [])]
    listed = appearances.loc[appearances["rank"] <= k, columns].drop_duplicates([*PAIR, "arm"]).merge(pairs, on=PAIR)
    length = listed["listed"].clip(upper=k) if "listed" in listed else k
    listed["drawn"] = 1 / listed["chance"] / length
    listed["bad"] *= listed["drawn"]
    rates = listed.groupby(["arm", "anchor_id"], as_index=False).agg(
        stratum=("stratum", "first"),
        anchor_count=("anchor_count", "first"),
        bad=("bad", "sum"),
        drawn=("drawn", "sum"),
        chance=("anchor_chance", "first"),
        pairs=("drawn", "size"),
    )
    rates["weight"] = 1 / rates["chance"]
    return rates[["arm", "anchor_id", "stratum", "anchor_count", "bad", "drawn", "weight", "pairs"]]


def stratum_rates(rates: pd.DataFrame) -> pd.DataFrame:
    """Each arm's rate in each stratum with its 95 % interval: arm, stratum, rate, low, high, error, anchors, pairs.

    `rates` is from `anchor_rates`; `error` is the standard error, never zero.
    """
    rows = []
    for (arm, stratum), group in rates.groupby(["arm", "stratum"], sort=True):
        rate, moved = _ratio(group["bad"].to_numpy(), group["drawn"].to_numpy(), group["weight"].to_numpy())
        variance, anchors = _variance(moved), len(moved)
        trials = _trials(rate, variance, anchors)
        low, high = _jeffreys(rate, trials)
        middle = (rate * trials + 0.5) / (trials + 1)
        error = float(np.sqrt(max(variance, middle * (1 - middle) / (trials + 2) if variance == 0 else 0.0)))
        rows.append((arm, stratum, rate, low, high, error, anchors, int(group["pairs"].sum())))
    return pd.DataFrame(rows, columns=["arm", "stratum", "rate", "low", "high", "error", "anchors", "pairs"])


def paired_differences(rates: pd.DataFrame, first: str, second: str) -> pd.DataFrame:
    """How much more irrelevant one arm is than another at the same anchors, by stratum.

    Returns stratum, difference (rate of `first` minus rate of `second`), low, high (95 %, Student's t over anchors),
    error, anchors, log2_count (mean of log2 of the anchors' counts; of 1/2 for no interactions). Strata with fewer
    than two anchors that both arms have are left out: one anchor says nothing of how anchors vary.
    """
    one, two = (rates[rates["arm"] == arm].set_index("anchor_id") for arm in (first, second))
    both = one.join(two[["bad", "drawn"]].add_suffix("_other"), how="inner")
    rows = []
    for stratum, group in both.groupby("stratum", sort=True):
        if len(group) < 2:
            continue
        weight, anchors = group["weight"].to_numpy(), len(group)
        mine = _ratio(group["bad"].to_numpy(), group["drawn"].to_numpy(), weight)
        other = _ratio(group["bad_other"].to_numpy(), group["drawn_other"].to_numpy(), weight)
        difference = mine[0] - other[0]
        variance = _variance(mine[1] - other[1])
        # Anchors that all agree are as sure as one more anchor that differs in one pair would leave them.
        error = float(np.sqrt(max(variance, 1 / (group["pairs"].mean() * anchors) ** 2)))
        reach = float(scipy.special.stdtrit(anchors - 1, 0.975)) * error
        log2_count = float(np.log2(group["anchor_count"].clip(lower=0.5)).mean())
        low, high = max(-1.0, difference - reach), min(1.0, difference + reach)
        rows.append((stratum, difference, low, high, error, anchors, log2_count))
    return pd.DataFrame(rows, columns=["stratum", "difference", "low", "high", "error", "anchors", "log2_count"])


def overall_difference(differences: pd.DataFrame, sizes: dict[int, float]) -> tuple[float, float, float] | None:
    """Difference over all strata with its 95 % interval, from `paired_differences`; None where no stratum has one.

    `sizes` are what each stratum weighs; Student's t with the anchors' degrees of freedom less one for each stratum.
    """
    weight = differences["stratum"].map(sizes).fillna(0.0).to_numpy(dtype=np.float64)
    if not weight.sum():
        return None
    share = weight / weight.sum()
    difference = float(share @ differences["difference"])
    error = float(np.sqrt(share**2 @ differences["error"] ** 2))
    freedom = max(1, int(differences.loc[weight > 0, "anchors"].sum()) - int((weight > 0).sum()))
    reach = float(scipy.special.stdtrit(freedom, 0.975)) * error
    return difference, max(-1.0, difference - reach), min(1.0, difference + reach)


def _check_chances(drawn: pd.DataFrame) -> None:
    for column in ("anchor_probability", "pair_probability"):
        wrong = ~drawn[column].between(0, 1, inclusive="right")
        if column == "anchor_probability":
            wrong &= drawn[column].notna()
        if wrong.any():
            raise LongtailError(
                f"The sampling record has a {column} of {drawn.loc[wrong, column].iloc[0]} for anchor "
                f"{drawn.loc[wrong, 'anchor_id'].iloc[0]}; chances lie above 0 and at most at 1. Leave the campaign out."
            )


def _judged_pairs(drawn: pd.DataFrame, implied: bool, reason: str | None) -> pd.DataFrame:
    """One row per pair about which somebody was sure: bad (mean over raters), chance, anchor_chance, stratum, anchor_count."""
    # Products that somebody chose had no chance: they say nothing of the shop.
    votes = drawn[drawn["verdict"].isin(SURE) & drawn["anchor_probability"].notna()]
    if not implied:
        votes = votes[~votes["implied"].astype(bool)]
    bad = votes["verdict"] == Verdict.IRRELEVANT
    if reason is not None:
        bad &= votes["reason"] == reason
    by_pair = (
        votes.assign(bad=bad.astype("float64"))
        .sort_values("created_at", kind="stable")
        .groupby(PAIR, as_index=False, sort=False)
    )
    return by_pair.agg(
        bad=("bad", "mean"),
        chance=("pair_probability", "first"),
        anchor_chance=("anchor_probability", "first"),
        stratum=("stratum", "first"),
        anchor_count=("anchor_count", "first"),
    )


def _ratio(bad: np.ndarray, drawn: np.ndarray, weight: np.ndarray) -> tuple[float, np.ndarray]:
    """The rate, and how much it moves when each anchor is left out (the jackknife's differences)."""
    u, v = weight * bad, weight * drawn
    rate = float(u.sum() / v.sum())
    left = v.sum() - v
    moved = np.divide(u - rate * v, left, out=np.zeros_like(left), where=left > 0)
    return rate, moved


def _variance(moved: np.ndarray) -> float:
    n = len(moved)
    variance = float((moved**2).sum()) * (n - 1) / n if n > 1 else 0.0
    return variance if variance > 1e-15 else 0.0


def _trials(rate: float, variance: float, anchors: int) -> float:
    """How many independent trials a rate with this variance is worth."""
    if variance <= 0 or anchors < 2:
        return float(anchors)
    # The variance is itself uncertain, and smallest where the rate is by chance furthest from the middle.
    few = (
        float(scipy.special.stdtrit(1e6, 0.975) / scipy.special.stdtrit(anchors - 1, 0.975)) ** 2
        * (anchors - 1)
        / (anchors + 1)
    )
    return rate * (1 - rate) / variance * few


def _jeffreys(rate: float, trials: float) -> tuple[float, float]:
    low, high = scipy.special.betaincinv(rate * trials + 0.5, (1 - rate) * trials + 0.5, [0.025, 0.975])
    return 0.0 if rate <= 0 else min(float(low), rate), 1.0 if rate >= 1 else max(float(high), rate)
