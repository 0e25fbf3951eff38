"""How far people agree: Krippendorff's alpha and Gwet's AC1 of a campaign, how steady each rater is, and what is disputed.

Votes are used as they were given; "can't tell" is no vote. Alpha is Krippendorff 2004's for names, through
`nltk.metrics.agreement`; AC1 is Gwet 2008's, a line of arithmetic here because the package that has it (irrCAC 0.4.4) asks for
pandas below 3 and counts a missing vote as an answer of its own. Alpha sinks where nearly everything is relevant, AC1 does not: both
are told, with the number of pairs that two people or more judged.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from engine.curation.votes import SURE, Verdict

__all__ = ["Agreement", "agreement", "agreement_sentence", "disputed", "rater_health"]

PAIR = ["anchor_id", "neighbour_id"]
LEAST = 10  # pairs that two people judged, below which a coefficient says nothing
HALF_LEAST = 20  # votes in each half of a rater's work, below which a drift says nothing


@dataclass(frozen=True)
class Agreement:
    """`pairs` that two people or more judged, the share of them on which all agree, alpha and AC1 (None: too few)."""

    pairs: int
    raters: int
    same: float | None
    alpha: float | None
    ac1: float | None


def agreement(votes: pd.DataFrame) -> Agreement:
    """Agreement on the pairs that several people judged.

    Parameters
    ----------
    votes : `drawn` or `JudgementStore.current`: anchor_id, neighbour_id, rater, verdict; one row per rater and pair.
    """
    table = _matrix(votes)
    table = table[table.notna().sum(axis=1) >= 2]
    table = table.loc[:, table.notna().any()]
    if len(table) < LEAST:
        return Agreement(len(table), table.shape[1], None, None, None)
    same = float((table.min(axis=1) == table.max(axis=1)).mean())
    if table.stack().nunique() < 2:
        return Agreement(len(table), table.shape[1], same, None, None)  # no coefficient is defined where nothing varies
    given = table.to_numpy()
    return Agreement(len(table), table.shape[1], same, _alpha(given), _ac1(given))


def agreement_sentence(found: Agreement) -> str:
    """What it means, in one sentence (bounds after Landis and Koch 1977)."""
    if found.same is None:
        return f"Two people have judged {found.pairs:,} pairs so far; {LEAST} are needed to measure agreement"
    if found.ac1 is None:
        return f"Everyone agrees on all {found.pairs:,} pairs that two people judged"
    words = ((0.8, "almost always"), (0.6, "mostly"), (0.4, "often"), (0.2, "sometimes"))
    word = next((word for least, word in words if found.ac1 >= least), "hardly more often than by chance")
    return f"People agree {word}: on {found.same:.0%} of {found.pairs:,} pairs"


def rater_health(votes: pd.DataFrame) -> pd.DataFrame:
    """How steady each rater is: rater, votes, steady (share of repeated pairs answered alike), repeated, strictness
    (share called irrelevant minus the others' on the same pairs), shared, drift (share called irrelevant in the later half of
    their cards minus the earlier, beyond what the lists' strata explain), seconds (median per card).

    NaN where too little is known. `votes` is from `votes_on_cards`.
    """
    sure = votes[votes["verdict"].isin(SURE)].copy()
    sure["bad"] = (sure["verdict"] == Verdict.IRRELEVANT).astype("float64")
    first = sure[sure["card_kind"] != "repeat"]
    rows = []
    for rater, own in first.groupby("rater", sort=True):
        repeats = sure[(sure["rater"] == rater) & (sure["card_kind"] == "repeat")]
        twice = own.merge(repeats, on=PAIR, suffixes=("", "_again"))
        others = first[first["rater"] != rater].groupby(PAIR, as_index=False)["bad"].mean()
        shared = own.merge(others, on=PAIR, suffixes=("", "_others"))
        seconds = votes[votes["rater"] == rater].drop_duplicates("card_id")["seconds"].median()
        rows.append(
            (
                rater, len(own), float((twice["bad"] == twice["bad_again"]).mean()) if len(twice) else np.nan,
                len(twice), float((shared["bad"] - shared["bad_others"]).mean()) if len(shared) else np.nan,
                len(shared), _drift(own, first), seconds,
            )
        )  # fmt: skip
    return pd.DataFrame(
        rows, columns=["rater", "votes", "steady", "repeated", "strictness", "shared", "drift", "seconds"]
    )


def disputed(votes: pd.DataFrame, settled: pd.DataFrame | None = None) -> pd.DataFrame:
    """Pairs on which people disagree, the most evenly split first: anchor_id, neighbour_id, irrelevant, relevant (votes).

    Parameters
    ----------
    settled : votes with which somebody decided earlier disputes; their pairs are left out.
    """
    sure = votes[votes["verdict"].isin(SURE)]
    counts = sure.groupby([*PAIR, "verdict"]).size().unstack("verdict", fill_value=0)
    counts = counts.reindex(columns=list(SURE), fill_value=0).reset_index()
    split = counts[(counts[Verdict.IRRELEVANT] > 0) & (counts[Verdict.RELEVANT] > 0)]
    if settled is not None and len(settled):
        marked = split.merge(settled[PAIR].drop_duplicates(), on=PAIR, how="left", indicator=True)
        split = marked[marked["_merge"] == "left_only"].drop(columns="_merge")
    uneven = (split[Verdict.IRRELEVANT] - split[Verdict.RELEVANT]).abs()
    return split.assign(uneven=uneven).sort_values(["uneven", *PAIR], ignore_index=True).drop(columns="uneven")


def _matrix(votes: pd.DataFrame) -> pd.DataFrame:
    """Pairs by raters: 1 irrelevant, 0 relevant, NaN no vote."""
    sure = votes[votes["verdict"].isin(SURE)]
    bad = (sure["verdict"] == Verdict.IRRELEVANT).astype("float64")
    return sure.assign(bad=bad).pivot_table(index=PAIR, columns="rater", values="bad", aggfunc="last")


def _alpha(votes: np.ndarray) -> float:
    """Krippendorff's alpha of names; (pairs, raters) float64, 1, 0 or NaN where no vote was given, both answers in it."""
    from nltk.metrics.agreement import AnnotationTask  # takes a second or two, and few pages need it

    pairs, raters = np.nonzero(~np.isnan(votes))
    triples = zip(raters.tolist(), pairs.tolist(), votes[pairs, raters].tolist(), strict=True)
    return float(AnnotationTask(data=triples).alpha())


def _ac1(votes: np.ndarray) -> float:
    """Gwet's AC1 of two answers; (pairs, raters) float64, 1, 0 or NaN, two votes a pair or more."""
    given = (~np.isnan(votes)).sum(axis=1)
    bad = np.nansum(votes, axis=1)
    same = (bad * (bad - 1) + (given - bad) * (given - bad - 1)) / (given * (given - 1))
    share = float((bad / given).mean())
    chance = 2 * share * (1 - share)
    return float((same.mean() - chance) / (1 - chance))


def _drift(own: pd.DataFrame, everybody: pd.DataFrame) -> float:
    """Later half minus earlier half, each vote less what everybody says in its stratum."""
    usual = everybody.groupby("stratum")["bad"].mean()
    less = (own["bad"] - own["stratum"].map(usual)).to_numpy()[np.argsort(own["id"].to_numpy(), kind="stable")]
    half = len(less) // 2
    return float(less[half:].mean() - less[:half].mean()) if half >= HALF_LEAST else float("nan")
