"""Products whose behaviour nobody has: does one that is described again as new get the ten neighbours it has in a catalogue?

The interactions of some products of the shop are hidden, all of them, and a release is trained on what is left, with the
settings as they are. In that release these products stand without interactions; then each is described as a new one, once
with the picture as it is stored, and once with the picture uploaded anew, which is decoded and encoded a second time.
People's judgements are left out of the training: a new product has none.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from benchmarks.support import copy_workspace, engine, run_child
from engine.catalogue.product import Product
from engine.catalogue.snapshot import event_files, read_shop, write_snapshot
from engine.core.workspace import Workspace
from engine.recommend.recommender import Recommender
from engine.recommend.unseen import neighbours_of_unseen
from engine.untrusted.uploads import picture_children, store_upload

__all__ = ["Overlaps", "described_again"]

K = 10
LEAST = 12  # interactions that a product has before they are hidden
DERIVED = ("n_items", "n_events", "n_users", "created_at")
COMMENT = b"\xff\xfe\x00\x10described anew"  # a JPEG comment: other bytes, and so another picture to the shop
TOLD_EVERY = 50


@dataclass(frozen=True)
class Overlaps:
    """Share of each product's ten neighbours that it gets as a new one: by the stored picture, and by one uploaded anew."""

    item_ids: list[str]
    stored: np.ndarray
    uploaded: np.ndarray


def described_again(root: Path, products: int, seed: int) -> Overlaps:
    """Hide, train, describe; on a copy of the workspace."""
    with tempfile.TemporaryDirectory(prefix="longtail-thinned-") as folder:
        copy = copy_workspace(root, Path(folder) / "workspace", without=["releases", "longtail.db"])
        workspace = Workspace(copy)
        hidden = _hide(workspace, products, seed)
        print(f"  the interactions of {len(hidden)} products are hidden; training", flush=True)
        child = run_child(engine(copy, "train"))
        print(f"  trained in {child.seconds:.0f} s", flush=True)
        recommender = Recommender.open(workspace)
        counts = recommender.items.set_index("item_id")["interaction_count"]
        if counts[hidden].any():
            raise RuntimeError("the release knows interactions that were hidden")
        with picture_children() as children:
            stored = _overlaps(recommender, workspace, hidden, lambda item: item)
            uploaded = _overlaps(recommender, workspace, hidden, lambda item: _uploaded(workspace, item, children))
        return Overlaps(hidden, stored, uploaded)


def _hide(workspace: Workspace, products: int, seed: int) -> list[str]:
    """Put a snapshot in use that lacks all interactions of so many products; their ids."""
    shop, folder = read_shop(workspace), workspace.current_snapshot()
    events = pa.concat_tables(pq.read_table(file) for file in event_files(folder))
    pairs = events.select(["user_id", "item_id"]).group_by(["user_id", "item_id"]).aggregate([])
    counts = pairs.group_by("item_id").aggregate([("user_id", "count")]).to_pandas()
    busy = sorted(counts.loc[counts["user_id_count"] >= LEAST, "item_id"])
    hidden = sorted(np.random.default_rng(seed).choice(busy, min(products, len(busy)), replace=False).tolist())
    rest = events.filter(pc.invert(pc.is_in(events["item_id"], pa.array(hidden, type=events["item_id"].type))))
    file = workspace.root / "rest.parquet"
    pq.write_table(rest, file)
    info = {name: value for name, value in shop.info.items() if name not in DERIVED}
    report = json.loads((folder / "report.json").read_text("utf-8"))
    truth = folder / "truth.parquet"  # a training of the demo shop asks for it
    write_snapshot(workspace, shop.items, file, info, report, pd.read_parquet(truth) if truth.is_file() else None)
    return hidden


def _overlaps(
    recommender: Recommender,
    workspace: Workspace,
    item_ids: Sequence[str],
    again: Callable[[Product], Product],
) -> np.ndarray:
    shares = []
    for number, item_id in enumerate(item_ids, start=1):
        ours = [one.item_id for one in recommender.neighbours(item_id, k=K)]
        product = again(recommender.product(item_id).readable_by(recommender.attribute_kinds, workspace))
        found = neighbours_of_unseen(recommender, workspace, product, K + 1)  # itself is in the catalogue, too
        theirs = [one.item_id for one in found if one.item_id != item_id][:K]
        shares.append(len(set(ours) & set(theirs)) / max(len(ours), 1))
        if number % TOLD_EVERY == 0:
            print(f"  {number} of {len(item_ids)}: {np.mean(shares):.4f} of the neighbours so far", flush=True)
    return np.array(shares)


def _uploaded(workspace: Workspace, product: Product, children: Any) -> Product:
    """The product with its picture uploaded again, as a file with other bytes."""
    if not product.image:
        return product
    data = workspace.image_file(product.image).read_bytes()
    anew = store_upload(workspace, data[:2] + COMMENT + data[2:], name="again.jpg", children=children)
    if anew == product.image:
        raise RuntimeError("the uploaded picture is the stored one")
    return replace(product, image=anew)
