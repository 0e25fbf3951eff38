"""The rates over several ranges of the count at once, and the sentences that they allow: headline, chart, bullets and evidence say the same.

**One estimate.** A rate over ranges is the mean of their rates as the chart draws them, by `sizes`: a campaign's ranges weigh what they hold of the
shop's products, lists that somebody picked weigh what was judged. Ranges were judged apart, so their variances add up; each is told by its own interval.
The sum, corrected for few products, says how many independent trials the rate is worth, and Jeffreys' interval for so many is the interval, honest near 0 and 1. Seen in simulations with
2 to 40 products in each of five ranges, rates from 0 to 0.8 and neighbours from independent to all alike: 92 to 100 % hold the truth.

**What may be said.** A share is said where its 95 % interval is at most 20 points wide; "mostly irrelevant" where all of the interval lies above a half;
that one list has fewer than another where their intervals do not touch. Anything else is "too few judged to tell".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import betaincinv, stdtrit

from engine.curation.rates.irrelevance import bin_bounds

__all__ = ["WIDEST", "Share", "headline", "overall_rates", "shares", "sizes_of"]

WIDEST = 0.2
_REACH = 1.959964


@dataclass(frozen=True)
class Share:
    """A rate with its 95 % interval, each 0 to 1; `anchors` is how many products it was judged on, `covered` the share of `sizes`
    that their ranges hold."""

    rate: float
    low: float
    high: float
    anchors: int
    covered: float = 1.0

    @property
    def is_known(self) -> bool:
        """Whether the interval is narrow enough to say the share."""
        return self.high - self.low <= WIDEST

    def __str__(self) -> str:
        return f"{self.rate:.0%} ({100 * self.low:.0f}–{self.high:.0%})"


def shares(table: pd.DataFrame, sizes: Mapping[int, float] | None = None) -> dict[str, Share]:
    """Each arm's rate over all ranges of a table; arms without a judged neighbour in them have none.

    Parameters
    ----------
    table : as `irrelevance_by_count` gives it.
    sizes : lowest count of a range -> what the range weighs; ranges that are not in it weigh nothing. What was judged unless given.
    """
    found = {}
    for arm, rows in table[table["judged"] > 0].groupby("arm", sort=True):
        weights = rows["judged"] if sizes is None else rows["bin_low"].map(dict(sizes)).fillna(0.0)
        if weights.sum() > 0:
            covered = 1.0 if sizes is None else float(weights.sum() / sum(sizes.values()))
            found[str(arm)] = _share(rows, weights.to_numpy(dtype=np.float64), covered)
    return found


def overall_rates(table: pd.DataFrame, sizes: Mapping[int, float] | None = None) -> pd.DataFrame:
    """`shares` as a table: arm, rate, low, high, anchors, covered."""
    rows = [(arm, one.rate, one.low, one.high, one.anchors, one.covered) for arm, one in shares(table, sizes).items()]
    return pd.DataFrame(rows, columns=["arm", "rate", "low", "high", "anchors", "covered"])


def sizes_of(groups: pd.DataFrame) -> dict[int, float]:
    """Lowest count of each range -> how many products of the shop are in it; `groups` has stratum and size (`campaigns.progress`)."""
    lowest = [bin_bounds(int(stratum))[0] for stratum in groups["stratum"]]
    return dict(zip(lowest, groups["size"].astype(float), strict=True))


def headline(table: pd.DataFrame, word: str, sizes: Mapping[int, float] | None = None) -> str:
    """What a table says of Behaviour and Longtail, in one sentence; "too few judged to tell" until the intervals allow one.

    The count below which behaviour shows mostly irrelevant products is where its ranges below are furthest from half irrelevant: their
    weight x (rate - 1/2) summed up is largest. One odd range with few judgements does not move it.

    Parameters
    ----------
    word : what the shop counts, in the plural ("clicks"). table, sizes : as for `shares`.
    """
    sure = table[table["judged"] > 0].sort_values("bin_low")
    behaviour, longtail = sure[sure["arm"] == "als"], sure[sure["arm"] == "hybrid"]
    if behaviour.empty and longtail.empty:
        return "No list fully reviewed yet"
    said = _below(behaviour, longtail, word, sizes) or _compared(behaviour, longtail, sizes) or _alone(sure, sizes)
    return said or f"Too few judged to tell: {_products(sure)} so far"


def _below(behaviour: pd.DataFrame, longtail: pd.DataFrame, word: str, sizes: Mapping[int, float] | None) -> str | None:
    """Below which count behaviour is mostly irrelevant; None where no interval lies above a half."""
    if behaviour.empty:
        return None
    weights = behaviour["judged"] if sizes is None else behaviour["bin_low"].map(dict(sizes)).fillna(0.0)
    excess = (weights * (behaviour["rate"] - 0.5)).cumsum().to_numpy()
    last = int(excess.argmax())
    below = int(behaviour["bin_high"].iloc[last]) + 1
    some = shares(behaviour.iloc[: last + 1], sizes).get("als")
    if excess[last] <= 0 or some is None or some.low <= 0.5:
        return None
    everywhere = last == len(behaviour) - 1
    where = f"However many {word} a product has" if everywhere else f"Below {below:,} {word}"
    sentence = f"{where}, behaviour shows mostly irrelevant products"
    other = shares(longtail[longtail["bin_high"] < below], sizes).get("hybrid")
    if other is None:
        return sentence
    if other.is_known:
        return f"{sentence}; Longtail {other}"
    return (
        f"{sentence}; Longtail far fewer"
        if other.high < some.low
        else f"{sentence}; too few judged to tell of Longtail"
    )


def _compared(behaviour: pd.DataFrame, longtail: pd.DataFrame, sizes: Mapping[int, float] | None) -> str | None:
    """Which of the two shows fewer, over the ranges in which both are judged; None where that cannot be told."""
    both = set(behaviour["bin_low"]) & set(longtail["bin_low"])
    same = pd.concat([behaviour, longtail])
    found = shares(same[same["bin_low"].isin(both)], sizes)
    if len(found) < 2:
        return None
    one, other = found["als"], found["hybrid"]
    if other.high < one.low:
        return f"Longtail shows fewer irrelevant products than behaviour: {other} against {one}"
    if one.high < other.low:
        return f"Behaviour shows fewer irrelevant products than Longtail: {one} against {other}"
    if one.is_known and other.is_known:
        return f"Behaviour and Longtail cannot be told apart yet: {one} and {other} irrelevant"
    return None


def _alone(sure: pd.DataFrame, sizes: Mapping[int, float] | None) -> str | None:
    """The share of the one list that is judged; None where there are two, or too little."""
    found = shares(sure[sure["arm"].isin(("als", "hybrid"))], sizes)
    if len(found) != 1:
        return None
    ((arm, one),) = found.items()
    return f"{'Longtail' if arm == 'hybrid' else 'Behaviour'} shows {one} irrelevant products" if one.is_known else None


def _products(sure: pd.DataFrame) -> str:
    count = int(sure.groupby("arm")["anchors"].sum().max())
    return "1 product" if count == 1 else f"{count:,} products"


def _share(rows: pd.DataFrame, weights: np.ndarray, covered: float) -> Share:
    rates, part = rows["rate"].to_numpy(dtype=np.float64), weights / weights.sum()
    errors = (rows["high"] - rows["low"]).to_numpy(dtype=np.float64) / (2 * _REACH)
    rate, variance, anchors = float(part @ rates), float(part**2 @ errors**2), int(rows["anchors"].sum())
    if len(rows[weights > 0]) == 1:  # one range: its own interval
        low, high = (float(rows.loc[weights > 0, name].iloc[0]) for name in ("low", "high"))
        return Share(rate, low, high, anchors, covered)
    # Where all agree the rate says nothing of how it varies, so it counts as if one more had been half of either.
    middle = rate if 0 < rate < 1 else (rate * anchors + 0.5) / (anchors + 1)
    # The errors are themselves uncertain, and smallest where rates are by chance furthest from the middle (Korn and Graubard 1998).
    few = (_REACH / float(stdtrit(max(anchors - 1, 1), 0.975))) ** 2 * max(anchors - 1, 1) / (anchors + 1)
    trials = middle * (1 - middle) / max(variance, 1e-12) * few
    low, high = betaincinv(rate * trials + 0.5, (1 - rate) * trials + 0.5, [0.025, 0.975])
    lowest, highest = 0.0 if rate <= 0 else min(float(low), rate), 1.0 if rate >= 1 else max(float(high), rate)
    return Share(rate, lowest, highest, anchors, covered)
