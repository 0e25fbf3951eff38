"""What judgements on some products do for the lists of others: the demo shop, whose style families are the truth.

    python -m benchmarks.learning [--judged 400] [--wrong 0.05] [--seed 0]

Draws and trains the demo shop; judges the first ten of Longtail's neighbours of some products, drawn at random, a share
of the answers wrong; trains again with and without learning from that; and counts the irrelevant neighbours among the
first ten of products that were never judged. Two curators: one calls another style family irrelevant, the other, more
exacting, also a price more than a third away, which shoppers' behaviour says little of. Written to results/judging.json.
"""

from __future__ import annotations

import argparse
import tempfile
import uuid
from collections.abc import Callable
from math import log
from pathlib import Path

import numpy as np

from benchmarks.support import merge_results
from engine.core.settings import load_settings
from engine.core.workspace import Workspace
from engine.curation.judgements import JudgementStore
from engine.curation.votes import SURE, Source, Vote, judgement_in_release
from engine.demo.build import build_demo, read_families
from engine.recommend.recommender import Recommender
from engine.store import Database
from engine.training.pipeline import train

Rule = Callable[[str, str], bool]
COMMAND = "python -m benchmarks.learning"


def main() -> None:
    """Draw, judge, train, compare, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--judged", type=int, default=400)
    parser.add_argument("--wrong", type=float, default=0.05)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    rng = np.random.default_rng(arguments.seed)
    with tempfile.TemporaryDirectory() as folder:
        workspace = Workspace(Path(folder) / "workspace")
        build_demo(workspace, seed=arguments.seed)
        settings = load_settings(overrides={"serving.sample_judgements": "false"})
        first = _release(workspace, settings)
        families = read_families(workspace)
        prices = dict(zip(first.items["item_id"], first.items["price"].astype(float), strict=True))
        anchors = rng.choice(first.items["item_id"].to_numpy(), arguments.judged, replace=False).tolist()
        for name, rule in (("family", _by_family(families)), ("price", _by_price(families, prices))):
            url = f"sqlite:///{folder}/{name}.db"
            _judge(url, first, rule, anchors, arguments.wrong, rng)
            taught = settings.model_copy(update={"database_url": url})
            alone = taught.model_copy(update={"curation": settings.curation.model_copy(update={"learn": False})})
            _compare(name, _release(workspace, alone), _release(workspace, taught), rule, anchors)


def _compare(name: str, before: Recommender, after: Recommender, rule: Rule, anchors: list[str]) -> None:
    judged = set(anchors)
    groups = {
        "others": [one for one in before.items["item_id"] if one not in judged],
        "taught": sorted(after.trained_on),
    }
    record = after.training["judgements"]
    print(
        f"{name}: reach {record.get('power')}, kept apart {record.get('ordered_before')} -> {record.get('ordered_after')}"
    )
    figures: dict[str, dict[str, object]] = {}
    for group, items in groups.items():
        rates = [_irrelevant(release, rule, items) for release in (before, after)]
        print(f"{name:>8} {group:>8}  {100 * rates[0]:.2f} % -> {100 * rates[1]:.2f} %")
        figures[f"learning_{name}_{group}"] = {
            "value": round(rates[1] / max(rates[0], 1e-9), 3),
            "target": "<= 1",
            "before": round(rates[0], 4),
            "after": round(rates[1], 4),
            "command": COMMAND,
        }
    merge_results("judging", figures)


def _by_family(families: dict[str, str]) -> Rule:
    return lambda anchor, other: families[anchor] != families[other]


def _by_price(families: dict[str, str], prices: dict[str, float]) -> Rule:
    return lambda anchor, other: (
        families[anchor] != families[other] or abs(log(prices[anchor] / prices[other])) > log(4 / 3)
    )


def _release(workspace: Workspace, settings: object) -> Recommender:
    return Recommender.open(workspace, train(workspace, settings).release_id)  # type: ignore[arg-type]


def _judge(
    url: str,
    release: Recommender,
    rule: Rule,
    anchors: list[str],
    wrong: float,
    rng: np.random.Generator,
) -> None:
    store = JudgementStore(Database(url))
    judgements = []
    for anchor in anchors:
        for one in release.neighbours(anchor, "hybrid", 10):
            bad = rule(anchor, one.item_id) != (rng.random() < wrong)
            judgements.append(
                judgement_in_release(
                    Vote(
                        client_id=str(uuid.uuid4()), neighbour_id=one.item_id, verdict=SURE[not bad], implied=not bad
                    ),
                    release, anchor, rater="Judge", source=Source.SIMILAR_ITEMS, k=10,
                )
            )  # fmt: skip
    store.add(judgements)
    store.database.close()


def _irrelevant(release: Recommender, rule: Rule, anchors: list[str]) -> float:
    """Share of the first ten that are irrelevant."""
    table = release.neighbours_all("hybrid", 10, anchors)
    return float(np.mean([rule(a, b) for a, b in zip(table["item_id"], table["neighbour_id"], strict=True)]))


if __name__ == "__main__":
    main()
