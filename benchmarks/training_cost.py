"""What choosing and measuring cost in training, and what the index finds of the exact lists; into results/quality.json.

    python -m benchmarks.training_cost [--rounds 2] [--workspaces FOLDER]

Trains online_retail with choosing and measuring, and without (`selection.enabled` and `evaluation.enabled` off), in turns
on the same machine, and compares the medians. The recall is that of every arm's index against all vectors compared, over products
drawn by chance, in the last of the releases.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.support import engine, merge_results, run_child, shared_data

SHOP, PRESET, K, PRODUCTS = "online_retail", "uci_online_retail", 10, 500
COMMAND = "python -m benchmarks.training_cost"


def main() -> None:
    """Measure, write and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--workspaces", type=Path, help="folder of the workspace, kept afterwards")
    arguments = parser.parse_args()
    folder = arguments.workspaces or Path(tempfile.mkdtemp(prefix="longtail-training-cost-"))
    try:
        workspace = folder / SHOP
        if not (workspace / "shop" / "current").exists():
            run_child(engine(workspace, "ingest", "--preset", PRESET, "--from", shared_data() / SHOP))
            run_child(engine(workspace, "train"))  # texts are encoded once for all that follow
        figures = {**cost(workspace, arguments.rounds), **recall(workspace)}
    finally:
        if arguments.workspaces is None:
            shutil.rmtree(folder, ignore_errors=True)
    merge_results("quality", figures)
    for name, figure in figures.items():
        print(f"{name}: {figure['value']} (asked {figure['target']})")


def cost(workspace: Path, rounds: int) -> dict[str, dict[str, Any]]:
    """Seconds of `train` over those of `train` without choosing and measuring, turn by turn."""
    seconds: dict[str, list[float]] = {"with": [], "without": []}
    for _ in range(rounds):
        neither = ("--set", "selection.enabled=false", "--set", "evaluation.enabled=false")
        plain = run_child(engine(workspace, "train", *neither, "--no-publish"))
        seconds["without"].append(round(plain.seconds, 1))
        seconds["with"].append(round(run_child(engine(workspace, "train")).seconds, 1))
    ratio = statistics.median(seconds["with"]) / statistics.median(seconds["without"])
    return {
        f"{SHOP}_train_time_over_plain": {
            "value": round(ratio, 2),
            "target": "<= 2.5",
            "met": ratio <= 2.5,
            "command": COMMAND,
            "seconds": seconds,
        }
    }


def recall(workspace: Path) -> dict[str, dict[str, Any]]:
    """Of the ten best by comparing every vector, the share that the served path finds; the worst arm counts."""
    from engine.core.vectors import unit_rows
    from engine.core.workspace import Workspace
    from engine.recommend.recommender import Recommender

    recommender = Recommender.open(Workspace(workspace))
    rng = np.random.default_rng(0)
    found: dict[str, float] = {}
    for name in recommender.arms:
        search = recommender.arm(name)
        rows = np.sort(rng.permutation(np.flatnonzero(search.has_list))[:PRODUCTS])
        allowed = search.candidate_rows
        scores = unit_rows(np.asarray(search.query[rows])) @ unit_rows(np.asarray(search.candidates[allowed])).T
        scores[rows[:, None] == allowed] = -np.inf
        best = np.argsort(-scores, axis=1, kind="stable")[:, :K]
        shares = [
            len(set(allowed[exact]) & set(served[0].tolist())) / K
            for exact, served in zip(best, search.of_all(rows, K), strict=True)
        ]
        found[name] = round(float(np.mean(shares)), 4)
    worst = min(found.values())
    return {
        f"{SHOP}_recall_at_10": {
            "value": worst, "target": ">= 0.98", "met": worst >= 0.98, "command": COMMAND, "arms": found
        }
    }  # fmt: skip


if __name__ == "__main__":
    main()
