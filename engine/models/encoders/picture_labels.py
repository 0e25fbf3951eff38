"""The attributes that picture classifiers should learn: those that are well covered, varied, and visible in pictures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from engine.models.encoders.base import missing

__all__ = ["Labels", "candidate_labels", "most_visible"]

MIN_CLASS, MAX_CLASSES = 10, 50
"""A value is learned if it has so many pictures, and at most so many values per attribute; rarer ones are left out."""
MIN_PICTURES, MIN_COVERAGE = 40, 0.2
PENALTY = 0.1


@dataclass(frozen=True)
class Labels:
    """One attribute as classes.

    Attributes
    ----------
    name : the attribute.
    classes : the values to learn, most frequent first.
    targets : (n,) int64, position in `classes`, or -1 if the value is missing or rare.
    """

    name: str
    classes: tuple[str, ...]
    targets: np.ndarray

    @property
    def majority(self) -> float:
        """Accuracy of always guessing the most frequent value."""
        known = self.targets[self.targets >= 0]
        return float(np.bincount(known).max() / len(known))


def candidate_labels(items: pd.DataFrame, attribute_kinds: Mapping[str, str]) -> list[Labels]:
    """Every category-like attribute of `items` (all with pictures) that has at least two values worth learning."""
    names = ["category", "brand", *(name for name, kind in attribute_kinds.items() if kind == "category")]
    found = []
    for name in [name for name in dict.fromkeys(names) if name in items.columns]:
        labels = _labels(name, items[name])
        labelled = int((labels.targets >= 0).sum())
        if len(labels.classes) >= 2 and labelled >= max(MIN_PICTURES, MIN_COVERAGE * len(items)):
            found.append(labels)
    return found


def _labels(name: str, values: pd.Series) -> Labels:
    cells = [None if missing(cell) else str(cell) for cell in values]
    counts = Counter(cell for cell in cells if cell is not None)
    frequent = sorted((v for v, n in counts.items() if n >= MIN_CLASS), key=lambda v: (-counts[v], v))[:MAX_CLASSES]
    position: dict[str | None, int] = {value: row for row, value in enumerate(frequent)}
    return Labels(name, tuple(frequent), np.array([position.get(cell, -1) for cell in cells], dtype=np.int64))


def most_visible(candidates: Sequence[Labels], rows: np.ndarray, probe: np.ndarray, n: int, seed: int) -> list[Labels]:
    """The `n` most promising attributes, best first.

    The score of each is coverage x information (bits) x how much better than chance a ridge classifier guesses it from
    `probe`, (len(rows), columns) cheap features of the pictures `rows`.
    """
    rng = np.random.default_rng(seed)
    scores = {}
    for labels in candidates:
        known = labels.targets[labels.targets >= 0]
        shares = np.bincount(known) / len(known)
        bits = -float((shares * np.log2(shares)).sum())
        # A network may still learn an attribute that cheap features do not show: it comes last, but is not excluded.
        skill = max(_probe_skill(probe, labels.targets[rows], rng), 0.01)
        scores[labels.name] = len(known) / len(labels.targets) * bits * skill
    return sorted(candidates, key=lambda labels: (-scores[labels.name], labels.name))[:n]


def _probe_skill(probe: np.ndarray, targets: np.ndarray, rng: np.random.Generator) -> float:
    """(accuracy - chance) / (1 - chance) on a held-out quarter of the pictures with a value."""
    known = rng.permutation(np.flatnonzero(targets >= 0))
    held_out, training = np.split(known, [len(known) // 4])
    if len(held_out) == 0:
        return 0.0
    x = probe[training].astype(np.float64)
    centre, scale = x.mean(0), x.std(0) + 1e-6
    x = (x - centre) / scale
    one_hot = np.eye(targets.max() + 1)[targets[training]]
    # Fewer rows than columns: solve in the space of rows.
    weights = x.T @ np.linalg.solve(x @ x.T + PENALTY * x.shape[1] * np.eye(len(x)), one_hot - one_hot.mean(0))
    guessed = (((probe[held_out] - centre) / scale) @ weights + one_hot.mean(0)).argmax(1)
    chance = float(np.mean(targets[held_out] == np.bincount(targets[training]).argmax()))
    return (float(np.mean(guessed == targets[held_out])) - chance) / max(1 - chance, 1e-6)
