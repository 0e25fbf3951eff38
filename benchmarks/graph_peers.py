"""Voyager's and USearch's graphs over the vectors of an arm, run by `benchmarks.search_kinds` in an environment of their own
(benchmarks/peer-requirements.txt).

    python benchmarks/graph_peers.py INPUT.npz OUTPUT.json

INPUT holds `candidates` (n, d) and `queries` (q, d) float32 unit rows, and `least` (q,), the cosine of each query's tenth best.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import voyager
from usearch.index import Index

CONNECTIVITY, BUILDING, EFFORTS = 16, 128, (64, 128, 256, 512)
Ask = Callable[[np.ndarray], np.ndarray]


def main() -> None:
    """Measure both and write what was found."""
    given = np.load(sys.argv[1])
    queries, candidates, least = given["queries"], given["candidates"], given["least"]
    report = {}
    for name, seconds, ask in graphs(candidates):
        began = time.process_time()
        found = [ask(query) for query in queries]
        spent = (time.process_time() - began) / len(queries)
        hits = [
            (candidates[rows] @ query >= worst).sum() / 10
            for rows, query, worst in zip(found, queries, least, strict=True)
        ]
        report[name] = {"recall": float(np.mean(hits)), "milliseconds": 1000 * spent, "build_seconds": seconds}
    Path(sys.argv[2]).write_text(json.dumps(report))


def graphs(candidates: np.ndarray) -> Iterator[tuple[str, float, Ask]]:
    """Name with effort, seconds that building took, and what answers a query with ten positions."""
    began = time.process_time()
    graph = voyager.Index(
        voyager.Space.InnerProduct,
        candidates.shape[1],
        M=CONNECTIVITY,
        ef_construction=BUILDING,
        random_seed=0,
    )
    graph.add_items(candidates, num_threads=1)
    seconds = time.process_time() - began
    for effort in EFFORTS:
        yield f"voyager {effort}", seconds, lambda unit, ef=effort: graph.query(unit, 10, 1, ef)[0].astype(int)
    began = time.process_time()
    other = Index(ndim=candidates.shape[1], metric="ip", dtype="f32", connectivity=CONNECTIVITY, expansion_add=BUILDING)
    other.add(np.arange(len(candidates)), candidates, threads=1)
    seconds = time.process_time() - began
    for effort in EFFORTS:
        other.expansion_search = effort
        yield f"usearch {effort}", seconds, lambda unit: other.search(unit, 10, threads=1).keys.astype(int)


if __name__ == "__main__":
    main()
