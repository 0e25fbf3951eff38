"""Products that get another picture and text: how fast their neighbours change, and whether training again agrees.

    python -m benchmarks.changed_products --workspace workspace [--products 60]

Some products of the shop, busy and quiet, get the content of another one. The ten neighbours that are served at once are
compared with those of a release trained again with the changes in the catalogue. For comparison: what training again changes
anyway (products nobody changed, before and after), and what the old list would have been worth.
Written to results/changed_products.json.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.support import copy_workspace, engine, merge_results, run_child
from engine.catalogue.product import Product
from engine.core.settings import workspace_path
from engine.core.workspace import Workspace
from engine.edits.changes.served import changed_products, vectors_of_changes, with_changes
from engine.edits.changes.store import ChangeStore
from engine.recommend.recommender import Recommender
from engine.store import Database

COMMAND = "python -m benchmarks.changed_products --workspace workspace"
TIMED = 40


def main() -> None:
    """Measure on a copy of the workspace, write and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workspace", type=Path, default=workspace_path())
    parser.add_argument("--products", type=int, default=60)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        workspace = Workspace(copy_workspace(arguments.workspace, Path(folder) / "workspace"))
        figures = measured(workspace, arguments.products)
    merge_results(
        "changed_products",
        {name: {"value": value, "target": target, "command": COMMAND} for name, (value, target) in figures.items()},
    )
    for name, (value, target) in figures.items():
        print(f"{name}: {value} (target {target})")


def measured(workspace: Workspace, count: int) -> dict[str, tuple[Any, str]]:
    """The figures; changes the workspace and trains on it."""
    run_child(engine(workspace.root, "train"))  # by this version of the code
    before = Recommender.open(workspace)
    rng, ids = np.random.default_rng(0), before.items["item_id"].tolist()
    chosen = [ids[row] for row in rng.choice(len(ids), min(count, len(ids) // 4), replace=False)]
    wanted = {one: before.product(int(rng.integers(len(ids)))) for one in chosen}
    seconds = timed(before, workspace, wanted)
    store = ChangeStore(Database(workspace.database_url), workspace)
    for one, product in wanted.items():
        store.save(one, before.product(one), product, "benchmark", 0)
    products = changed_products(before, workspace, store.all())
    served = with_changes(before, workspace, products, vectors_of_changes(before, workspace, products))
    run_child(engine(workspace.root, "train"))
    after = Recommender.open(workspace)
    others = [one for one in rng.permutation(ids)[:400].tolist() if one not in products]
    agreed = overlap(served, after, products)
    return {
        "change_p95_seconds": (round(float(np.percentile(seconds[1:], 95)), 3), "<= 1.5"),
        "change_first_seconds": (round(float(seconds[0]), 2), "-"),
        "products_changed": (len(products), "-"),
        "overlap_at_10_with_training_again": (round(float(agreed.mean()), 3), "-"),
        "the_same_of_products_nobody_changed": (round(float(overlap(before, after, others).mean()), 3), "-"),
        "the_same_without_moving_them": (round(float(overlap(before, after, list(products)).mean()), 3), "-"),
    }


def timed(recommender: Recommender, workspace: Workspace, wanted: dict[str, Product]) -> np.ndarray:
    """Seconds from the new content to the moved list, one product at a time, nothing cached; the first is cold."""
    seconds = []
    for one, product in list(wanted.items())[:TIMED]:
        began = time.perf_counter()
        products = {one: product}
        vectors = vectors_of_changes(recommender, workspace, products)
        with_changes(recommender, workspace, products, vectors).neighbours(one)
        seconds.append(time.perf_counter() - began)
    return np.array(seconds)


def overlap(left: Recommender, right: Recommender, item_ids: Sequence[str] | dict[str, Any]) -> np.ndarray:
    """Share of the ten neighbours that two releases have in common, by product."""
    found = []
    for one in item_ids:
        lists = [{n.item_id for n in facade.neighbours(one)} for facade in (left, right)]
        found.append(len(lists[0] & lists[1]) / max(len(lists[0]), 1))
    return np.array(found)


if __name__ == "__main__":
    main()
