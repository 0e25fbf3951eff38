"""Loading a shop: string ids in files to the interaction matrix against pandas' groupby; time and memory by size; what a day costs.

Each way runs in a process of its own, in turns, on the same file: events in order of time. pandas adds up one weight a pair and
makes a matrix; Longtail's `read_interactions` also takes back what shoppers took back, and keeps each pair's first time.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from shutil import copytree, rmtree
from statistics import median

import duckdb

from benchmarks.parts import Measured
from benchmarks.scale.shop import write_shop
from benchmarks.support import ROOT
from engine.ingest.staged_sql import quoted

__all__ = ["measure"]

DAY = 0.01
_HEAD = """
import json, resource, sys, time
from pathlib import Path
import pandas as pd
def told(began, cpu, **more):
    print(json.dumps({"seconds": time.perf_counter() - began, "cpu_seconds": time.process_time() - cpu,
        "peak_gb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9, **more}))
"""
_PANDAS = """
from scipy.sparse import csr_matrix
began, cpu = time.perf_counter(), time.process_time()
events = pd.read_parquet(sys.argv[1], columns=["user_id", "item_id", "event"])
weights = events["event"].map({"view": 1.0, "cart": 3.0, "purchase": 5.0})
pairs = events.assign(weight=weights).groupby(["user_id", "item_id"])["weight"].sum()
users, _ = pd.factorize(pairs.index.get_level_values(0))
items, _ = pd.factorize(pairs.index.get_level_values(1))
told(began, cpu, nnz=csr_matrix((pairs.to_numpy("float32"), (users, items))).nnz)
"""
_OURS = """
from engine.catalogue.interactions import read_interactions
from engine.catalogue.snapshot import read_shop
from engine.core.settings import InteractionSettings
from engine.core.workspace import Workspace
workspace = Workspace(Path(sys.argv[1]))
ids = read_shop(workspace).items["item_id"].tolist()
began, cpu = time.perf_counter(), time.process_time()
told(began, cpu, nnz=read_interactions(workspace, ids, InteractionSettings()).user_items.nnz)
"""
_LOAD = """
from engine.core.workspace import Workspace
from engine.ingest.append import append
from engine.ingest.pipeline import ingest
load = {"ingest": ingest, "append": append}[sys.argv[1]]
files = dict(zip(("interactions", "items"), map(Path, sys.argv[3:])))
began, cpu = time.perf_counter(), time.process_time()
told(began, cpu, events=load(Workspace(Path(sys.argv[2])), **files).n_events)
"""
_Told = dict[str, float]


def measure(arguments: argparse.Namespace) -> dict[str, Measured]:
    """Of every size: both ways to the matrix, loading, and adding a day; how cost grows with size."""
    figures: dict[str, Measured] = {}
    per_event: list[float] = []
    for products in sorted(arguments.products):
        folder = _files(arguments.folder / f"loaded-{products}", products, arguments.seed)
        workspace, whole, day = (folder / name for name in ("workspace", "whole.parquet", "day.parquet"))
        rmtree(workspace, ignore_errors=True)
        loaded = _child(_LOAD, "ingest", workspace, whole, folder / "items.parquet")
        (shop,) = (workspace / "shop").glob("*/interactions.parquet")
        turns = [(_child(_OURS, workspace), _child(_PANDAS, shop)) for _ in range(arguments.rounds)]
        if any(ours["nnz"] != theirs["nnz"] for ours, theirs in turns):
            raise RuntimeError("both ways should find the same pairs")
        added = _added(workspace, day, folder, arguments.rounds)
        events = int(loaded["events"])
        per_event.append(loaded["cpu_seconds"] / events)
        details = {"events": events, "ours": [ours for ours, _ in turns], "pandas": [theirs for _, theirs in turns]}
        name = f"ingest_{products}"
        figures |= {
            f"{name}_matrix_over_pandas": (_ratio(turns, "cpu_seconds"), ">= 3.5", details),
            f"{name}_matrix_over_pandas_by_the_clock": (_ratio(turns, "seconds"), ">= 3.5", {}),
            f"{name}_matrix_peak_gb": (round(max(ours["peak_gb"] for ours, _ in turns), 2), "<= 1.5", {}),
            f"{name}_pandas_peak_gb": (round(max(theirs["peak_gb"] for _, theirs in turns), 2), "-", {}),
            f"{name}_load_peak_gb": (round(loaded["peak_gb"], 2), "<= 1.5", {"loaded": loaded}),
            f"{name}_load_cpu_seconds": (round(loaded["cpu_seconds"], 1), "-", {}),
            f"{name}_day_over_whole": (round(_middle(added, "cpu_seconds") / loaded["cpu_seconds"], 3), "<= 0.1", {"added": added}),
        }  # fmt: skip
    if len(per_event) > 1:
        figures["ingest_growth_over_linear"] = (
            round(per_event[-1] / per_event[0], 2),
            "<= 1.2",
            {"per_event": per_event},
        )
    return figures  # fmt: skip


def _files(folder: Path, products: int, seed: int) -> Path:
    """The shop's events in order of time, without the last hundredth, which is the day."""
    if (folder / "day.parquet").is_file():
        return folder
    write_shop(folder, products, seed=seed)
    with duckdb.connect(
        config={"threads": 2, "memory_limit": "1GB", "temp_directory": str(folder / "spill")}
    ) as connection:
        connection.from_parquet(str(folder / "events.parquet")).create_view("events")
        limit = connection.execute(f"SELECT quantile_disc(timestamp, {1 - DAY}) FROM events").fetchall()[0][0]
        for file, part in (("whole.parquet", "<="), ("day.parquet", ">")):
            connection.execute(
                f"COPY (FROM events WHERE timestamp {part} {limit} ORDER BY timestamp) TO {quoted(str(folder / file))}"
            )
    return folder  # fmt: skip


def _added(workspace: Path, day: Path, folder: Path, rounds: int) -> list[_Told]:
    """A day's events appended to copies of the shop."""
    told = []
    for _ in range(rounds):
        copy = copytree(workspace, folder / "appended")
        told.append(_child(_LOAD, "append", copy, day))
        rmtree(copy)
    return told


def _child(code: str, *arguments: str | Path) -> _Told:
    command = [sys.executable, "-c", _HEAD + code, *map(str, arguments)]
    done = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
    told: _Told = json.loads(done.stdout.splitlines()[-1])
    return told


def _ratio(turns: Sequence[tuple[_Told, _Told]], of: str) -> float:
    return round(median(theirs[of] / ours[of] for ours, theirs in turns), 2)


def _middle(told: Sequence[_Told], of: str) -> float:
    return median(one[of] for one in told)
