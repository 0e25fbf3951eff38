"""Which neighbours people have ruled out: pairs that are no longer served, in the direction they were judged.

A lead's word decides, the newest of it. Otherwise a pair is ruled out when more raters call it irrelevant than relevant;
where the shop has named leads it takes two of them, where it has not everybody is one. Sample judgements rule nothing
out. Taking a judgement back gives the pair back.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

import pandas as pd

from engine.access.people import People
from engine.curation.judgements import JudgementStore
from engine.curation.votes import SURE, Source, Verdict

__all__ = ["Suppressed", "ruled_out"]

PAIR = ["anchor_id", "neighbour_id"]
LEAST_VOTES = 2
NONE: frozenset[str] = frozenset()


def ruled_out(current: pd.DataFrame, leads: Collection[str] = ()) -> dict[str, frozenset[str]]:
    """Anchor -> the neighbours that people ruled out.

    Parameters
    ----------
    current : the votes in force, `JudgementStore.current`.
    leads : names of those whose word decides.
    """
    sure = current[current["verdict"].isin(SURE) & (current["source"] != Source.DEMO)]
    if sure.empty:
        return {}
    bad = sure.assign(bad=(sure["verdict"] == Verdict.IRRELEVANT).astype("int64")).sort_values("id")
    votes = bad.groupby(PAIR)["bad"].agg(["sum", "size"])
    out = (2 * votes["sum"] > votes["size"]) & (votes["sum"] >= (LEAST_VOTES if leads else 1))
    decided = bad[bad["rater"].isin(list(leads)) | (bad["source"] == Source.ADJUDICATION)].groupby(PAIR)["bad"].last()
    out.loc[decided.index] = decided.astype(bool)
    pairs = out[out].index.to_frame(index=False)
    return {str(anchor): frozenset(group) for anchor, group in pairs.groupby("anchor_id")["neighbour_id"]}


class Suppressed:
    """What is ruled out now: worked out again when a judgement was added or a lead named, by whichever process. `of` is cheap."""

    def __init__(self, store: JudgementStore) -> None:
        self._store, self._people = store, People(store.database)
        self._last: tuple[int, frozenset[str]] = -1, frozenset()
        self._found: Mapping[str, frozenset[str]] = {}

    def of(self, anchor_id: str) -> frozenset[str]:
        """The neighbours of a product that are not served."""
        return self.all().get(anchor_id, NONE)

    def all(self) -> Mapping[str, frozenset[str]]:
        """Anchor -> neighbours that are not served; do not change it."""
        last = self._store.last_id(), self._people.leads()
        if last != self._last:
            self._found = ruled_out(self._store.current(), last[1])
            self._last = last
        return self._found
