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
MOST_CHANGED = 300  # products that are looked at one by one; for more of them, everything is
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
    """What is ruled out now, by whichever process: worked out again for products that were judged since, for all when a lead is named."""

    def __init__(self, store: JudgementStore) -> None:
        self._store, self._people = store, People(store.database)
        # Replaced as a whole, so that threads that look at the same time see one state or another.
        self._known: tuple[int, frozenset[str], Mapping[str, frozenset[str]]] = -1, frozenset(), {}

    def of(self, anchor_id: str) -> frozenset[str]:
        """The neighbours of a product that are not served."""
        return self.all().get(anchor_id, NONE)

    def all(self) -> Mapping[str, frozenset[str]]:
        """Anchor -> neighbours that are not served; do not change it."""
        last, leads = self._store.last_id(), self._people.leads()
        known, known_leads, found = self._known
        if (last, leads) != (known, known_leads):
            changed = self._store.anchors_since(known) if leads == known_leads and 0 <= known < last else []
            if 0 < len(changed) <= MOST_CHANGED:
                now = ruled_out(self._store.current(*changed), leads)
                found = {anchor: out for anchor, out in found.items() if anchor not in changed} | now
            else:
                found = ruled_out(self._store.current(), leads)
            self._known = last, leads, found
        return found
