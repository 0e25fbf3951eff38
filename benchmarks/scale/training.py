"""What a training costs, stage by stage: the first, another in which nothing changed, and ALS beside implicit's own fit on a ready matrix.

Seconds are those that processors worked, so that a busy machine changes them little; memory is the most that the training held until a stage ended.
`training_growth` tells how both grow from size to size.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
from implicit.cpu.als import AlternatingLeastSquares
from scipy import sparse
from threadpoolctl import threadpool_limits

from benchmarks.made_shops import made_niches
from benchmarks.parts import Measured
from benchmarks.scale.shop import n_events, write_shop
from benchmarks.scale.timing import in_turns
from benchmarks.support import engine, run_child
from engine.core.settings import AlsSettings
from engine.models.als import fit_als
from engine.models.threads import bounded_threads

__all__ = ["measure"]

Steps = list[dict[str, Any]]


def measure(arguments: argparse.Namespace) -> dict[str, Measured]:
    """Ratios of trainings and of ALS for each size."""
    figures: dict[str, Measured] = {}
    for products in arguments.products:
        workspace = _workspace(arguments.folder, products, arguments.seed)
        first, again = _trained(workspace), _trained(workspace)
        ratio = round(_seconds(again) / _seconds(first), 3)
        figures[f"training_{products}_again_over_first"] = (ratio, "<= 0.25", {"first": first, "again": again})
        figures[f"training_{products}_peak_gb"] = (round(first[-1]["peak_mb"] / 1000, 2), "-", {})
        figures[f"training_{products}_als_over_implicit"] = _als(products, arguments.rounds, arguments.seed)
    return figures


def _workspace(folder: Path, products: int, seed: int) -> Path:
    """A workspace in which a made shop is loaded and nothing was trained."""
    workspace = folder / f"training-{products}"
    if not (workspace / "shop" / "current").is_file():
        run_child(engine(workspace, "ingest", "--from", write_shop(folder / f"shop-{products}", products, seed=seed)))
    for part in ("releases", "training", "features"):
        run_child(["rm", "-rf", workspace / part])
    return workspace


def _trained(workspace: Path) -> Steps:
    run_child(engine(workspace, "train"), timeout=6 * 3600)
    release = (workspace / "releases" / "current").read_text("utf-8").strip()
    steps: Steps = json.loads((workspace / "releases" / release / "manifest.json").read_text("utf-8"))["steps"]
    return steps


def _seconds(steps: Steps) -> float:
    return float(sum(step["cpu_seconds"] for step in steps))


def _als(products: int, rounds: int, seed: int) -> Measured:
    """64 factors and 15 rounds, as a training fits and tells of them."""
    shop = made_niches(products, n_events(products), max(4, products // 250), seed)
    shape = (int(shop.users.max()) + 1, products)
    pairs = sparse.csr_matrix((np.ones(len(shop.rows), np.float32), (shop.users, shop.rows)), shape=shape)
    settings = AlsSettings()
    confidence = pairs.copy()
    confidence.data = 1.0 + settings.alpha * confidence.data

    def implicits_own() -> None:
        model = AlternatingLeastSquares(
            factors=settings.factors,
            regularization=settings.regularization,
            alpha=1.0,
            iterations=settings.iterations,
            num_threads=1,
            random_state=seed,
        )
        model.fit(confidence, show_progress=False)

    with bounded_threads(1), threadpool_limits(limits=1, user_api="blas"):
        turns = in_turns(rounds, lambda: fit_als(pairs, settings, seed, lambda *_: None), implicits_own)
    return (turns.times_as_long, "<= 1.15", turns.details(interactions=int(pairs.nnz)))
