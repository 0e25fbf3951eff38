"""What a training costs, stage by stage: the first, and another in which nothing changed.

Seconds are those that processors worked, so that a busy machine changes them little; memory is the most that the training held until a stage ended.
`training_growth` tells how both grow from size to size.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from benchmarks.parts import Measured
from benchmarks.scale.shop import write_shop
from benchmarks.support import engine, run_child

__all__ = ["measure"]

Steps = list[dict[str, Any]]


def measure(arguments: argparse.Namespace) -> dict[str, Measured]:
    """Ratios of trainings for each size."""
    figures: dict[str, Measured] = {}
    for products in arguments.products:
        workspace = _workspace(arguments.folder, products, arguments.seed)
        first, again = _trained(workspace), _trained(workspace)
        ratio = round(_seconds(again) / _seconds(first), 3)
        figures[f"training_{products}_again_over_first"] = (ratio, "<= 0.25", {"first": first, "again": again})
        figures[f"training_{products}_peak_gb"] = (round(first[-1]["peak_mb"] / 1000, 2), "-", {})
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
