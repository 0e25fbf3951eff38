"""Large shops with quiet niches, whose truth is known: how many of ten neighbours are of the product's own style.

Each shop is made by `benchmarks.made_shops`: sales fall off steeply behind a style's bestseller, so most products of most
styles have hardly any history. The plan is chosen as a training chooses it, then everything is fitted on all
interactions. To keep a run in minutes, texts are read as TF-IDF in 256 random directions instead of by a language model.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from benchmarks.made_shops import MadeShop, made_niches
from benchmarks.parts import Measured
from engine.arms.geometry import ArmVectors, similarities
from engine.arms.plan import TrainingPlan
from engine.arms.registry import arm_vectors
from engine.core.settings import AlsSettings, Settings
from engine.core.vectors import unit_rows
from engine.evaluation.fits import Content, fit_behaviour, fit_hybrid_on, fitted_models
from engine.models.encoders import Features, content_vectors
from engine.models.tfidf import fit_tfidf
from engine.selection.plan_choice import choose_plan

__all__ = ["Prepared", "measure", "prepared"]

SHOPS = {3_500: (175_000, 50), 20_000: (900_000, 150), 100_000: (5_000_000, 400)}
"""Products -> events and styles."""
GROUPS = ((0, 0), (1, 3), (4, 10), (11, 50), (51, None))
DIRECTIONS, SAMPLE = 256, 4_000


@dataclass(frozen=True)
class Prepared:
    """A made shop as training sees it."""

    shop: MadeShop
    user_items: sparse.csr_matrix
    content: Content


def measure(arguments: argparse.Namespace) -> dict[str, Measured]:
    """Of the sizes in `SHOPS` that were asked for; of the smallest where none was."""
    sizes = [products for products in arguments.products if products in SHOPS] or [min(SHOPS)]
    figures: dict[str, Measured] = {}
    for products in sizes:
        figures |= niches(products, arguments.seed)
    return figures


def niches(products: int, seed: int) -> dict[str, Measured]:
    """Own-style share of each arm by interactions, and how far the hybrid is from content where there are few."""
    events, styles = SHOPS[products]
    made = prepared(made_niches(products, events, styles, seed))
    settings = Settings(als=AlsSettings(tries=1))
    began = time.process_time()
    plan = choose_plan(made.user_items, made.content, settings, seed).plan
    chosen = time.process_time() - began
    arms, counts = fitted(made, plan, settings, seed)
    rows = np.sort(np.random.default_rng(seed).choice(products, min(products, SAMPLE), replace=False))
    shares = {name: by_count(arm, rows, made.shop.styles, counts) for name, arm in arms.items()}
    behind = min(shares["hybrid"][name] - shares["content"][name] for name in ("0", "1-3", "4-10"))
    print(products, shares, plan.recipe, flush=True)
    prefix = f"niches_{products}"
    return {
        f"{prefix}_hybrid_less_content": (round(behind, 4), ">= -0.01", {"shares": shares}),
        f"{prefix}_hybrid_overall": (shares["hybrid"]["all"], ">= 0.97", {}),
        f"{prefix}_recipe": (plan.recipe.rank, "-", {"recipe": plan.recipe.to_dict(), "cpu_seconds": round(chosen)}),
    }


def prepared(shop: MadeShop) -> Prepared:
    """Its interactions, and its texts as TF-IDF in random directions."""
    n = len(shop.styles)
    shape = (int(shop.users.max()) + 1, n)
    user_items = sparse.csr_matrix((np.ones(len(shop.rows), np.float32), (shop.users, shop.rows)), shape=shape)
    words = fit_tfidf(shop.items, {}).encode(shop.items)
    directions = np.random.default_rng(0).standard_normal((words.shape[1], DIRECTIONS)).astype(np.float32)
    features = {"text": Features(unit_rows(np.asarray(words @ directions)), np.ones(n, dtype=bool))}
    return Prepared(shop, user_items, Content(features, content_vectors(features), words))


def fitted(
    made: Prepared, plan: TrainingPlan, settings: Settings, seed: int
) -> tuple[dict[str, ArmVectors], np.ndarray]:
    """Every arm by a plan, on all interactions, and the interactions of each product."""
    counts = np.bincount(made.user_items.indices, minlength=made.user_items.shape[1])
    behaviour = fit_behaviour(made.user_items, made.content.features, plan.als, settings, seed)
    hybrid = fit_hybrid_on(made.user_items, made.content, behaviour.predicted, plan.recipe, seed)
    return arm_vectors(fitted_models(behaviour, made.content, counts, plan.mix, hybrid)), counts


def by_count(arm: ArmVectors, rows: np.ndarray, styles: np.ndarray, counts: np.ndarray) -> dict[str, float]:
    """Mean share of the ten neighbours of `rows` that are of their style, for each range of interactions and for all."""
    shares = np.empty(len(rows))
    for start in range(0, len(rows), 500):
        some = rows[start : start + 500]
        found = similarities(arm, some)
        found[np.arange(len(some)), some] = -np.inf
        top = np.argpartition(-found, 10, axis=1)[:, :10]
        shares[start : start + 500] = (styles[top] == styles[some][:, None]).mean(axis=1)
    count, told = counts[rows], {}
    for low, high in GROUPS:
        here = (count >= low) & (count <= (count.max() if high is None else high))
        if here.any():
            name = f"{low}-{high}" if high else (str(low) if high == 0 else f"{low}+")
            told[name] = round(float(shares[here].mean()), 3)
    return told | {"all": round(float(shares.mean()), 3)}
