"""What a training may learn from judgements, and what is kept apart to score what it learned.

Products are split once and for all by a number that follows from their ids: judgements on some teach, those on the others
never do. Whatever a release learned from is written into it, and no rate of that release counts those products.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pandas as pd

from engine.core.settings import Settings
from engine.core.workspace import Workspace
from engine.curation.judgements import JudgementStore
from engine.curation.suppression import ruled_out
from engine.curation.votes import SURE, Source, Verdict
from engine.models.correction import Pairs
from engine.release.judged_products import products_trained_on
from engine.store import Database

__all__ = [
    "NOTHING_JUDGED",
    "TrainingJudgements",
    "judgements_for_training",
    "not_trained_on",
    "take_training_judgements",
    "teaches",
]

SALT = b"teaches:"
KINDS = {"anchor_id": "str", "neighbour_id": "str", "irrelevant": "bool", "implied": "bool", "teaches": "bool"}
COLUMNS = list(KINDS)


@dataclass(frozen=True)
class TrainingJudgements:
    """The judgements as they stood at one moment.

    Attributes
    ----------
    pairs : anchor_id, neighbour_id (str), irrelevant, implied, teaches (bool), by anchor and neighbour; pairs people are
        split about, or that a single person flagged where leads are named, are left out.
    until : when the newest of them was given; None where there are none.
    """

    pairs: pd.DataFrame
    until: datetime | None

    def as_rows(self, item_ids: Iterable[str]) -> tuple[Pairs, np.ndarray]:
        """The pairs of products that are in a catalogue, by its rows, and which of them teach, (n,) bool."""
        row_of = {item: row for row, item in enumerate(item_ids)}
        known = self.pairs[self.pairs["anchor_id"].isin(row_of) & self.pairs["neighbour_id"].isin(row_of)]
        rows = (known[name].map(row_of).to_numpy(dtype=np.int64) for name in ("anchor_id", "neighbour_id"))
        said = (known[name].to_numpy(dtype=bool) for name in ("irrelevant", "implied"))
        return Pairs(*rows, *said), known["teaches"].to_numpy(dtype=bool)


NOTHING_JUDGED = TrainingJudgements(pd.DataFrame(columns=COLUMNS).astype(KINDS), None)


def judgements_for_training(workspace: Workspace, settings: Settings) -> TrainingJudgements:
    """What a training that begins now learns from; none where the settings say so."""
    if not settings.curation.learn or not (settings.database_url or workspace.judgements_file.is_file()):
        return NOTHING_JUDGED
    with closing(Database(settings.database_url or workspace.database_url)) as database:
        curation = settings.curation
        return take_training_judgements(JudgementStore(database), curation.leads, curation.teaching_share)


def take_training_judgements(store: JudgementStore, leads: Collection[str], share: float) -> TrainingJudgements:
    """What people agree on now; a `share` of the products teaches."""
    current = store.current()
    sure = current[current["verdict"].isin(SURE) & (current["source"] != Source.DEMO)]
    out = ruled_out(sure, leads)
    relevant = (sure["verdict"] == Verdict.RELEVANT).astype("float64")
    pairs = (
        sure.assign(share=relevant, implied=sure["implied"].astype(bool))
        .groupby(["anchor_id", "neighbour_id"], as_index=False)
        .agg(share=("share", "mean"), implied=("implied", "all"))
    )
    named = zip(pairs["anchor_id"], pairs["neighbour_id"], strict=True)
    pairs["irrelevant"] = np.fromiter((b in out.get(a, ()) for a, b in named), bool, len(pairs))
    pairs = pairs[pairs["irrelevant"] | (pairs["share"] > 0.5)].reset_index(drop=True)
    pairs["teaches"] = [teaches(anchor, share) for anchor in pairs["anchor_id"]]
    return TrainingJudgements(
        pairs[COLUMNS].astype(KINDS), None if sure.empty else sure["created_at"].max().to_pydatetime()
    )


def teaches(anchor_id: str, share: float) -> bool:
    """Whether judgements on a product teach where a `share` of all products does; independent of the order of campaigns."""
    return int.from_bytes(hashlib.sha256(SALT + anchor_id.encode()).digest()[:8]) / 2**64 < share


def not_trained_on(places: pd.DataFrame, workspace: Workspace) -> pd.DataFrame:
    """Rows of `seen` (release_id, anchor_id, ...) that may score: those whose release did not learn from their anchor."""
    taught: Mapping[str, frozenset[str]] = {
        release: products_trained_on(workspace.releases / release) for release in places["release_id"].unique()
    }
    if not any(taught.values()):
        return places
    kept = [
        anchor not in taught[release] for release, anchor in zip(places["release_id"], places["anchor_id"], strict=True)
    ]
    return places[kept].reset_index(drop=True)
