"""Texts to vectors: OpenVINO and bfloat16 by torch against float32, on texts of mixed lengths, and whether neighbours stay the same.

All read the same texts with one thread, sorted by length, each distinct one once; tokenising is part of all. Fewer bits pay on processors
with instructions for them; elsewhere 'auto' stays with float32.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable

import numpy as np

from benchmarks.parts import Measured
from benchmarks.scale.shop import mixed_texts
from benchmarks.scale.timing import in_turns
from engine.core.workspace import Workspace
from engine.models.devices import has_fast_bfloat16
from engine.models.encoders.on_openvino import OPENVINO, is_installed
from engine.models.encoders.text import TextEncoder
from engine.models.encoders.text_models import model_folder
from engine.models.threads import bounded_threads

__all__ = ["measure", "overlap_at_10"]

TEXTS = 1_000
"""Of a shop of this size: more take proportionally longer."""
K = 10


def measure(arguments: argparse.Namespace) -> dict[str, Measured]:
    """Times as fast as float32, and the share of ten neighbours by text that stay."""
    texts = mixed_texts(TEXTS, arguments.seed)
    workspace, found = Workspace(arguments.folder / "encoding"), {}
    quicker = [name for name in ("openvino", "bfloat16") if name != OPENVINO or is_installed()]
    encoders = {
        precision: TextEncoder("minilm", model_folder("minilm"), (), 128, 32, precision=precision)
        for precision in (*quicker, "float32")
    }

    def encoded(precision: str) -> Callable[[], None]:
        def encode() -> None:
            found[precision] = encoders[precision].encode_contents(texts, workspace)

        return encode

    measured: dict[str, Measured] = {}
    with bounded_threads(1):
        for encoder in encoders.values():
            encoder.encode_contents(texts[:1], workspace)  # loads the network, which a large shop does not notice
        for precision in quicker:
            turns = in_turns(arguments.rounds, encoded(precision), encoded("float32"))
            details = turns.details(texts=len(texts), processor_has_bfloat16=has_fast_bfloat16())
            overlap = overlap_at_10(found["float32"], found[precision])
            target = ">= 4" if precision == quicker[0] else "-"
            measured[f"encoding_{precision}_over_float32"] = (turns.times_as_fast, target, details)
            measured[f"encoding_{precision}_overlap_at_10"] = (overlap, ">= 0.97", {})
    return measured


def overlap_at_10(one: np.ndarray, other: np.ndarray) -> float:
    """Mean share of the ten nearest by one that are among the ten nearest by the other."""
    nearest = [_nearest(vectors) for vectors in (one, other)]
    return round(float(np.mean([len(np.intersect1d(*pair)) / K for pair in zip(*nearest, strict=True)])), 4)


def _nearest(vectors: np.ndarray) -> np.ndarray:
    """(n, K) positions."""
    scores = vectors @ vectors.T
    np.fill_diagonal(scores, -np.inf)
    return np.argpartition(-scores, K, axis=1)[:, :K]
