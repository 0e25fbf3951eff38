"""Quality of the neighbours on real shops: the thinning protocol, items that keep their history, and the published task.

    python -m benchmarks.quality [--shops online_retail movielens demo NAME ...] [--workspaces FOLDER] [--seeds 0 1 2]

NAME is any ingested workspace in FOLDER, or made_12k or made_18k, which have five-word titles (`benchmarks.made_shops`); all but
other workspaces are made where they are not there. Every method sees the same
split, what is tuned is tuned on one half of the targets, and the other half is reported. Writes results/quality.md,
quality.json and quality.svg.
"""

from __future__ import annotations

import argparse
import multiprocessing
import pickle
import shutil
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy import sparse

from benchmarks.made_shops import KINDS
from benchmarks.published_recipe import published_recipe
from benchmarks.quality_report import write_report
from benchmarks.support import engine, run_child, shared_data
from engine.arms.candidate_mix import CandidateMix
from engine.arms.geometry import similarities
from engine.arms.hybrid import hybrid_arm
from engine.arms.registry import arm_vectors
from engine.catalogue.interactions import read_interactions
from engine.catalogue.snapshot import read_shop
from engine.core.settings import AlsSettings, Settings, load_settings
from engine.core.vectors import unit_rows
from engine.core.workspace import Workspace
from engine.evaluation.baselines import ease, item_knn, popularity, residual_knn
from engine.evaluation.fits import Content, fit_behaviour, fit_hybrid_on, fitted_models, with_prediction
from engine.evaluation.metrics import average_precision_at_k, binary, ndcg_at_k, surprise_relevance, top_k
from engine.evaluation.niche_report import niche_figures
from engine.evaluation.published_task import (
    TaskSplit,
    fewest_bought,
    inner_products,
    low_traffic,
    score_shoppers,
    split_by_shopper,
    split_by_time,
)
from engine.evaluation.targets import ThinnedTargets, reported_half
from engine.evaluation.thinning import Thinned, hold_out, thin
from engine.models.als import fit_als
from engine.models.encoders import Features, content_vectors, encode_catalogue, fit_encoders
from engine.models.recipe import Recipe
from engine.models.tfidf import fit_tfidf
from engine.models.threads import bounded_threads
from engine.models.user_scoring import candidate_scorings, fit_user_scorer
from engine.selection.als_choice import choose_als
from engine.selection.mix_choice import choose_mix
from engine.selection.plan_choice import choose_hybrid, niches_or_none, with_busy_channels
from engine.selection.user_scoring_choice import measure_user_scorings

SHOPS = ("online_retail", "movielens", "demo")
MADE = {"made_12k": ("taste", 12_000, 220_000, 400, 0), "made_18k": ("taste", 18_000, 260_000, 500, 2)}
"""Shops with five-word titles that `benchmarks.made_shops` makes: kind, products, events, styles, seed."""
K, MAX_SHOPPERS, MAX_ANCHORS = 10, 3000, 800
PUBLISHED_FACTORS = (64, 256)
LIBRARY_ALS = AlsSettings(factors=100, regularization=0.01, alpha=1.0, iterations=15)
ALS_GRID = (
    AlsSettings(factors=64, regularization=1.0, alpha=5.0),
    AlsSettings(factors=64, regularization=1.0, alpha=20.0),
    AlsSettings(factors=64, regularization=10.0, alpha=5.0),
    AlsSettings(factors=64, regularization=30.0, alpha=5.0),
    AlsSettings(factors=64, regularization=100.0, alpha=5.0),
    AlsSettings(factors=64, regularization=30.0, alpha=1.0),
    AlsSettings(factors=128, regularization=100.0, alpha=5.0),
)


@dataclass(frozen=True)
class Data:
    """One shop, read and encoded."""

    user_items: sparse.csr_matrix
    first_timestamps: np.ndarray | None
    features: dict[str, Features]
    words: sparse.csr_matrix
    settings: Settings

    @property
    def content(self) -> Content:
        """What is known of the products besides behaviour."""
        return Content(self.features, content_vectors(self.features), self.words)


def main() -> None:
    """Measure, write and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shops", nargs="+", default=list(SHOPS))
    parser.add_argument("--workspaces", type=Path, help="folder of the workspaces, kept afterwards")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    arguments = parser.parse_args()
    folder = arguments.workspaces or Path(tempfile.mkdtemp(prefix="longtail-quality-"))
    began = time.monotonic()
    try:
        files = {shop: prepared(shop, folder) for shop in arguments.shops}
        tasks = [(shop, seed, files[shop]) for seed in arguments.seeds for shop in arguments.shops]
        # One process a core, each with one thread: fits of this size gain nothing from more.
        with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as pool:
            measured = [outcome.result() for outcome in [pool.submit(measure, *task) for task in tasks]]
        name = "quality_made" if set(arguments.shops) <= set(MADE) else "quality"
        print(write_report(measured, round(time.monotonic() - began), name))
    finally:
        if arguments.workspaces is None:
            shutil.rmtree(folder, ignore_errors=True)


def prepared(shop: str, folder: Path) -> Path:
    """A file with the shop's `Data`; the workspace is made where it is one of ours and not there yet."""
    workspace = Workspace(folder / shop)
    if not (workspace.root / "shop" / "current").exists():
        presets = {"online_retail": "uci_online_retail", "movielens": "movielens"}
        if shop in MADE:
            kind, *numbers = MADE[shop]
            source = workspace.root / "source"
            KINDS[kind](*numbers).write(source)
            tables = ("--items", source / "items.parquet", "--interactions", source / "events.parquet")
            run_child(engine(workspace.root, "ingest", *tables))
        elif shop == "demo":
            run_child(engine(workspace.root, "demo"))
        elif shop in presets:
            run_child(engine(workspace.root, "ingest", "--preset", presets[shop], "--from", shared_data() / shop))
    settings = load_settings(workspace.root)
    read = read_shop(workspace)
    interactions = read_interactions(workspace, list(read.items["item_id"]), settings.interactions)
    features = encode_catalogue(fit_encoders(read, workspace, settings, settings.seed), read.items, workspace)
    words = fit_tfidf(read.items, read.attribute_kinds).encode(read.items)
    file = Path(tempfile.mkdtemp(prefix="longtail-quality-data-")) / f"{shop}.pickle"
    data = Data(interactions.user_items, interactions.first_timestamps, features, words, settings)
    file.write_bytes(pickle.dumps(data))
    return file


@bounded_threads(1)
def measure(shop: str, seed: int, file: Path) -> dict[str, Any]:
    """Everything about one shop and seed: `{"shop", "seed", "thinning", "well_known", "task", ...}`."""
    data: Data = pickle.loads(file.read_bytes())
    began = time.monotonic()
    thinning, recipe, als = _thinning(data, seed)
    well_known = _well_known(data, seed, recipe, als)
    task = {
        "a fifth of each shopper's": _task(data, _by_shopper(data, seed), seed, recipe, als),
    }
    if data.first_timestamps is not None:
        task["the latest fifth of all"] = _task(
            data, split_by_time(data.user_items, data.first_timestamps), seed, recipe, als
        )
    seconds = round(time.monotonic() - began)
    print(f"{shop}, seed {seed}: {seconds} s", flush=True)
    return {
        "shop": shop,
        "seed": seed,
        **thinning,
        "well_known": well_known,
        "task": task,
        "recipe": recipe.to_dict(),
        "als": als.model_dump(),
        "seconds": seconds,
    }


def drawn(user_items: sparse.csr_matrix, seed: int) -> ThinnedTargets:
    """Thinned products, as many as there are, and their truth."""
    rng = np.random.default_rng(seed)
    split = thin(user_items, rng)
    gains = surprise_relevance(split.half_b, split.train, split.targets, allowed=split.candidates)
    return ThinnedTargets(split, gains, reported_half(split, rng))


def _thinning(data: Data, seed: int) -> tuple[dict[str, Any], Recipe, AlsSettings]:
    targets = drawn(data.user_items, seed)
    split, counts, content = targets.split, targets.counts, data.content
    als, tuned = best_als(targets, seed)
    rich = (split.train + split.half_a).tocsr()
    chosen = choose_als(split.train, data.settings.als, targets.validation, seed)
    behaviour = with_prediction(split.train, chosen.factors, data.features, chosen.settings, data.settings, seed)
    mix, _ = choose_mix(behaviour, content, counts, targets.validation)
    arms = arm_vectors(fitted_models(behaviour, content, counts, mix))
    niches = niches_or_none(data.user_items, content, data.settings, seed)
    hybrid = choose_hybrid(targets, niches, content, behaviour.predicted, arms, data.settings, seed)
    scores = {
        "popularity": popularity(split.train, split.targets),
        "ALS, library defaults": _als_scores(split.train, LIBRARY_ALS, split.targets, seed),
        "ALS, tuned": tuned,
        "ItemKNN": item_knn(split.train, split.targets),
        "residual KNN": residual_knn(split.train, split.targets),
        "EASE": ease(split.train, split.targets),
        "TF-IDF": np.asarray((data.words[split.targets] @ data.words.T).toarray()),
        **{name: _cosines(f.values, split.targets) for name, f in _named(data.features)},
        "all content": similarities(arms["content"], split.targets),
        **{
            f"published recipe, {factors} factors": published_scores(data, split, als, factors, seed)
            for factors in PUBLISHED_FACTORS
        },
        "Predicted": similarities(arms["predicted"], split.targets),
        "Longtail": similarities(hybrid.arm, split.targets),
        "rich ALS": _als_scores(rich, als, split.targets, seed),
        "rich ItemKNN": item_knn(rich, split.targets),
        "rich residual KNN": residual_knn(rich, split.targets),
    }
    figures = {name: _per_target(score, targets) for name, score in scores.items()}
    facts = {
        "thinning": figures,
        "m": split.m[targets.reported].tolist(),
        "targets": len(split.targets),
        "tried": len(hybrid.trials) + len(hybrid.silences),
        "niches": {} if hybrid.niches is None else niche_figures(hybrid.niches, arms["content"], seed),
    }
    return facts, hybrid.recipe, als


def best_als(targets: ThinnedTargets, seed: int) -> tuple[AlsSettings, np.ndarray]:
    """Of `ALS_GRID` the settings that rank the tuning half best, and their scores of all targets."""
    split, gains, tuning = targets.split, targets.gains, np.flatnonzero(~targets.reported)
    tried = {one: _als_scores(split.train, one, split.targets, seed) for one in ALS_GRID}
    best = max(tried, key=lambda one: _mean(tried[one][tuning], gains[tuning], split.candidates))
    return best, tried[best]


def _als_scores(train: sparse.csr_matrix, settings: AlsSettings, rows: np.ndarray, seed: int) -> np.ndarray:
    return _cosines(fit_als(train, settings, seed).item_factors, rows)


def published_scores(data: Data, split: Thinned, als: AlsSettings, factors: int, seed: int) -> np.ndarray:
    """The published recipe's scores: its predictions ask among real factors."""
    real = fit_als(split.train, als.model_copy(update={"factors": factors}), seed).item_factors
    counts = np.bincount(split.train.indices, minlength=split.train.shape[1])
    predicted = published_recipe(data.features, real, counts, seed)
    return np.asarray(unit_rows(predicted)[split.targets] @ unit_rows(real).T)


def _well_known(data: Data, seed: int, recipe: Recipe, als: AlsSettings) -> dict[str, float]:
    """Mean surprise NDCG@10 of items that keep four fifths of their history; half of them say how behaviour is added."""
    rng = np.random.default_rng([seed, 5])
    split = hold_out(data.user_items, rng)
    chosen = rng.permutation(split.anchors)
    tuning, anchors = np.sort(chosen[MAX_ANCHORS : 2 * MAX_ANCHORS]), np.sort(chosen[:MAX_ANCHORS])
    if len(chosen) < 2 * MAX_ANCHORS:
        tuning, anchors = np.sort(chosen[len(chosen) // 2 :]), np.sort(chosen[: len(chosen) // 2])
    gains = surprise_relevance(split.hidden, split.train, anchors)
    allowed = np.ones(data.user_items.shape[1], dtype=bool)
    scores = {
        "ItemKNN": item_knn(split.train, anchors),
        "residual KNN": residual_knn(split.train, anchors),
    }
    counts = np.bincount(split.train.indices, minlength=split.train.shape[1])
    behaviour = fit_behaviour(split.train, data.features, als, data.settings, seed)
    fitted = fit_hybrid_on(split.train, data.content, behaviour.predicted, recipe, seed)
    arms = arm_vectors(fitted_models(behaviour, data.content, counts, CandidateMix()))
    recipe = with_busy_channels(recipe, fitted, arms, split.train, split.hidden, tuning)
    scores["ALS, tuned"] = _cosines(behaviour.tuned.item_factors, anchors)
    scores["Longtail"] = similarities(hybrid_arm(fitted, recipe, arms), anchors)
    for score in scores.values():
        score[np.arange(len(anchors)), anchors] = -np.inf
    return {name: _mean(score, gains, allowed) for name, score in scores.items()}


def _by_shopper(data: Data, seed: int) -> TaskSplit:
    return split_by_shopper(data.user_items, np.random.default_rng([seed, 2]))


def _task(data: Data, split: TaskSplit, seed: int, recipe: Recipe, als: AlsSettings) -> dict[str, Any]:
    """NDCG@10 and AP@10 of shopper -> low-traffic products, per candidate set and method."""
    scorers: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {}
    for name, settings in (("ALS, library defaults", LIBRARY_ALS), ("ALS, tuned", als)):
        fitted = fit_als(split.train, settings, seed)
        scorers[name] = inner_products(fitted.user_factors, fitted.item_factors)
    behaviour = fit_behaviour(split.train, data.features, als, data.settings, seed)
    hybrid = fit_hybrid_on(split.train, data.content, behaviour.predicted, recipe, seed)
    shoppers = np.sort(np.random.default_rng([seed, 3]).permutation(split.train.shape[0])[:MAX_SHOPPERS])
    masks = {"<= 5": low_traffic(split.train), "80 %": fewest_bought(split.train)}
    tried = candidate_scorings(split.train)
    scorer = fit_user_scorer(split.train, hybrid.profiles, hybrid.for_shoppers, data.words, tried)
    scorings = measure_user_scorings(scorer, tried, split, list(masks.values()), shoppers, k=K)
    figures: dict[str, Any] = {}
    for (candidates, mask), ours in zip(masks.items(), scorings.cross_fitted(np.random.default_rng(seed)), strict=True):
        scored = {name: score_shoppers(split, mask, score, k=K, shoppers=shoppers) for name, score in scorers.items()}
        figures[candidates] = {
            name: [float(one.ndcg.mean()), float(one.average_precision.mean())]
            for name, one in {**scored, "Longtail": ours}.items()
            if len(one.shoppers)
        }
    return figures


def _per_target(score: np.ndarray, targets: ThinnedTargets) -> dict[str, Any]:
    """Per reported target: surprise NDCG, binary NDCG and AP (NaN where nothing is relevant); and the coverage."""
    rows = np.flatnonzero(targets.reported)
    ranked, truth = top_k(np.asarray(score)[rows], K, targets.split.candidates), targets.gains[rows]
    return {
        "ndcg": ndcg_at_k(ranked, truth, K),
        "binary": ndcg_at_k(ranked, binary(truth), K),
        "ap": average_precision_at_k(ranked, truth, K),
        "coverage": ranked[:, 0] >= 0,
    }


def _named(features: dict[str, Features]) -> list[tuple[str, Features]]:
    names = {"text": "MiniLM text", "image": "pictures", "attributes": "attributes"}
    return [(names[modality], block) for modality, block in features.items()]


def _cosines(vectors: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """(len(rows), n_items) cosines; -inf for rows and items that have no direction."""
    units = unit_rows(vectors)
    known = units.any(axis=1)
    found = np.where(known[None, :], units[rows] @ units.T, -np.inf)
    found[~known[rows]] = -np.inf
    found[np.arange(len(rows)), rows] = -np.inf
    return np.asarray(found)


def _mean(score: np.ndarray, gains: sparse.csr_matrix, allowed: np.ndarray) -> float:
    return float(np.nanmean(ndcg_at_k(top_k(score, K, allowed), gains, K)))


if __name__ == "__main__":
    main()
