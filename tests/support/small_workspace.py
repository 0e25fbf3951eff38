"""A workspace with everything that one can hold, made in a moment: its releases hold files of every kind, but no models."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from engine.catalogue.snapshot import read_shop
from engine.core.keys import store_key
from engine.core.workspace import Workspace
from engine.release.publish import new_release_id, publish, write_release
from tests.support.filled_database import fill_every_table
from tests.support.tiny_release import build_tiny_shop

__all__ = ["add_release", "build_small_workspace"]


def build_small_workspace(root: Path, *, rows: bool = True) -> Workspace:
    """A shop with two published releases, settings, keys, and `rows` in every table of its SQLite database."""
    workspace = Workspace(root)
    build_tiny_shop(workspace, 18)
    for _ in range(2):
        publish(workspace, add_release(workspace))
    workspace.settings_file.write_text("[als]\nfactors = 32\n", "utf-8")
    for name in ("shopper.key", "review.key"):
        store_key(workspace.root / name, name.encode())
    if rows:
        fill_every_table(workspace.database_url)
    return workspace


def add_release(workspace: Workspace) -> str:
    """Write a release of the shop in use; its id. It is whole, but nothing can be recommended from it."""
    shop = read_shop(workspace)

    def fill(folder: Path) -> dict[str, Any]:
        shop.items[["item_id", "image"]].to_parquet(folder / "items.parquet")
        (folder / "encoders" / "one").mkdir(parents=True)
        (folder / "encoders" / "one" / "ä b.json").write_text("{}", "utf-8")
        np.save(folder / "hybrid.npy", np.arange(100.0))
        counts = {"n_items": len(shop.items), "n_users": 1, "n_interactions": 1}
        return {"snapshot_id": shop.snapshot_id, "seed": 0, "settings": {}, "counts": counts, "arms": {}}

    release_id = new_release_id(workspace)
    write_release(workspace, release_id, fill)
    return release_id
