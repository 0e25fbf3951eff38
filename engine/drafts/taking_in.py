"""Approved drafts become products of the catalogue: a new snapshot of the shop, the same ids, before a training.

A draft that was taken in once stays with the shop when its files are loaded again without it, until it is discarded; where
the shop's own files bring the id, theirs is the product.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path

import pandas as pd

from engine.drafts.store import DraftStore
from engine.serving.unseen import described_frame
from engine.shop.catalogue import read_shop, write_snapshot
from engine.workspace import Workspace

__all__ = ["take_in"]

WORKED_OUT = ("n_items", "n_events", "n_users", "created_at", "snapshot_id")


def take_in(workspace: Workspace, drafts: DraftStore) -> list[str]:
    """Add the approved drafts that the shop does not have as products; returns their ids.

    The snapshot before it stays where it is. Raises `NoDataError` without a shop, and what `write_snapshot` raises.
    """
    shop = read_shop(workspace)
    known = set(shop.items["item_id"])
    fresh = [draft for draft in drafts.all(("approved", "taken_in")) if draft.id not in known]
    if not fresh:
        return []
    rows = [
        described_frame(draft.described(), shop.attribute_kinds, workspace).assign(item_id=draft.id) for draft in fresh
    ]
    items = pd.concat([shop.items, *rows], ignore_index=True)[list(shop.items.columns)]
    folder = workspace.current_snapshot()
    truth_file = folder / "truth.parquet"
    truth = pd.read_parquet(truth_file) if truth_file.is_file() else None
    report = json.loads((folder / "report.json").read_text("utf-8"))
    info = {name: value for name, value in shop.info.items() if name not in WORKED_OUT}
    with tempfile.TemporaryDirectory(dir=workspace.root) as temporary:
        events = Path(temporary) / "interactions.parquet"
        shutil.copyfile(folder / "interactions.parquet", events)
        write_snapshot(workspace, items, events, info, report, truth)
    return [draft.id for draft in fresh]
