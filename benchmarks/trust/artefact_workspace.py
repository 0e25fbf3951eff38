"""The small workspace whose artefacts are damaged: two releases with other lists, and one file at least of every kind."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from engine.catalogue.product import Product
from engine.catalogue.snapshot import read_shop
from engine.core.keys import new_key, store_key
from engine.core.settings import Settings
from engine.core.workspace import Workspace
from engine.curation.judgements import JudgementStore
from engine.curation.votes import Judgement, Source, Verdict
from engine.edits.changes.store import ChangeStore
from engine.edits.drafts.store import DraftStore, NewDraft
from engine.jobs.recording import recorded_run
from engine.models.encoders.base import Features
from engine.models.encoders.cache import encode_through_cache
from engine.recommend.recommender import Recommender
from engine.serving.served_shop import ServedShop
from engine.store import Database
from tests.support.tiny_release import build_tiny_release

__all__ = ["SETTINGS", "TitleLetters", "answers", "build_workspace", "known_answers"]

ITEMS = ("f0-00", "f0-01", "f1-02", "f2-05", "f3-08", "f5-09")
SHOPPERS = ("s0-01", "s3-05")
Answers = dict[str, Any]


def _settings(seed: int) -> Settings:
    return Settings.model_validate({"seed": seed, "text": {"model": "none"}, "image": {"kind": "none"}})


SETTINGS = _settings(0)


@dataclass(frozen=True)
class TitleLetters:
    """An encoder whose vectors go through the cache and are known without it: how long the words of a title are."""

    modality: str = "letters"
    dim: int = 4
    fingerprint: str = "letters" * 10

    def contents(self, items: pd.DataFrame) -> list[str | None]:
        return [title if isinstance(title, str) else None for title in items["title"]]

    def encode_contents(self, contents: list[str], workspace: Workspace, progress: Any) -> np.ndarray:
        return np.array([self.vector(content) for content in contents], dtype=np.float32)

    def vector(self, content: str) -> list[float]:
        """What a title becomes."""
        return [float(len(word)) for word in (content.split() + [""] * self.dim)[: self.dim]]

    def encode(self, items: pd.DataFrame, workspace: Workspace) -> Features:
        return encode_through_cache(self, items, workspace)

    def save(self, directory: Path) -> None:
        """It keeps nothing."""


def build_workspace(root: Path) -> Workspace:
    """Write it; the second release is published."""
    workspace = Workspace(root)
    for seed in (0, 1):
        tiny = build_tiny_release(workspace, settings=_settings(seed))
    database = Database(workspace.database_url)
    release = Recommender.open(workspace)
    wanted = replace(release.product("f2-09"), image=None, brand="House 1", category="Maxi")
    ChangeStore(database, workspace).save("f2-09", release.product("f2-09"), wanted, "Ada", 0)
    draft = NewDraft(
        Product(brand="House 1", category="Maxi", attributes={"colour": "navy", "length_cm": 96.0}), product_id="new-1"
    )
    DraftStore(database, workspace).save([draft], "Ada", lambda _id: False, approve=True)
    judgement = Judgement(
        client_id=str(uuid.uuid4()), anchor_id="f0-01", neighbour_id="f1-01", verdict=Verdict("irrelevant"), rater="Ada",
        source=Source.REVIEW, release_id=tiny.release_id, anchor_count=3, ranks={},
    )  # fmt: skip
    JudgementStore(database).add([judgement])
    with recorded_run(workspace, "train"):
        print("a run")
    TitleLetters().encode(read_shop(workspace).items, workspace)
    workspace.settings_file.write_text(
        'seed = 0\n[text]\nmodel = "none"\n[image]\nkind = "none"\n[serving]\nneighbours = 10\n'
    )
    for name in ("review.key", "shopper.key"):
        store_key(root / name, new_key())
    known = {release_id: answers(ServedShop.open(workspace, SETTINGS, release_id)) for release_id in ("r0001", "r0002")}
    assert known["r0001"]["hybrid"] != known["r0002"]["hybrid"], "the two releases have to answer otherwise"
    (root.parent / "known.json").write_text(json.dumps(known))
    return workspace


def known_answers(root: Path) -> dict[str, Answers]:
    """What each release answers, by its id."""
    return dict(json.loads((root.parent / "known.json").read_text()))


def answers(shop: ServedShop) -> Answers:
    """What a shop shows: products beside products by every arm, and what shoppers get; ids and scores."""
    found: Answers = {}
    for arm in shop.as_trained.arms:
        lists = shop.neighbours_all(arm, 8, ITEMS)
        found[arm] = [
            [*pair, round(score, 5)] for *pair, score in lists[["item_id", "neighbour_id", "score"]].values.tolist()
        ]
    for shopper in SHOPPERS:
        found[shopper] = {arm: [one.item_id for one in shop.recommend(shopper, arm, 8)] for arm in ("hybrid", "als")}
    return found
