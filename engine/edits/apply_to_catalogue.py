"""What people added and changed becomes part of the shop: a new snapshot, the same ids, before a training.

A draft that was taken in once stays with the shop when its files are loaded again without it, until it is discarded; where
the shop's own files bring the id, theirs is the product. A change to a product holds, field by field, until the shop's
files say something new of that field (`engine.edits.changes.merging`).
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from engine.catalogue.snapshot import Shop, read_shop, write_snapshot
from engine.core.workspace import Workspace
from engine.edits.changes.merging import changed, in_force
from engine.edits.changes.store import ChangeStore
from engine.edits.drafts.store import DraftStore
from engine.recommend.product_description import described_frame, described_item, readable_by, set_rows

__all__ = ["Applied", "apply_to_catalogue", "draft_products"]

WORKED_OUT = ("n_items", "n_events", "n_users", "created_at", "snapshot_id")


@dataclass(frozen=True)
class Applied:
    """Ids of the drafts that became products, and of the products that were changed."""

    added: list[str]
    changed: list[str]


def apply_to_catalogue(workspace: Workspace, drafts: DraftStore, changes: ChangeStore) -> Applied:
    """Add the approved drafts that the shop does not have, and make the changes that hold.

    The snapshot before it stays where it is; where there is nothing to do it stays in use. Raises `NoDataError` without
    a shop, and what `write_snapshot` raises.
    """
    shop = read_shop(workspace)
    added = draft_products(workspace, drafts, shop.attribute_kinds, set(shop.items["item_id"]))
    items, moved = _with_changes(shop, changes, workspace)
    if added.empty and not moved:
        return Applied([], [])
    items = pd.concat([items, added], ignore_index=True)[list(shop.items.columns)]
    folder = workspace.current_snapshot()
    truth_file = folder / "truth.parquet"
    truth = pd.read_parquet(truth_file) if truth_file.is_file() else None
    report = json.loads((folder / "report.json").read_text("utf-8"))
    info = {name: value for name, value in shop.info.items() if name not in WORKED_OUT}
    with tempfile.TemporaryDirectory(dir=workspace.root) as temporary:
        events = Path(temporary) / "interactions.parquet"
        shutil.copyfile(folder / "interactions.parquet", events)
        write_snapshot(workspace, items, events, info, report, truth)
    return Applied(added["item_id"].tolist(), moved)


def draft_products(
    workspace: Workspace, drafts: DraftStore, kinds: Mapping[str, str], known: Collection[str]
) -> pd.DataFrame:
    """The approved drafts, and those that were taken in before, as rows of a catalogue with these attributes.

    Parameters
    ----------
    known : ids the catalogue has anyhow.
    """
    fresh = [draft for draft in drafts.all(("approved", "taken_in")) if draft.id not in known]
    rows: Sequence[pd.DataFrame] = [
        described_frame(item, kinds, workspace).assign(item_id=draft.id)
        for draft in fresh
        if any((item := readable_by(draft.described(), kinds, workspace)).values())
    ]
    return pd.concat(rows, ignore_index=True) if rows else pd.DataFrame({"item_id": pd.Series(dtype="str")})


def _with_changes(shop: Shop, changes: ChangeStore, workspace: Workspace) -> tuple[pd.DataFrame, list[str]]:
    position = {str(item_id): row for row, item_id in enumerate(shop.items["item_id"])}
    there = {}
    for change in changes.all():
        if change.item_id in position:
            now = described_item(shop.items.iloc[position[change.item_id]], shop.attribute_kinds)
            if fields := in_force(change, now):
                there[change.item_id] = readable_by(changed(now, fields), shop.attribute_kinds, workspace)
    rows = {position[item_id]: item for item_id, item in there.items()}
    return set_rows(shop.items, rows, shop.attribute_kinds, workspace), list(there)
