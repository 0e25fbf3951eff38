"""Training judgements: what a training may learn from, and what is held out to measure what it learned.

Products are split once and for all by a number that follows from their ids: judgements on some are for training, those on
the others never are. Whatever a release was trained on is written into it, and no rate of that release counts those
products. In that file the column "teaches" tells them apart.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pandas as pd

from engine.access.people import People
from engine.core.settings import Settings
from engine.core.workspace import Workspace
from engine.curation.judgements import JudgementStore
from engine.curation.suppression import ruled_out
from engine.curation.votes import SURE, Source, Verdict
from engine.models.correction import Pairs
from engine.release.judged_products import products_trained_on
from engine.store import Database, database_url, has_database

__all__ = [
    "NOTHING_JUDGED",
    "TrainingJudgements",
    "is_for_training",
    "judgements_for_training",
    "not_trained_on",
    "take_training_judgements",
]

SALT = b"teaches:"
KINDS = {"anchor_id": "str", "neighbour_id": "str", "irrelevant": "bool", "implied": "bool", "teaches": "bool"}
COLUMNS = list(KINDS)


@dataclass(frozen=True)
class TrainingJudgements:
    """The judgements as they stood at one moment.

    Attributes
    ----------
    pairs : anchor_id, neighbour_id (str), irrelevant, implied, teaches (bool: for training), by anchor and neighbour; pairs people are
        split about, or that a single person flagged where leads are named, are left out.
    until : when the newest of them was given; None where there are none.
    """

    pairs: pd.DataFrame
    until: datetime | None

    def as_rows(self, item_ids: Iterable[str]) -> tuple[Pairs, np.ndarray]:
        """The pairs of products that are in a catalogue, by its rows, and which of them are for training, (n,) bool."""
        row_of = {item: row for row, item in enumerate(item_ids)}
        known = self.pairs[self.pairs["anchor_id"].isin(row_of) & self.pairs["neighbour_id"].isin(row_of)]
        rows = (known[name].map(row_of).to_numpy(dtype=np.int64) for name in ("anchor_id", "neighbour_id"))
        said = (known[name].to_numpy(dtype=bool) for name in ("irrelevant", "implied"))
        return Pairs(*rows, *said), known["teaches"].to_numpy(dtype=bool)


NOTHING_JUDGED = TrainingJudgements(pd.DataFrame(columns=COLUMNS).astype(KINDS), None)


def judgements_for_training(workspace: Workspace, settings: Settings) -> TrainingJudgements:
    """What a training that begins now learns from; none where the settings say so."""
    if not settings.curation.learn or not has_database(workspace, settings):
        return NOTHING_JUDGED
    with closing(Database(database_url(workspace, settings))) as database:
        leads, share = People(database).leads(), settings.curation.teaching_share
        return take_training_judgements(JudgementStore(database), leads, share)


def take_training_judgements(store: JudgementStore, leads: Collection[str], share: float) -> TrainingJudgements:
    """What people agree on now; a `share` of the products is for training."""
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
    pairs["teaches"] = [is_for_training(anchor, share) for anchor in pairs["anchor_id"]]
    return TrainingJudgements(
        pairs[COLUMNS].astype(KINDS), None if sure.empty else sure["created_at"].max().to_pydatetime()
    )


def is_for_training(anchor_id: str, share: float) -> bool:
    """Whether judgements on a product are for training where those on a `share` of all products are.

    It follows from the id alone, so that no later campaign moves a product from one side to the other.
    """
    return int.from_bytes(hashlib.sha256(SALT + anchor_id.encode()).digest()[:8]) / 2**64 < share


def not_trained_on(appearances: pd.DataFrame, workspace: Workspace) -> pd.DataFrame:
    """The rows (release_id, anchor_id, ...) whose release was not trained on judgements of their anchor: they may score it."""
    trained_on: Mapping[str, frozenset[str]] = {
        release: products_trained_on(workspace.releases / release) for release in appearances["release_id"].unique()
    }
    if not any(trained_on.values()):
        return appearances
    rows = zip(appearances["release_id"], appearances["anchor_id"], strict=True)
    may_score = [anchor not in trained_on[release] for release, anchor in rows]
    return appearances[may_score].reset_index(drop=True)
