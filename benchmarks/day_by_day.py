"""A real shop trained on a week's evenings, one after the other: how often its settings change, and what that is worth; into results/quality.json.

    python -m benchmarks.day_by_day [--evenings 6] [--seeds 0 1] [--workspaces FOLDER]

A plan is chosen on every evening's interactions of online_retail: afresh, as if nothing had been served, and against the plan of the evening before, which another must beat
(`engine.selection.better`). Both are measured on the half of the thinned products that chose nothing. A change is that of one part of a plan from an evening to the next: ALS, the mix of the
Predicted list, the kernel, the shape of candidates with what content adds, arms beside Longtail, or how shoppers are served.
"""

from __future__ import annotations

import argparse
import multiprocessing
import pickle
import shutil
import tempfile
from concurrent.futures import ProcessPoolExecutor
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from scipy import sparse

from benchmarks.quality import Data, prepared
from benchmarks.support import merge_results
from engine.arms.plan import TrainingPlan
from engine.evaluation.report import measure_plan
from engine.models.threads import bounded_threads
from engine.selection.plan_choice import choose_plan

SHOP, DAY = "online_retail", 86_400
COMMAND = "python -m benchmarks.day_by_day"


def main() -> None:
    """Measure, write and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--evenings", type=int, default=6)
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1])
    parser.add_argument("--workspaces", type=Path, help="folder of the workspace, kept afterwards")
    arguments = parser.parse_args()
    folder = arguments.workspaces or Path(tempfile.mkdtemp(prefix="longtail-day-by-day-"))
    try:
        file = prepared(SHOP, folder)
        with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as pool:
            begun = {
                (stands, seed): pool.submit(evenings, file, arguments.evenings, seed, stands)
                for seed in arguments.seeds
                for stands in (False, True)
            }
            found = {key: one.result() for key, one in begun.items()}
    finally:
        if arguments.workspaces is None:
            shutil.rmtree(folder, ignore_errors=True)
    afresh, against = ([found[stands, seed] for seed in arguments.seeds] for stands in (False, True))
    changes, ndcg = ([_mean(ways, name) for ways in (afresh, against)] for name in ("changes", "ndcg"))
    entries: dict[str, tuple[float, str]] = {
        "settings_changed_an_evening_afresh": (round(changes[0], 2), "-"),
        "settings_changed_an_evening": (round(changes[1], 2), "-"),
        "settings_that_stand_ndcg_over_afresh": (round(ndcg[1] / ndcg[0], 3), ">= 1"),
    }
    figures = {
        f"{SHOP}_{name}": {"value": value, "target": target, "command": COMMAND}
        for name, (value, target) in entries.items()
    }
    figures[f"{SHOP}_settings_changed_an_evening"] |= {"afresh": afresh, "against": against}
    merge_results("quality", figures)
    for name, figure in figures.items():
        print(f"{name}: {figure['value']} (asked {figure['target']})")


@bounded_threads(1)
def evenings(file: Path, n: int, seed: int, stands: bool) -> dict[str, list[Any]]:
    """Changes from evening to evening, by part, and the NDCG@10 of every evening's reported products; with the plans before standing, or without."""
    data: Data = pickle.loads(file.read_bytes())
    assert data.first_timestamps is not None
    last = int(data.first_timestamps.max())
    plans: list[TrainingPlan] = []
    ndcg = []
    for end in range(last - (n - 1) * DAY, last + 1, DAY):
        known = data.user_items.copy()
        known.data = np.where(data.first_timestamps <= end, known.data, 0).astype(known.dtype)
        known.eliminate_zeros()
        known = sparse.csr_matrix(known[np.diff(known.indptr) > 0])
        standing = plans[-1] if stands and plans else None
        choice = choose_plan(known, data.content, data.settings, seed, standing=standing)
        measured = measure_plan(
            known,
            data.content,
            choice.plan,
            data.settings,
            seed,
            thinned=choice.thinned,
            niches=choice.niches,
            shoppers=choice.shoppers,
        )
        ndcg.append(measured["thinning"]["hybrid"]["pooled"]["ndcg"]["mean"])
        plans.append(choice.plan)
        print(f"seed {seed}, {'standing' if stands else 'afresh'}: {_parts(choice.plan)} {ndcg[-1]:.4f}", flush=True)
    parts = [_parts(plan) for plan in plans]
    changed = [[name for name in now if now[name] != before[name]] for before, now in pairwise(parts)]
    return {"changes": changed, "ndcg": ndcg}


def _parts(plan: TrainingPlan) -> dict[str, Any]:
    one = plan.recipe
    return {
        "als": (plan.als.regularization, plan.als.alpha),
        "mix": plan.mix,
        "kernel": (one.weights, one.sharpness, one.noise, one.rank),
        "candidates": (one.exponent, one.lean, one.unseen, one.silence),
        "beside": (one.channels, one.fallback),
        "shoppers": one.user_scoring,
    }


def _mean(chains: list[dict[str, list[Any]]], name: str) -> float:
    """Of all evenings: how many changes there were, or the NDCG."""
    return float(np.mean([len(one) if name == "changes" else one for chain in chains for one in chain[name]]))


if __name__ == "__main__":
    main()
