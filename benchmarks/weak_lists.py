"""Whether lists that Today calls weak are bad, on the demo shop, where every product's true family is known.

    python -m benchmarks.weak_lists --workspace FOLDER

FOLDER holds the demo shop with a published release. A list is bad where at least three of its ten products are of another family. Also
counted: products that stand on no list, and on ten times as many as the average product.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from scipy.stats import rankdata

from benchmarks.support import merge_results
from engine.core.workspace import Workspace
from engine.demo.build import read_families
from engine.overview.list_shape import hubs, lists_with, weak_lists
from engine.recommend.recommender import Recommender

K, BAD = 10, 3
COMMAND = "python -m benchmarks.weak_lists"


def main() -> None:
    """Measure, write and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workspace", type=Path, required=True)
    workspace = Workspace(parser.parse_args().workspace)
    figures = {}
    for name, value, target in measured(workspace):
        figures[name] = {"value": round(float(value), 4), "target": target, "command": COMMAND}
        print(f"{name:40s} {value:8.4f}   wanted {target}")
    merge_results("weak_lists", figures)


def measured(workspace: Workspace) -> Iterator[tuple[str, float, str]]:
    """Name, value and target of every figure."""
    release, families = Recommender.open(workspace), read_families(workspace)
    lists, counts = release.top_lists("hybrid"), release.items["interaction_count"].to_numpy()
    family = release.items["item_id"].map(families).to_numpy()
    bad = ((family[lists.rows[:, :K]] != family[:, None]) & (lists.rows[:, :K] >= 0)).sum(axis=1) >= BAD
    weak, _ = weak_lists(lists.rows, lists.scores, counts, K)
    among = float(bad[weak].mean()) if len(weak) else 0.0
    yield "bad_of_all", float(bad.mean()), "-"
    yield "bad_of_weak", among, "-"
    yield "bad_of_weak_over_all", among / max(bad.mean(), 1e-9), ">= 5"
    yield "bad_that_are_weak", float(np.isin(np.flatnonzero(bad), weak).mean()), "-"
    yield "auc_of_mean_similarity", area(-lists.scores[:, :K].mean(axis=1), bad), ">= 0.9"
    for arm in ("als", "hybrid"):
        on_lists = lists_with(release.top_lists(arm).rows, K)
        yield f"on_no_list_{arm}", float((on_lists == 0).mean()), "-"
        yield f"hubs_{arm}", float(len(hubs(on_lists))), "-"


def area(scores: np.ndarray, positive: np.ndarray) -> float:
    """Area under the ROC curve: how likely a positive one scores above a negative one; (n,) float and (n,) bool."""
    ranks, yes = rankdata(scores), int(positive.sum())
    return float((ranks[positive].sum() - yes * (yes + 1) / 2) / max(yes * (len(scores) - yes), 1))


if __name__ == "__main__":
    main()
