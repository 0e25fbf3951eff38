"""Drafts and changes become part of the shop before a training: a new snapshot with the same ids.

A draft that was added once stays with the shop when its files are loaded again without it, until it is discarded; where
the shop's own files have a product of that id, theirs counts. A change to a product holds, field by field, until the
shop's files bring another value for that field (`engine.edits.changes.merging`).
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass

import pandas as pd

from engine.access.roles import Action
from engine.catalogue.product import Product, catalogue_frame, with_products
from engine.catalogue.snapshot import Shop, event_files, read_aliases, read_shop, read_truth, write_snapshot
from engine.core.workspace import Workspace
from engine.edits.changes.store import ChangeStore
from engine.edits.drafts.store import DraftStore

__all__ = ["Applied", "apply_to_catalogue", "draft_products"]

DERIVED = ("n_items", "n_events", "n_users", "created_at", "snapshot_id")


@dataclass(frozen=True)
class Applied:
    """Ids of the drafts that became products, and of the products that were changed."""

    added: list[str]
    changed: list[str]


def apply_to_catalogue(workspace: Workspace, drafts: DraftStore, changes: ChangeStore) -> Applied:
    """Add the approved drafts that the shop does not have, and make the changes that hold.

    The earlier snapshot is not touched, and stays in use if there is nothing to apply. Raises `NoDataError` without a
    shop, and what `write_snapshot` raises.
    """
    shop = read_shop(workspace)
    added = draft_products(workspace, drafts, shop.attribute_kinds, set(shop.items["item_id"]))
    items, moved = _with_changes(shop, changes, workspace)
    if added.empty and not moved:
        return Applied([], [])
    items = pd.concat([items, added], ignore_index=True)[list(shop.items.columns)]
    folder = workspace.current_snapshot()
    report = json.loads((folder / "report.json").read_text("utf-8"))
    info = {name: value for name, value in shop.info.items() if name not in DERIVED}
    others = read_truth(folder), read_aliases(folder)
    write_snapshot(workspace, items, event_files(folder), info, report, *others, action=Action.TRAIN)
    return Applied(added["item_id"].tolist(), moved)


def draft_products(
    workspace: Workspace, drafts: DraftStore, kinds: Mapping[str, str], known: Collection[str]
) -> pd.DataFrame:
    """Approved drafts, and those that a training added before, as rows of a catalogue with these attributes.

    Parameters
    ----------
    known : ids of the products that the catalogue has already.
    """
    new = {
        draft.id: product
        for draft in drafts.all(("approved", "taken_in"))
        if draft.id not in known and not (product := draft.product.readable_by(kinds, workspace)).is_empty
    }
    if not new:
        return pd.DataFrame({"item_id": pd.Series(dtype="str")})
    frame = catalogue_frame(list(new.values()), kinds, workspace)
    return frame.assign(item_id=pd.Series(list(new), dtype="str"))


def _with_changes(shop: Shop, changes: ChangeStore, workspace: Workspace) -> tuple[pd.DataFrame, list[str]]:
    row_of = {str(item_id): row for row, item_id in enumerate(shop.items["item_id"])}
    kinds = shop.attribute_kinds
    products: dict[str, Product] = {}
    for change in changes.all():
        row = row_of.get(change.item_id)
        if row is None:
            continue
        changed = change.apply(Product.of_row(shop.items.iloc[row], kinds))
        if changed is not None:
            products[change.item_id] = changed.readable_by(kinds, workspace)
    rows = {row_of[item_id]: product for item_id, product in products.items()}
    return with_products(shop.items, rows, kinds, workspace), list(products)
