"""What a shop ten times as large costs in quality: the smoother of every product at 10,000 products against that of landmarks at 100,000.

Shops are those of `benchmarks.scale.shop`, with as many events a product and as many products a style at either size. Surprise NDCG@10 is of the smoother alone,
over thinned products, of which there are many, as one in fifty is to be told; they are well known before. So the share of ten neighbours that are of the product's
own style is told beside it, by interactions. Texts are read as TF-IDF in random directions (`benchmarks.scale.niches`).
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.made_shops import MadeShop
from benchmarks.parts import Measured
from benchmarks.scale.niches import by_count, prepared
from benchmarks.scale.shop import write_shop
from engine.arms.geometry import ArmVectors
from engine.core.settings_groups import EvaluationSettings
from engine.core.vectors import unit_rows
from engine.evaluation.fits import fit_hybrid_on
from engine.evaluation.targets import draw_targets
from engine.models.recipe import default_recipe
from engine.models.residual import residual_factors

__all__ = ["measure"]

SMALL, LARGE = 10_000, 100_000
TARGETS, AT_ONCE, SAMPLE = 8_000, 256, 4_000


@dataclass(frozen=True)
class _Quality:
    """Surprise NDCG@10 of every target, and the share of ten neighbours that are of the product's own style, by interactions."""

    ndcg: np.ndarray
    shares: dict[str, float]

    @property
    def error(self) -> float:
        """Of the mean, in its own size."""
        return float(self.ndcg.std(ddof=1) / np.sqrt(len(self.ndcg)) / self.ndcg.mean())


def measure(arguments: argparse.Namespace) -> dict[str, Measured]:
    """The ratio of both sizes, whatever was asked for: below, every product counts, and above, landmarks do."""
    found = {size: _quality(arguments.folder / f"shop-{size}", size, arguments.seed) for size in (SMALL, LARGE)}
    small, large = found[SMALL], found[LARGE]
    ratio = float(large.ndcg.mean() / small.ndcg.mean())
    details = {
        "standard_error": round(ratio * float(np.hypot(small.error, large.error)), 4),
        "ndcg": {str(size): round(float(one.ndcg.mean()), 4) for size, one in found.items()},
        "targets": {str(size): len(one.ndcg) for size, one in found.items()},
        "own_style": {str(size): one.shares for size, one in found.items()},
    }
    return {f"sizes_{LARGE}_ndcg_over_{SMALL}": (round(ratio, 3), ">= 0.98", details)}


def _quality(folder: Path, products: int, seed: int) -> _Quality:
    began = time.process_time()
    made = prepared(_made_shop(write_shop(folder, products, seed=seed)))
    targets = draw_targets(made.user_items, EvaluationSettings(max_targets=TARGETS), seed)
    judged = replace(targets.validation).judged()
    train, nothing = targets.split.train, np.zeros((products, 1), dtype=np.float32)
    recipe = replace(default_recipe(("content", "words"), products), noise=10.0, exponent=0.0)
    factors = residual_factors(train, recipe.rank, seed)
    hybrid = fit_hybrid_on(train, made.content, nothing, recipe, seed, factors=factors)
    arm = ArmVectors(unit_rows(hybrid.query), unit_rows(hybrid.candidates))
    ndcg = [
        judged[places].ndcg(arm.query[judged.rows[places]] @ arm.candidates.T)
        for places in (
            np.arange(start, min(start + AT_ONCE, len(judged.rows))) for start in range(0, len(judged.rows), AT_ONCE)
        )
    ]
    rows = np.sort(np.random.default_rng(seed).choice(products, SAMPLE, replace=False))
    shares = by_count(arm, rows, made.shop.styles, np.bincount(train.indices, minlength=products))
    quality = _Quality(np.concatenate(ndcg), shares)
    print(products, quality.ndcg.mean(), quality.error, shares, round(time.process_time() - began), flush=True)
    return quality


def _made_shop(folder: Path) -> MadeShop:
    """A shop that was written, each pair of a shopper and a product once."""
    items = pd.read_parquet(folder / "items.parquet")
    events = pd.read_parquet(folder / "events.parquet", columns=["user_id", "item_id"]).drop_duplicates()
    styles = pd.read_parquet(folder / "truth.parquet").set_index("item_id")["style"].reindex(items["item_id"])
    rows = pd.Index(items["item_id"]).get_indexer(events["item_id"])
    return MadeShop(items, pd.factorize(events["user_id"])[0], rows, styles.to_numpy())
