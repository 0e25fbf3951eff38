"""What finds the ten best of a large catalogue: all candidates, cells, Annoy, and the graphs of Voyager and USearch.

    python -m benchmarks.search_kinds [WORKSPACE] [--arm hybrid]

Recall is the share of the ten best by comparing all; candidates as good as the tenth count as found. Times are of the processor, one
thread, one query at a time, queries of products themselves. WORKSPACE holds a release of at least 50,000 products (else one of 100,000 is made,
`benchmarks.made_release`); graphs run in .venv-peers (`make peers` installs it) and are left out where that is not there.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.made_release import make_release
from benchmarks.support import ROOT, merge_results
from engine.core.workspace import Workspace
from engine.recommend.recommender import Recommender
from engine.release.ann import AnnIndex, build_index, indexable_rows
from engine.release.cell_making import make_cells

COMMAND = "python -m benchmarks.search_kinds"
QUERIES, WANTED = 300, 0.98
OURS = ("cells", "annoy")
PEERS = ROOT / ".venv-peers" / "bin" / "python"


def main() -> None:
    """Measure every kind and keep the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("workspace", type=Path, nargs="?")
    parser.add_argument("--arm", default="hybrid")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        workspace = Workspace(arguments.workspace or Path(folder) / "shop")
        if arguments.workspace is None:
            make_release(workspace, 100_000, pictures=False)
        measured = measure(Recommender.open(workspace), arguments.arm, Path(folder))
    merge_results("search_kinds", measured)


def measure(release: Recommender, arm: str, folder: Path) -> dict[str, dict[str, Any]]:
    """Figures of every kind on one arm of a release."""
    search = release.arm(arm)
    units = indexable_rows(np.asarray(search.candidates)[search.candidate_rows])
    asked = np.flatnonzero(search.has_list)
    rows = np.sort(np.random.default_rng(1).permutation(asked)[:QUERIES])
    queries = indexable_rows(np.asarray(search.query)[rows])
    exact, scores = timed(lambda query: units @ query, queries)
    least = np.array([np.partition(one, -10)[-10] for one in scores], np.float32) - np.float32(1e-6)
    found: dict[str, dict[str, float]] = {}

    def note(name: str, ask: Callable[[np.ndarray], np.ndarray], built: float) -> None:
        seconds, lists = timed(ask, queries)
        hits = [
            min(10, int((units[one] @ q >= worst).sum())) / 10
            for one, q, worst in zip(lists, queries, least, strict=True)
        ]
        found[name] = {"recall": float(np.mean(hits)), "milliseconds": 1000 * seconds, "build_seconds": built}

    began = time.process_time()
    cells = make_cells(units, 0)
    built = time.process_time() - began

    def in_cells(query: np.ndarray, probes: int) -> np.ndarray:
        near = cells.near(query, 10, probes, lambda positions: units[positions] @ query)
        return near[np.argpartition(units[near] @ query, -10)[-10:]]

    for probes in (8, 16, 32, 64):
        note(f"cells {probes}", lambda query, n=probes: in_cells(query, n), built)
    began = time.process_time()
    annoy = AnnIndex.open(folder / "a.ann", build_index(units, folder / "a.ann", 20, 0))
    built = time.process_time() - began
    for nodes in (2_000, 8_000, 32_000):
        note(f"annoy {nodes}", lambda query, n=nodes: annoy.query(query, 10, n)[0], built)
    found |= graphs(units, queries, least, folder)
    return figures(found, exact, len(units))


def timed(ask: Callable[[np.ndarray], Any], queries: np.ndarray) -> tuple[float, list[Any]]:
    """Processor seconds a query, and the answers."""
    began = time.process_time()
    answers = [ask(query) for query in queries]
    return (time.process_time() - began) / len(queries), answers


def graphs(units: np.ndarray, queries: np.ndarray, least: np.ndarray, folder: Path) -> dict[str, dict[str, float]]:
    """What Voyager and USearch find, or nothing where their environment is not there."""
    if not PEERS.exists():
        return {}
    np.savez(folder / "given.npz", candidates=units, queries=queries, least=least)
    script = ROOT / "benchmarks" / "graph_peers.py"
    subprocess.run([PEERS, script, folder / "given.npz", folder / "found.json"], check=True)
    found: dict[str, dict[str, float]] = json.loads((folder / "found.json").read_text())
    return found


def figures(found: dict[str, dict[str, float]], exact: float, n: int) -> dict[str, dict[str, Any]]:
    """Of each kind the quickest effort that finds enough, else the best there is; how often as fast as comparing all."""
    result = {}
    for kind in ("cells", "annoy", "voyager", "usearch"):
        efforts = {name: facts for name, facts in found.items() if name.startswith(kind)}
        if not efforts:
            continue
        enough = [name for name, facts in efforts.items() if facts["recall"] >= WANTED]
        name = (
            min(enough, key=lambda one: efforts[one]["milliseconds"])
            if enough
            else max(efforts, key=lambda one: efforts[one]["recall"])
        )
        details = {"effort": name.split()[1], "products": n, "tried": efforts, "command": COMMAND}
        result[f"{kind}_recall_at_10"] = {
            "value": round(efforts[name]["recall"], 4),
            "target": ">= 0.98" if kind in OURS else "-",
        } | details
        times = round(1000 * exact / efforts[name]["milliseconds"], 1)
        result[f"{kind}_times_as_fast_as_comparing_all"] = {
            "value": times, "target": ">= 20" if kind == "cells" and n >= 1_000_000 else "-", "command": COMMAND
        }  # fmt: skip
    return result


if __name__ == "__main__":
    main()
