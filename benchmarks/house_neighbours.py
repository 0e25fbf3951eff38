"""Whether two versions of the code give every product the same neighbours: each trains the same shops from the same seed."""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

import pandas as pd

from benchmarks.support import run_child, shared_data

__all__ = ["compare", "export"]

SHOPS = ("demo", "online_retail")
SAME = ("als", "content", "hybrid")  # must not move by a change of form alone
ARMS = (*SAME, "predicted")
K = 10
COMMAND = "python -m benchmarks.house --neighbours BEFORE AFTER"


def export(repository: Path, folder: Path) -> None:
    """Train both shops with the code in `repository`; write `<shop>-<arm>.parquet` and `<shop>-metrics.json`."""
    folder = folder.absolute()
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="longtail-house-") as temporary:
        for shop in SHOPS:
            workspace = Path(temporary) / shop
            _train(repository, workspace, shop)
            for arm in ARMS:
                table = folder / f"{shop}-{arm}.parquet"
                _engine(repository, workspace, "neighbours", "--arm", arm, "--k", str(K), "--out", str(table))
            release = (workspace / "releases" / "current").read_text("utf-8").strip()
            shutil.copy(workspace / "releases" / release / "metrics.json", folder / f"{shop}-metrics.json")


def compare(before: Path, after: Path) -> dict[str, dict[str, Any]]:
    """Shares of products whose list is the same before and after, by shop and arm, and what the predicted lists are worth.

    Both folders are what `export` wrote. A product that has no list in both counts as the same.
    """
    figures: dict[str, dict[str, Any]] = {}
    for shop in SHOPS:
        for arm in ARMS:
            old, new = (_lists(folder / f"{shop}-{arm}.parquet") for folder in (before, after))
            ids = old.keys() | new.keys()
            share = sum(old.get(one) == new.get(one) for one in ids) / len(ids)
            figures[f"{shop}_{arm}_same_lists"] = {
                "value": round(share, 4),
                "target": "== 1.0" if arm in SAME else "-",
                **({"met": share == 1.0} if arm in SAME else {}),
                "products": len(ids),
                "command": COMMAND,
            }
        old, new = (_quality(folder / f"{shop}-metrics.json") for folder in (before, after))
        figures[f"{shop}_predicted_surprise_ndcg"] = {
            "value": new,
            "target": f">= {old}",
            "met": new >= old,
            "command": COMMAND,
        }
    return figures


def _train(repository: Path, workspace: Path, shop: str) -> None:
    if shop == "demo":
        _engine(repository, workspace, "demo", "--train")
    else:
        _engine(repository, workspace, "ingest", "--preset", "uci_online_retail", "--from", str(shared_data() / shop))
        _engine(repository, workspace, "train")


def _engine(repository: Path, workspace: Path, *arguments: str) -> None:
    """`python -m engine` by the code in `repository`."""
    run_child([sys.executable, "-m", "engine", *arguments, "--workspace", workspace], folder=repository)


def _lists(table: Path) -> dict[str, list[str]]:
    """Each product's neighbours, first one first."""
    rows = pd.read_parquet(table).sort_values(["item_id", "rank"])
    return {str(one): list(group) for one, group in rows.groupby("item_id")["neighbour_id"]}


def _quality(metrics: Path) -> float:
    """Surprise NDCG@10 of the predicted lists, pooled over the thinning levels."""
    figures = json.loads(metrics.read_text("utf-8"))["thinning"]["predicted"]["pooled"]
    return round(float(figures["ndcg"]["mean"]), 4)
