"""A training on a Spark cluster of one and of two workers against one machine: the same lists, as good, and how long it takes.

Shops are online_retail and the demo shop, trained by the settings as they are (nothing is chosen, and the network, which is fitted here in either case, learns briefly) and measured on thinned products; texts and pictures are
encoded before. The cluster runs on this machine, a core for each worker, beside the training itself: seconds are on the clock, and of work that is too
small for a cluster, so they say what sending it out costs.
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
from pathlib import Path

from benchmarks.parts import Measured
from benchmarks.support import engine, run_child, shared_data
from engine.core.workspace import Workspace
from engine.recommend.recommender import Recommender
from tests.support.spark_cluster import SparkCluster, running_cluster

__all__ = ["measure"]

SHOPS = {"demo": ["demo"], "online_retail": ["ingest", "--preset", "uci_online_retail", "--from"]}
AS_GIVEN = ("--set", "selection.enabled=false", "--set", "predictor.max_steps=300")
UNMEASURED = ("--set", "evaluation.enabled=false")
SHARED = ("shop", "images", "thumbnails", "features")
"""What a workspace has before its first training, and encoded texts and pictures."""


def measure(arguments: argparse.Namespace) -> dict[str, Measured]:
    """Overlap of the ten best, ratio of NDCG@10, and times as long, for each shop."""
    figures: dict[str, Measured] = {}
    for shop, command in SHOPS.items():
        prepared = arguments.folder / f"cluster-{shop}"
        if not (prepared / "features").is_dir():
            source = [shared_data() / shop] if command[0] == "ingest" else []
            run_child(engine(prepared, *command, *source))
            run_child(engine(prepared, "train", *AS_GIVEN, *UNMEASURED))
        with tempfile.TemporaryDirectory() as folder:
            here, seconds = trained(prepared, Path(folder, "here"))
            with running_cluster(Path(folder), 2) as cluster:
                there, figures[f"cluster_{shop}_seconds_2_workers"] = on(
                    cluster, prepared, Path(folder, "two"), seconds
                )
            with running_cluster(Path(folder), 1) as cluster:
                _, figures[f"cluster_{shop}_seconds_1_worker"] = on(cluster, prepared, Path(folder, "one"), seconds)
            figures |= compared(f"cluster_{shop}", here, there)
    return figures


def on(cluster: SparkCluster, prepared: Path, workspace: Path, here: float) -> tuple[Path, Measured]:
    """The workspace after a training on a cluster, and its seconds."""
    values = cluster.settings(memory="1g").items()
    told = [f"cluster.{name}={json.dumps(value) if name == 'options' else value}" for name, value in values]
    _, seconds = trained(prepared, workspace, *(part for one in told for part in ("--set", one)))
    return workspace, (round(seconds, 1), "", {"one_machine_seconds": round(here, 1)})


def trained(prepared: Path, workspace: Path, *more: str) -> tuple[Path, float]:
    """A new workspace after its first training, and the seconds that it took."""
    for name in SHARED:
        if (prepared / name).is_dir():
            shutil.copytree(prepared / name, workspace / name)
    return workspace, run_child(engine(workspace, "train", *AS_GIVEN, *more)).seconds


def compared(name: str, here: Path, there: Path) -> dict[str, Measured]:
    """The lists of one release against those of the other, and how good they are."""
    before, after = listed(here), listed(there)
    shared = [len(found & after[item_id]) / len(found) for item_id, found in before.items()]
    good, as_good = ndcg(here), ndcg(there)
    return {
        f"{name}_overlap_at_10": (round(sum(shared) / len(shared), 4), ">= 0.98", {"lists": len(shared)}),
        f"{name}_ndcg_ratio": (round(as_good / good, 4), ">= 0.98", {"ndcg": as_good, "one_machine_ndcg": good}),
    }


def listed(workspace: Path) -> dict[str, set[str]]:
    """Product -> its ten neighbours by the hybrid."""
    table = Recommender.open(Workspace(workspace)).neighbours_all("hybrid", 10)
    return {str(item_id): set(found["neighbour_id"]) for item_id, found in table.groupby("item_id")}


def ndcg(workspace: Path) -> float:
    """Surprise NDCG@10 of the hybrid over all thinned products."""
    release = workspace / "releases" / (workspace / "releases" / "current").read_text("utf-8").strip()
    metrics = json.loads((release / "metrics.json").read_text("utf-8"))
    return float(metrics["thinning"]["hybrid"]["pooled"]["ndcg"]["mean"])
