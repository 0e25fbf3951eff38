"""A training on a Spark cluster of one and of two workers against one machine: the same lists, as good, and how long it takes.

Shops are online_retail and the demo shop, trained by the settings as they are (nothing is chosen) and measured on thinned products; texts and pictures are encoded
before. The cluster runs on this machine, a core for each worker, beside the training itself: times are on the clock, and of work of
seconds, which a cluster only makes longer.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path

from benchmarks.parts import Measured
from benchmarks.support import engine, run_child, shared_data
from engine.core.workspace import Workspace
from engine.recommend.recommender import Recommender
from tests.support.spark_cluster import SparkCluster, running_cluster

__all__ = ["measure"]

SHOPS = {"demo": ("demo",), "online_retail": ("ingest", "--preset", "uci_online_retail", "--from")}
WORKERS = (1, 2)
AS_GIVEN = ("--set", "selection.enabled=false")


def measure(arguments: argparse.Namespace) -> dict[str, Measured]:
    """Overlap of the ten best, ratio of NDCG@10, and times as long, for each shop and number of workers."""
    figures: dict[str, Measured] = {}
    for shop, command in SHOPS.items():
        workspace = arguments.folder / f"cluster-{shop}"
        if not (workspace / "releases" / "current").is_file():
            source = [shared_data() / shop] if command[0] == "ingest" else []
            run_child(engine(workspace, *command, *source))
            run_child(engine(workspace, "train", *AS_GIVEN))  # texts and pictures are encoded once for all that follow
        here = trained(workspace)
        for n_workers in WORKERS:
            with tempfile.TemporaryDirectory() as folder, running_cluster(Path(folder), n_workers) as cluster:
                there = trained(workspace, *options(cluster))
            figures |= compared(workspace, f"cluster_{shop}_{n_workers}_workers", here, there)
    return figures


def trained(workspace: Path, *more: str) -> tuple[str, float]:
    """The release, and the seconds that it took."""
    child = run_child(engine(workspace, "--json", "train", "--no-publish", *AS_GIVEN, *more))
    result = json.loads(child.output[child.output.rindex('{"release_id"') :].splitlines()[0])
    return str(result["release_id"]), child.seconds


def options(cluster: SparkCluster) -> list[str]:
    """The cluster as a command is told of it."""
    values = cluster.settings()
    return [
        part
        for name, value in values.items()
        for part in ("--set", f"cluster.{name}={json.dumps(value) if name == 'options' else value}")
    ]


def compared(workspace: Path, name: str, here: tuple[str, float], there: tuple[str, float]) -> dict[str, Measured]:
    """Figures of one training against the other."""
    lists = [listed(workspace, release_id) for release_id, _ in (here, there)]
    shared = [len(found & lists[1][item_id]) / len(found) for item_id, found in lists[0].items()]
    quality = [ndcg(workspace, release_id) for release_id, _ in (here, there)]
    seconds = {"seconds": round(there[1], 1), "one_machine_seconds": round(here[1], 1)}
    return {
        f"{name}_overlap_at_10": (round(sum(shared) / len(shared), 4), ">= 0.98", {"lists": len(shared)}),
        f"{name}_ndcg_ratio": (
            round(quality[1] / quality[0], 4),
            ">= 0.98",
            {"ndcg": quality[1], "one_machine_ndcg": quality[0]},
        ),
        f"{name}_times_as_long": (round(there[1] / here[1], 2), "", seconds),
    }


def listed(workspace: Path, release_id: str) -> dict[str, set[str]]:
    """Product -> its ten neighbours by the hybrid."""
    table = Recommender.open(Workspace(workspace), release_id).neighbours_all("hybrid", 10)
    return {str(item_id): set(found["neighbour_id"]) for item_id, found in table.groupby("item_id")}


def ndcg(workspace: Path, release_id: str) -> float:
    """Surprise NDCG@10 of the hybrid over all thinned products."""
    metrics = json.loads((workspace / "releases" / release_id / "metrics.json").read_text("utf-8"))
    return float(metrics["thinning"]["hybrid"]["pooled"]["ndcg"]["mean"])
