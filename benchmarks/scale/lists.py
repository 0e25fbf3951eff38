"""The lists of every product: looked up, by blocked products, and against one query after the other through Annoy.

The release is one of `benchmarks.made_release`, in the largest size asked for. Queries are a sample; seconds are those of the sample
times what it stands for.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np

from benchmarks.parts import Measured
from benchmarks.scale.releases import released
from benchmarks.scale.timing import in_turns
from engine.core.settings import IndexSettings
from engine.recommend.recommender import Recommender
from engine.release.ann import AnnIndex, build_index
from engine.release.arm_search import ArmSearch
from engine.release.arm_writer import MAX_SEARCH_K

__all__ = ["measure"]

K, LONGER = 10, 30
"""A list that is kept, and one that is longer than what is kept."""
BLOCKED, ONE_BY_ONE = 2_048, 64


def measure(arguments: argparse.Namespace) -> dict[str, Measured]:
    """Times as fast as one query after the other, for each product."""
    products = max(arguments.products)
    workspace = released(arguments.folder, products, arguments.seed)
    release = Recommender.open(workspace)
    search = release.arm("hybrid")
    rows = np.sort(np.random.default_rng(arguments.seed).permutation(products)[:BLOCKED])
    some = rows[:: max(1, len(rows) // ONE_BY_ONE)][:ONE_BY_ONE]
    top = release.top_lists("hybrid")
    annoy = by_annoy(release, arguments.folder)
    changed = search.with_rows(rows[:20], search.query[rows[:20]], search.candidates[rows[20:40]])
    ways = {
        "lookup": lambda: top.of_rows(search, rows, K),
        "blocked": lambda: search.of_all(rows, LONGER),
        "with_20_changed": lambda: top.of_rows(changed, rows, K),
    }
    figures: dict[str, Measured] = {}
    for name, way in ways.items():
        way()  # what is worked out once for a release
        turns = in_turns(arguments.rounds, way, lambda: [annoy.of_row(int(row), LONGER) for row in some])
        value = round(turns.times_as_fast * len(rows) / len(some), 1)
        figures[f"lists_{products}_{name}_over_one_by_one"] = (
            value,
            ">= 5",
            turns.details(
                lists=len(rows), against_lists=len(some), all_products_seconds=_all(turns.ours, rows, products)
            ),
        )
    return figures


def by_annoy(release: Recommender, folder: Path) -> ArmSearch:
    """The hybrid as Annoy searches it, with the effort that its recall needs in large catalogues; the index stays in `folder`."""
    search, settings = release.arm("hybrid"), IndexSettings()
    file = folder / f"{release.release_id}.ann"
    info = build_index(np.asarray(search.candidates[search.rows]), file, settings.trees, 0)
    return replace(search, index=AnnIndex.open(file, info), search_k=MAX_SEARCH_K, exact=False, cells=None, probes=0)


def _all(seconds: list[float], rows: np.ndarray, products: int) -> float:
    return round(float(np.median(seconds)) * products / len(rows), 1)
