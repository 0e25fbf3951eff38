"""One list of a release, looked up as a page asks for it, against Annoy's query: as it comes, and with the effort that finds as much.

The release is one of `benchmarks.made_release`, in the largest size asked for. What is right is by comparing with every candidate.
"""

from __future__ import annotations

import argparse

import numpy as np
from numpy.typing import NDArray

from benchmarks.parts import Measured
from benchmarks.scale.lists import by_annoy
from benchmarks.scale.releases import K, p99_ms, recall_of, released, tenth_best
from benchmarks.scale.timing import in_turns
from engine.recommend.neighbour import Neighbour
from engine.recommend.recommender import Recommender
from engine.release.arm_search import ArmSearch

__all__ = ["measure"]

ASKED, JUDGED = 2_000, 64
"""Lists that are looked up in a round; of these, those that Annoy searches too, and whose recall is measured."""
MOST_NODES = 1 << 20


def measure(arguments: argparse.Namespace) -> dict[str, Measured]:
    """Times as fast as Annoy, and the 99th percentile of one lookup in ms."""
    products = max(arguments.products)
    release = Recommender.open(released(arguments.folder, products, arguments.seed))
    search, annoy = release.arm("hybrid"), by_annoy(release, arguments.folder)
    rows = np.random.default_rng(arguments.seed).permutation(np.flatnonzero(search.has_list))[:ASKED]
    judged, ids = rows[:JUDGED], [str(one) for one in release.items["item_id"].iloc[rows]]
    least = tenth_best(search, search.query[judged], judged)
    kept = recall_of([np.array([one.score for one in _looked_up(release, item_id)]) for item_id in ids[:JUDGED]], least)
    assert annoy.index is not None
    nodes = default = K * annoy.index.info.trees  # what Annoy looks at unless told otherwise
    recalls = {nodes: recall_of(_annoys(annoy, judged, nodes), least)}
    while recalls[nodes] < kept and nodes < MOST_NODES:
        nodes *= 2
        recalls[nodes] = recall_of(_annoys(annoy, judged, nodes), least)
    figures: dict[str, Measured] = {}
    for name, effort in (("default", default), ("at_equal_recall", nodes)):
        turns = in_turns(
            arguments.rounds,
            lambda: [_looked_up(release, item_id) for item_id in ids],
            lambda effort=effort: _annoys(annoy, judged, effort),
        )
        figures[f"lookup_{products}_over_annoy_{name}"] = (
            round(turns.times_as_fast * len(ids) / len(judged), 1),
            ">= 10" if name == "at_equal_recall" else "-",
            turns.details(
                lists=len(ids), against_lists=len(judged), recall=kept, nodes=effort, against_recall=recalls[effort]
            ),
        )
    p99, told = p99_ms(lambda item_id: _looked_up(release, item_id), ids)
    figures[f"lookup_{products}_p99_ms"] = (p99, "<= 1", told)
    return figures


def _looked_up(release: Recommender, item_id: str) -> list[Neighbour]:
    return release.neighbours(item_id, "hybrid", K)


def _annoys(annoy: ArmSearch, rows: NDArray[np.int64], nodes: int) -> list[NDArray[np.float32]]:
    """The cosines of what Annoy's own query finds beside each row, itself left out."""
    assert annoy.index is not None
    found = []
    for row in rows:
        positions, cosines = annoy.index.query(annoy.query[row], K + 1, nodes)
        found.append(cosines[annoy.candidate_rows[positions] != row])
    return found
