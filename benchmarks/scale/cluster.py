"""A training on a Spark cluster of one and of two workers against one machine: the same lists, as good, and how long it takes.

Shops are online_retail and the demo shop, or made ones of the sizes from 100,000 products on that are asked for. They are trained by the settings as they are (nothing is
chosen, and the network, which is fitted here in either case, learns briefly); texts and pictures are encoded before. Small shops are measured on thinned products. The cluster runs
on this machine, a core for each worker, beside the training itself, which has a thread for every core, also by itself: seconds are on the clock, and of small shops they say what sending work out costs.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import tempfile
from pathlib import Path

from benchmarks.parts import Measured
from benchmarks.scale.days import loaded
from benchmarks.support import engine, run_child, shared_data
from engine.core.workspace import Workspace
from engine.recommend.recommender import Recommender
from tests.support.spark_cluster import SparkCluster, running_cluster

__all__ = ["measure"]

SHOPS = {"demo": ["demo"], "online_retail": ["ingest", "--preset", "uci_online_retail", "--from"]}
LARGE = 100_000
MEMORY = "2g"  # of a worker, for shops so large
AS_GIVEN = (
    "--set",
    "selection.enabled=false",
    "--set",
    "predictor.max_steps=300",
    "--set",
    f"threads={os.cpu_count()}",
)
UNMEASURED = ("--set", "evaluation.enabled=false")
SHARED = ("shop", "images", "thumbnails", "features")
"""What a workspace has before its first training, and encoded texts and pictures."""


def measure(arguments: argparse.Namespace) -> dict[str, Measured]:
    """Overlap of the ten best, and ratio of NDCG@10 or times as long, for each shop."""
    figures: dict[str, Measured] = {}
    if large := [products for products in arguments.products if products >= LARGE]:
        for products in large:
            figures |= _large(arguments, f"cluster_{products}", loaded(arguments, products)[0].root)
        return figures
    for shop, command in SHOPS.items():
        prepared = arguments.folder / f"cluster-{shop}"
        if not (prepared / "features").is_dir():
            source = [shared_data() / shop] if command[0] == "ingest" else []
            run_child(engine(prepared, *command, *source))
            run_child(engine(prepared, "train", *AS_GIVEN, *UNMEASURED))
        with tempfile.TemporaryDirectory() as folder:
            here, seconds = trained(prepared, Path(folder, "here"))
            with running_cluster(Path(folder), 2) as cluster:
                there, by_two = on(cluster, prepared, Path(folder, "two"))
            with running_cluster(Path(folder), 1) as cluster:
                _, by_one = on(cluster, prepared, Path(folder, "one"))
            details = {"one_machine_seconds": round(seconds, 1)}
            figures[f"cluster_{shop}_seconds_2_workers"] = (round(by_two, 1), "", details)
            figures[f"cluster_{shop}_seconds_1_worker"] = (round(by_one, 1), "", details)
            figures |= compared(f"cluster_{shop}", here, there)
    return figures


def _large(arguments: argparse.Namespace, name: str, prepared: Path) -> dict[str, Measured]:
    """Of a shop whose quality is measured elsewhere: overlap, and times as long by so many workers."""
    figures: dict[str, Measured] = {}
    with tempfile.TemporaryDirectory(dir=prepared.parent) as folder:
        here, seconds = trained(prepared, Path(folder, "here"), *UNMEASURED)
        for workers in arguments.workers:
            with running_cluster(Path(folder), workers, MEMORY) as cluster:
                there, took = on(cluster, prepared, Path(folder, f"by-{workers}"), *UNMEASURED, memory=MEMORY)
            print(name, workers, took, seconds, flush=True)
            figures[f"{name}_times_as_long_by_{workers}"] = (
                round(took / seconds, 2), "<= 3" if workers == 2 else "-", {"steps": steps(there), "one_machine_steps": steps(here)},
            )  # fmt: skip
            figures[f"{name}_overlap_at_10"] = overlap(here, there)
    return figures


def on(cluster: SparkCluster, prepared: Path, workspace: Path, *more: str, memory: str = "1g") -> tuple[Path, float]:
    """The workspace after a training on a cluster, and its seconds."""
    values = cluster.settings(memory=memory, driver_memory="4g").items()
    told = [f"cluster.{name}={json.dumps(value) if name == 'options' else value}" for name, value in values]
    return trained(prepared, workspace, *more, *(part for one in told for part in ("--set", one)))


def trained(prepared: Path, workspace: Path, *more: str) -> tuple[Path, float]:
    """A new workspace after its first training, and the seconds that it took."""
    for name in SHARED:
        if (prepared / name).is_dir():
            shutil.copytree(prepared / name, workspace / name)
    return workspace, run_child(engine(workspace, "train", *AS_GIVEN, *more)).seconds


def compared(name: str, here: Path, there: Path) -> dict[str, Measured]:
    """The lists of one release against those of the other, and how good they are."""
    good, as_good = ndcg(here), ndcg(there)
    return {
        f"{name}_overlap_at_10": overlap(here, there),
        f"{name}_ndcg_ratio": (round(as_good / good, 4), ">= 0.98", {"ndcg": as_good, "one_machine_ndcg": good}),
    }


def overlap(here: Path, there: Path) -> Measured:
    """Share of ten neighbours of one release that the other has too."""
    before, after = listed(here), listed(there)
    shared = [len(found & after[item_id]) / len(found) for item_id, found in before.items()]
    return (round(sum(shared) / len(shared), 4), ">= 0.98", {"lists": len(shared)})


def listed(workspace: Path) -> dict[str, set[str]]:
    """Product -> its ten neighbours by the hybrid."""
    table = Recommender.open(Workspace(workspace)).neighbours_all("hybrid", 10)
    return {str(item_id): set(found["neighbour_id"]) for item_id, found in table.groupby("item_id")}


def ndcg(workspace: Path) -> float:
    """Surprise NDCG@10 of the hybrid over all thinned products."""
    metrics = json.loads((served(workspace) / "metrics.json").read_text("utf-8"))
    return float(metrics["thinning"]["hybrid"]["pooled"]["ndcg"]["mean"])


def steps(workspace: Path) -> dict[str, float]:
    """Seconds of each step of the training."""
    told = json.loads((served(workspace) / "manifest.json").read_text("utf-8"))["steps"]
    return {step["name"]: step["seconds"] for step in told}


def served(workspace: Path) -> Path:
    """The folder of its release."""
    return workspace / "releases" / (workspace / "releases" / "current").read_text("utf-8").strip()
