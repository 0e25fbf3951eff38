"""How far the lists can be trusted, by how much traffic their products have.

From judgements where there are enough, else from what the release measured when it was trained; what neither knows is unknown. Three
measures, never mixed, and `source` says which:

- "lists": of the lists that people judged to the end, the share in which at least `GOOD` of the neighbours fit. Jeffreys' interval.
- "cards": the share of neighbours that fit, from review cards weighted by their chances (`engine.curation.rates.weighted`).
- "validation": mean NDCG@10 of well-known products with all but a few of their interactions hidden: how close a list comes to a perfect
  one. A level of traffic is measured by the products that kept as many as it has.
- "none": this arm has no lists for such products.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
import scipy

from engine.catalogue.traffic import LEVELS, Level, Traffic
from engine.curation.rates.weighted import stratum_rates

__all__ = ["GOOD", "WIDEST", "Trust", "trust", "trust_by_cards", "trust_by_lists", "trust_by_validation"]

GOOD = 0.8
"""A list is good where this share of its neighbours fits."""
WIDEST = 0.5
"""An interval wider than this says too little: the measure is not used."""
Source = Literal["lists", "cards", "validation", "none", "unknown"]


@dataclass(frozen=True)
class Trust:
    """How far one arm's lists of one level of traffic can be trusted.

    Attributes
    ----------
    share, low, high : 0 to 1, what `source` measures with its 95 % interval; None where it is unknown.
    seen : lists, products on cards or hidden products that it is measured on.
    judged : lists that were judged, be they too few.
    """

    level: Level
    arm: str
    source: Source
    share: float | None = None
    low: float | None = None
    high: float | None = None
    seen: int = 0
    judged: int = 0


def trust(
    arms: Sequence[str],
    levels: Sequence[Level],
    lists: pd.DataFrame,
    cards: pd.DataFrame,
    metrics: Mapping[str, Any],
    traffic: Traffic,
) -> list[Trust]:
    """One for every arm and level, by the best source there is.

    Parameters
    ----------
    lists : from `engine.curation.rates.irrelevance.judged_lists`, whole ones of the release. cards : from `anchor_rates`.
    metrics : of the release.
    """
    judged = trust_by_lists(lists, traffic)
    sources = (judged, trust_by_cards(cards, traffic), trust_by_validation(metrics, traffic))
    found = []
    for level in levels:
        for arm in arms:
            known = next((source[level, arm] for source in sources if _tells(source.get((level, arm)))), None)
            seen = judged[level, arm].seen if (level, arm) in judged else 0
            found.append(_with_judged(known or Trust(level, arm, "unknown"), seen))
    return found


def trust_by_lists(lists: pd.DataFrame, traffic: Traffic) -> dict[tuple[Level, str], Trust]:
    """By lists that were judged to the end, from `judged_lists`."""
    known = lists[lists["judged"] > 0]
    good = known["bad"] <= (1 - GOOD) * known["judged"] + 1e-9
    seen_and_fine: dict[tuple[Level, str], list[int]] = {}
    for arm, count, fits in zip(known["arm"], known["count"], good, strict=True):
        tally = seen_and_fine.setdefault((traffic.level(int(count)), str(arm)), [0, 0])
        tally[0] += 1
        tally[1] += int(fits)
    found: dict[tuple[Level, str], Trust] = {}
    for (level, arm), (seen, fine) in seen_and_fine.items():
        low, high = scipy.special.betaincinv(fine + 0.5, seen - fine + 0.5, [0.025, 0.975])
        low, high = (0.0 if not fine else float(low)), (1.0 if fine == seen else float(high))
        found[level, arm] = Trust(level, arm, "lists", fine / seen, low, high, seen)
    return found


def trust_by_cards(cards: pd.DataFrame, traffic: Traffic) -> dict[tuple[Level, str], Trust]:
    """By review cards, from `anchor_rates`: the share of neighbours that fit."""
    places = [LEVELS.index(traffic.level(int(count))) for count in cards["anchor_count"]]
    rates = stratum_rates(cards.assign(stratum=np.array(places, dtype=np.int64)))
    columns = (rates[name].tolist() for name in ("arm", "stratum", "rate", "low", "high", "anchors"))
    return {
        (LEVELS[stratum], arm): Trust(LEVELS[stratum], arm, "cards", 1 - rate, 1 - high, 1 - low, anchors)
        for arm, stratum, rate, low, high, anchors in zip(*columns, strict=True)
    }


def trust_by_validation(metrics: Mapping[str, Any], traffic: Traffic) -> dict[tuple[Level, str], Trust]:
    """By metrics.json: every level of traffic by the products that kept as many interactions as it has."""
    found: dict[tuple[Level, str], Trust] = {}
    for arm, by_count in metrics.get("thinning", {}).items():
        for level in LEVELS:
            some = [
                figures
                for kept, figures in by_count.items()
                if kept.isdigit() and traffic.level(int(kept)) == level and figures["ndcg"]["mean"] is not None
            ]
            if some:
                found[level, arm] = _pooled(level, arm, some)
    return found


def _pooled(level: Level, arm: str, some: Sequence[Mapping[str, Any]]) -> Trust:
    """The mean over several numbers of interactions, each measured on products of its own."""
    if not any(figures["coverage"] for figures in some):
        return Trust(level, arm, "none")
    n = np.array([figures["ndcg"]["n"] for figures in some], dtype=np.float64)
    mean, low, high = (
        np.array([one["ndcg"][name] for one in some], dtype=np.float64) for name in ("mean", "low", "high")
    )
    share = float(n @ mean / n.sum())
    reach = float(np.sqrt(np.square(n * (high - low) / 2).sum()) / n.sum())
    return Trust(level, arm, "validation", share, max(0.0, share - reach), min(1.0, share + reach), int(n.sum()))


def _tells(one: Trust | None) -> bool:
    """Whether it says anything: there are no lists, or the interval is narrow enough."""
    if one is None:
        return False
    return one.source == "none" or (one.low is not None and one.high is not None and one.high - one.low <= WIDEST)


def _with_judged(one: Trust, judged: int) -> Trust:
    return Trust(one.level, one.arm, one.source, one.share, one.low, one.high, one.seen, judged)
