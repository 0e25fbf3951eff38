"""What workers elsewhere work out against what one machine works out: ALS, residual factors, smoother and lists of real shops.

The stages are cut into parts, pickled and added up as on a cluster, by workers in this process, so figures are of the arithmetic alone; `cluster` measures a whole training on
Spark. Both sides get the same prediction, from a network that learned briefly; texts are encoded here, pictures are left out. Quality is surprise NDCG@10 of
thinned products; lists are of all products, fitted on thinned interactions.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from benchmarks.parts import Measured
from benchmarks.scale.cluster import SHOPS
from benchmarks.support import engine, run_child, shared_data
from engine.arms.geometry import ArmVectors
from engine.arms.plan import TrainingPlan, default_plan
from engine.arms.registry import arm_vectors
from engine.core.progress import silent
from engine.core.settings import Settings
from engine.core.workers import Workers, working_with
from engine.core.workspace import Workspace
from engine.evaluation.fits import Behaviour, fit_hybrid_on, fitted_models, predict_factors
from engine.evaluation.targets import Targets, ThinnedTargets, draw_targets
from engine.models.als import fit_als
from engine.release.all_lists import Compared, best_lists
from engine.training.data import TrainingData, encode_products, read_data
from tests.support.pickling_workers import PicklingWorkers

__all__ = ["measure"]

BRIEFLY = Settings.model_validate({"predictor": {"max_steps": 60}, "image": {"kind": "none"}})
K = 10


def measure(arguments: argparse.Namespace) -> dict[str, Measured]:
    """Overlap of the ten best, and the ratio of NDCG@10, of Behaviour and Longtail in each shop."""
    figures: dict[str, Measured] = {}
    for shop, command in SHOPS.items():
        workspace = arguments.folder / f"cluster-{shop}"
        if not (workspace / "shop" / "current").exists():
            run_child(engine(workspace, *command, *([shared_data() / shop] if command[0] == "ingest" else [])))
        figures |= {f"cluster_stages_{shop}_{name}": one for name, one in compared(workspace, arguments.seed).items()}
    return figures


def compared(folder: Path, seed: int) -> dict[str, Measured]:
    """Of one shop."""
    workspace = Workspace(folder)
    data = encode_products(*read_data(workspace, BRIEFLY, silent), workspace, BRIEFLY, silent)
    plan = default_plan(BRIEFLY, len(data.shop.items), words=True)
    thinned = draw_targets(data.interactions.user_items, BRIEFLY.evaluation, seed)
    predicted = predict_factors(
        thinned.split.train, fit_als(thinned.split.train, plan.als, seed), data.content.features, BRIEFLY, seed
    )
    here, there = (fitted(data, plan, thinned, predicted, seed, some) for some in (None, PicklingWorkers()))
    figures: dict[str, Measured] = {}
    for arm in ("als", "hybrid"):
        (good, lists), (as_good, others) = here[arm], there[arm]
        shared = [len(set(one) & set(other)) / K for one, other in zip(lists, others, strict=True) if one.min() >= 0]
        figures |= {
            f"{arm}_overlap_at_10": (round(float(np.mean(shared)), 4), ">= 0.98", {"lists": len(shared)}),
            f"{arm}_ndcg_ratio": (round(as_good / good, 4), ">= 0.98", {"ndcg": as_good, "one_machine_ndcg": good}),
        }
    return figures


def fitted(
    data: TrainingData,
    plan: TrainingPlan,
    thinned: ThinnedTargets,
    predicted: np.ndarray,
    seed: int,
    some: Workers | None,
) -> Mapping[str, tuple[float, np.ndarray]]:
    """Arm -> NDCG@10 over the reported thinned products, and everybody's ten best, (n_items, 10)."""
    train = thinned.split.train
    with working_with(some):
        als = fit_als(train, plan.als, seed)
        hybrid = fit_hybrid_on(train, data.content, predicted, plan.recipe, seed)
        arms = arm_vectors(
            fitted_models(Behaviour(als, als, predicted), data.content, thinned.counts, plan.mix, hybrid)
        )
        return {arm: (quality(arms[arm], thinned), ten_best(arms[arm])) for arm in ("als", "hybrid")}


def quality(arm: ArmVectors, thinned: ThinnedTargets) -> float:
    """Surprise NDCG@10."""
    half = np.flatnonzero(thinned.reported)
    targets = Targets(thinned.split.targets[half], thinned.gains[half], thinned.split.candidates).judged()
    scores = arm.query[targets.rows] @ arm.candidates.T
    scores[:, ~arm.is_candidate] = -np.inf
    return round(float(np.nanmean(targets.ndcg(scores))), 4)


def ten_best(arm: ArmVectors) -> np.ndarray:
    """(n_items, 10) rows, -1 where there is no list."""
    candidates, rows = np.asarray(arm.candidates), np.flatnonzero(arm.has_list)
    lengths = np.linalg.norm(candidates, axis=1)
    inverse = np.divide(1.0, lengths, out=np.zeros_like(lengths), where=lengths > 0)
    units = arm.query[rows] / np.linalg.norm(arm.query[rows], axis=1, keepdims=True)
    found = np.full((len(candidates), K), -1)
    for lists in best_lists(Compared(candidates, inverse, np.flatnonzero(~arm.is_candidate)), units, rows, K):
        found[rows[lists.places]] = lists.rows
    return found
