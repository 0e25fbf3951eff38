"""The heavy stages of a training on a graphics card, against the processor with as many threads as are free, and whether both find the same.

Seconds are those of the clock, of one turn each, after a first call of everything on the card for a small shop. Without a card that CUDA knows, nothing is measured.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from benchmarks.made_shops import made_niches
from benchmarks.parts import Measured
from benchmarks.scale.encoding import overlap_at_10
from benchmarks.scale.niches import Prepared, prepared
from benchmarks.scale.shop import PRODUCTS_PER_STYLE, mixed_texts, n_events
from engine.core.settings import AlsSettings, PredictorSettings
from engine.core.vectors import unit_rows
from engine.core.workspace import Workspace
from engine.evaluation.fits import fit_hybrid_on
from engine.models.als import fit_als
from engine.models.devices import calculating
from engine.models.encoders.text import TextEncoder
from engine.models.encoders.text_models import model_folder
from engine.models.predictor import train_predictor
from engine.models.recipe import default_recipe
from engine.models.residual import residual_factors
from engine.models.smoother import Capacity
from engine.models.threads import bounded_threads
from engine.release.all_lists import Compared, best_lists

__all__ = ["measure"]

SMALL = 2_000
COMPARED = 2_000
"""Products whose neighbours are compared; they are ranked among one another, but for the lists of all."""
TEXTS, STEPS, K = 4_000, 400, 20


@dataclass(frozen=True)
class _Stage:
    """What one side needed, by the clock, and what it found: vectors whose neighbours are compared, or lists."""

    seconds: float
    found: np.ndarray


def measure(arguments: argparse.Namespace) -> dict[str, Measured]:
    """Of each stage: times as fast as the processor, and the share of neighbours that both find."""
    if not torch.cuda.is_available():
        print("There is no graphics card that CUDA knows.", flush=True)
        return {}
    workspace, products, seed = Workspace(arguments.folder / "card"), max(arguments.products), arguments.seed
    with bounded_threads() as threads:
        _stages("cuda", _shop(SMALL, seed), workspace, seed)
        made = _shop(products, seed)
        card, host = (_stages(device, made, workspace, seed) for device in ("cuda", "cpu"))
    told = {"card": torch.cuda.get_device_name(), "threads": threads}
    figures: dict[str, Measured] = {}
    for name, one in card.items():
        other, figure = host[name], f"card_{products}_{name}"
        seconds = {"seconds": round(one.seconds, 2), "processor_seconds": round(other.seconds, 2)}
        figures[f"{figure}_times_as_fast"] = (round(other.seconds / one.seconds, 1), "-", seconds | told)
        same = "-" if name == "network" else ">= 0.97"  # it draws other random numbers on a card
        figures[f"{figure}_overlap_at_10"] = (_overlap(one.found, other.found), same, {})
    return figures


def _shop(products: int, seed: int) -> Prepared:
    return prepared(made_niches(products, n_events(products), max(4, products // PRODUCTS_PER_STYLE), seed))


def _stages(device: str, made: Prepared, workspace: Workspace, seed: int) -> dict[str, _Stage]:
    """Every stage by "cuda" or "cpu", each from the same inputs as on the other."""
    user_items, content, n = made.user_items, made.content, len(made.shop.styles)
    some = np.random.default_rng(seed).permutation(n)[: min(n, COMPARED)]
    recipe = replace(default_recipe(("content", "words"), n), capacity=Capacity(100, min(5_000, n // 4)))
    counts, stages = np.bincount(user_items.indices, minlength=n), {}

    def timed(name: str, work: Callable[[], Any], vectors: Callable[[Any], np.ndarray]) -> Any:
        began = time.perf_counter()
        result = work()
        stages[name] = _Stage(time.perf_counter() - began, vectors(result))
        print(n, device, name, round(stages[name].seconds, 2), flush=True)
        return result

    with calculating(device):
        behaviour = timed(
            "als", lambda: fit_als(user_items, AlsSettings(), seed), lambda one: unit_rows(one.item_factors[some])
        )
        factors = timed("residual", lambda: residual_factors(user_items, recipe.rank, seed), lambda one: one[some])
        hybrid = timed(
            "smoother",
            lambda: fit_hybrid_on(user_items, content, np.zeros((n, 1), np.float32), recipe, seed, factors=factors),
            lambda one: unit_rows(one.query[some]),
        )
        timed("lists", lambda: _lists(hybrid.query, hybrid.candidates), lambda lists: lists[some])
        learning = PredictorSettings(max_steps=STEPS)
        timed(
            "network",
            lambda: train_predictor(dict(content.features), behaviour.item_factors, counts, learning, seed),
            lambda one: unit_rows(one.predict(dict(content.features))[some]),
        )
        texts = mixed_texts(min(n, TEXTS), seed)
        encoder = TextEncoder("minilm", model_folder("minilm"), (), 128, 32)
        encoder.encode_contents(texts[:1], workspace)
        timed("texts", lambda: encoder.encode_contents(texts, workspace), lambda one: np.asarray(one))
    return stages


def _lists(query: np.ndarray, candidates: np.ndarray) -> np.ndarray:
    """(n, K) int64, the best candidates of every product."""
    lengths = np.linalg.norm(candidates, axis=1)
    inverse = np.divide(1, lengths, out=np.zeros_like(lengths), where=lengths > 0)
    compared = Compared(candidates, inverse, np.flatnonzero(lengths == 0))
    rows = np.zeros((len(query), K), np.int64)
    for lists in best_lists(compared, unit_rows(query), np.arange(len(query)), K):
        rows[lists.places] = lists.rows
    return rows


def _overlap(one: np.ndarray, other: np.ndarray) -> float:
    """Share of the ten nearest that both find, from vectors or from lists."""
    if one.dtype != np.int64:
        return overlap_at_10(one, other)
    return round(float(np.mean([len(np.intersect1d(*pair)) / K for pair in zip(one, other, strict=True)])), 4)
