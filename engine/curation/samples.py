"""Sample judgements for the demo shop, so that the irrelevance chart is alive on first sight.

They are what a patient person would say who knows which style family each drawn dress comes from: a neighbour of
another family is irrelevant. As with people, a few votes (`SLIP_SHARE`) come out the other way. Products are picked
evenly over the bins of the interaction count; for each, the whole lists that `JUDGED_ARMS` really return are judged,
and every arm that returned the pair is recorded with its rank.

All carry the rater "Demo curator" and the source "demo"; `JudgementStore.remove_demo` takes them out again.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from engine.curation.judgements import JudgementStore
from engine.curation.rates.irrelevance import count_bins
from engine.curation.votes import Judgement, Source, Verdict

if TYPE_CHECKING:
    from engine.recommend.recommender import Recommender

__all__ = ["DEMO_RATER", "store_sample_judgements"]

DEMO_RATER = "Demo curator"
JUDGED_ARMS = frozenset({"als", "hybrid"})
ANCHORS_PER_BIN = 4
SLIP_SHARE = 0.03
K = 10
_NAMESPACE = uuid.UUID("7b0c6b5e-5f0b-4c3b-9a53-3d0b9c1e8d21")


def store_sample_judgements(
    store: JudgementStore, recommender: Recommender, families: Mapping[str, str], seed: int
) -> int:
    """Judge some lists of this release by the known truth; returns how many judgements were stored.

    The same release, families and seed give the same judgements with the same ids: a second call stores nothing.

    Parameters
    ----------
    families : item_id -> style family; products that are not in it are neither anchors nor judged.
    """
    rng = np.random.default_rng(seed)
    items = recommender.items
    counts = dict(zip(items["item_id"], items["interaction_count"], strict=True))
    judgements = []
    for anchor in _anchors(counts, families, rng):
        for neighbour, arms in recommender.arms_returning(anchor, K).items():
            if neighbour not in families or JUDGED_ARMS.isdisjoint(arms):
                continue
            irrelevant = (families[anchor] != families[neighbour]) ^ (rng.random() < SLIP_SHARE)
            judgements.append(
                Judgement(
                    client_id=str(
                        uuid.uuid5(_NAMESPACE, "\n".join((recommender.release_id, str(seed), anchor, neighbour)))
                    ),
                    anchor_id=anchor,
                    neighbour_id=neighbour,
                    verdict=Verdict.IRRELEVANT if irrelevant else Verdict.RELEVANT,
                    implied=False,
                    rater=DEMO_RATER,
                    source=Source.DEMO,
                    release_id=recommender.release_id,
                    anchor_count=int(counts[anchor]),
                    ranks=arms,
                )
            )
    return store.add(judgements)


def _anchors(counts: Mapping[str, int], families: Mapping[str, str], rng: np.random.Generator) -> list[str]:
    """Up to `ANCHORS_PER_BIN` products of every bin."""
    known = np.array([item_id for item_id in counts if item_id in families], dtype=object)
    bins = count_bins(np.array([counts[item_id] for item_id in known], dtype=np.int64))
    chosen: list[str] = []
    for number in np.unique(bins):
        chosen += rng.permutation(known[bins == number])[:ANCHORS_PER_BIN].tolist()
    return chosen
