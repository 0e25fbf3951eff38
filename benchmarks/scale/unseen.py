"""The neighbours of products that nobody has seen, in a large release, against comparing them with every candidate.

The products are described as those of the shop are, in colours, materials and cuts that are drawn anew. Reading them is left out on both sides: it
costs the same. The release is one of `benchmarks.made_release`, in the largest size asked for.
"""

from __future__ import annotations

import argparse
from dataclasses import replace

import numpy as np

from benchmarks.parts import Measured
from benchmarks.scale.releases import K, p99_ms, recall_of, released, tenth_best
from benchmarks.scale.timing import in_turns
from engine.catalogue.product import Product
from engine.recommend.recommender import Recommender
from engine.recommend.unseen import vectors_of_unseen

__all__ = ["measure"]

DESCRIBED = 256


def measure(arguments: argparse.Namespace) -> dict[str, Measured]:
    """Recall of the ten best, times as fast as comparing with all, and the 99th percentile of one search in ms."""
    products = max(arguments.products)
    workspace = released(arguments.folder, products, arguments.seed)
    release = Recommender.open(workspace)
    described = _described(release, np.random.default_rng(arguments.seed))
    queries = vectors_of_unseen(release, workspace, described).sides["hybrid"].query
    search = release.arm("hybrid")
    exact = replace(search, cells=None, probes=0, index=None, exact=True)
    found = [search.of_vector(query, K)[1] for query in queries]
    few = queries[:: len(queries) // 16]
    exact.of_vector(few[0], K)  # what is worked out once for a release
    turns = in_turns(
        arguments.rounds,
        lambda: [search.of_vector(query, K) for query in queries],
        lambda: [exact.of_vector(query, K) for query in few],
    )
    p99, told = p99_ms(lambda query: search.of_vector(query, K), list(queries))
    return {
        f"unseen_{products}_recall_at_10": (recall_of(found, tenth_best(search, queries)), ">= 0.98", {"probes": search.probes}),
        f"unseen_{products}_over_comparing_with_all": (
            round(turns.times_as_fast * len(queries) / len(few), 1),
            ">= 20" if products >= 1_000_000 else "-",
            turns.details(queries=len(queries), against_queries=len(few)),
        ),
        f"unseen_{products}_p99_ms": (p99, "-", told),
    }  # fmt: skip


def _described(release: Recommender, rng: np.random.Generator) -> list[Product]:
    """Products of the shop, each with the attributes of another one."""
    rows, others = rng.integers(0, len(release.items), (2, DESCRIBED))
    both = zip(rows.tolist(), others.tolist(), strict=True)
    return [replace(release.product(row), attributes=release.product(other).attributes) for row, other in both]
