"""What the exact smoother gains over landmarks: surprise NDCG@10 of the smoother alone, with the CPU seconds of each fit."""

from __future__ import annotations

import argparse
import time
from dataclasses import replace

import numpy as np

from benchmarks.made_shops import made_taste
from benchmarks.parts import Measured
from benchmarks.scale.niches import prepared
from engine.core.settings import Settings
from engine.core.vectors import unit_rows
from engine.evaluation.fits import fit_hybrid_on
from engine.evaluation.targets import draw_targets
from engine.models.recipe import default_recipe
from engine.models.residual import residual_factors
from engine.models.smoother import Capacity

__all__ = ["measure"]

LANDMARKS = (500, 1_000, 2_000, 4_000, 8_000)
CURVE = {12_000: 220_000, 18_000: 260_000}
"""Products -> events."""


def measure(arguments: argparse.Namespace) -> dict[str, Measured]:
    """Of every size in `CURVE`, whatever was asked for: below, everything is exact, and above nothing is."""
    figures: dict[str, Measured] = {}
    for products in CURVE:
        figures |= landmark_curve(products, arguments.seed)
    return figures


def landmark_curve(products: int, seed: int) -> dict[str, Measured]:
    made = prepared(made_taste(products, CURVE[products], products // 30, seed))
    targets = draw_targets(made.user_items, Settings().evaluation, seed)
    judged = replace(targets.validation).judged()
    train, nothing = targets.split.train, np.zeros((products, 1), dtype=np.float32)
    recipe = replace(default_recipe(("content", "words"), products), noise=10.0, exponent=0.0)
    factors = residual_factors(train, recipe.rank, seed)
    found: dict[str, list[float]] = {}
    for landmarks in (*LANDMARKS, products):
        capacity = Capacity(exact=20_000 if landmarks == products else 100, landmarks=landmarks)
        began = time.process_time()
        hybrid = fit_hybrid_on(train, made.content, nothing, replace(recipe, capacity=capacity), seed, factors=factors)
        seconds = time.process_time() - began
        scores = unit_rows(hybrid.query[judged.rows]) @ hybrid.candidates.T
        name = "exact" if landmarks == products else str(landmarks)
        found[name] = [round(float(judged.ndcg(scores).mean()), 4), round(seconds, 1)]
        print(products, name, found[name], flush=True)
    gain = round(found["exact"][0] / found["4000"][0], 3)
    return {f"landmarks_{products}_exact_over_4000": (gain, ">= 1", {"ndcg_and_cpu_seconds": found})}
