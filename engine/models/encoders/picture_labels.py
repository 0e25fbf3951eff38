"""The attributes that picture classifiers should learn: those that are well covered, varied, and visible in pictures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from engine.models.encoders.base import missing

__all__ = ["Labels", "candidate_labels", "labels_of", "most_visible"]

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
    targets : (n, classes) bool, the values of each picture; none where they are missing or rare.
    several : whether a picture may have several of them, such as the genres of a film.
    """

    name: str
    classes: tuple[str, ...]
    targets: np.ndarray
    several: bool = False

    @property
    def known(self) -> np.ndarray:
        """(n,) bool, which pictures have a value that is learned."""
        return np.asarray(self.targets.any(axis=1))

    @property
    def majority(self) -> float:
        """The share of pictures that have the most frequent value: what always guessing it would get right."""
        return float(self.targets[self.known].mean(axis=0).max())

    def right(self, rows: np.ndarray, scores: np.ndarray) -> float:
        """The share of the pictures `rows` with a value whose highest score, of (len(rows), classes), is a value of theirs."""
        known = self.known[rows]
        if not known.any():
            return 0.0
        guessed = scores.argmax(axis=1)
        return float(self.targets[rows, guessed][known].mean())


def candidate_labels(items: pd.DataFrame, attribute_kinds: Mapping[str, str]) -> list[Labels]:
    """Every attribute with distinct values of `items` (all with pictures) that has at least two worth learning."""
    kinds = {"category": "category", "brand": "category", **attribute_kinds}
    found = [
        labels_of(name, items[name].tolist(), several=kind == "multi")
        for name, kind in kinds.items()
        if kind in {"category", "multi"} and name in items.columns
    ]
    return [labels for labels in found if _worth_learning(labels)]


def labels_of(name: str, cells: Sequence[object], *, several: bool = False) -> Labels:
    """The frequent values of one attribute as classes; with `several`, a cell may be a list of values."""
    values = [_values(cell) for cell in cells]
    counts = Counter(value for some in values for value in some)
    frequent = sorted((v for v, n in counts.items() if n >= MIN_CLASS), key=lambda v: (-counts[v], v))[:MAX_CLASSES]
    position = {value: column for column, value in enumerate(frequent)}
    targets = np.zeros((len(values), len(frequent)), dtype=bool)
    for row, some in enumerate(values):
        targets[row, [position[value] for value in some if value in position]] = True
    return Labels(name, tuple(frequent), targets, several)


def _values(cell: object) -> set[str]:
    parts = list(cell) if isinstance(cell, list | tuple | set | np.ndarray) else [cell]
    return {str(part) for part in parts if not missing(part)}


def _worth_learning(labels: Labels) -> bool:
    known = labels.known
    if len(labels.classes) < 2 or known.sum() < max(MIN_PICTURES, MIN_COVERAGE * len(known)):
        return False
    return not bool(labels.targets[known].all(axis=0).all())


def most_visible(candidates: Sequence[Labels], rows: np.ndarray, probe: np.ndarray, n: int, seed: int) -> list[Labels]:
    """The `n` most promising attributes, best first.

    The score of each is coverage x information (bits) x how much better than chance a ridge classifier guesses it from
    `probe`, (len(rows), columns) cheap features of the pictures `rows`.
    """
    rng = np.random.default_rng(seed)
    scores = {}
    for labels in candidates:
        shares = labels.targets.sum(axis=0) / labels.targets.sum()
        bits = -float((shares * np.log2(shares)).sum())
        # A network may still learn an attribute that cheap features do not show: it comes last, but is not excluded.
        skill = max(_probe_skill(probe, labels, rows, rng), 0.01)
        scores[labels.name] = labels.known.mean() * bits * skill
    return sorted(candidates, key=lambda labels: (-scores[labels.name], labels.name))[:n]


def _probe_skill(probe: np.ndarray, labels: Labels, rows: np.ndarray, rng: np.random.Generator) -> float:
    """(accuracy - chance) / (1 - chance) on a held-out quarter of the pictures with a value."""
    known = rng.permutation(np.flatnonzero(labels.known[rows]))
    held_out, training = np.split(known, [len(known) // 4])
    if len(held_out) == 0:
        return 0.0
    x, y = probe[training].astype(np.float64), labels.targets[rows[training]].astype(np.float64)
    centre, scale = x.mean(0), x.std(0) + 1e-6
    x = (x - centre) / scale
    # Fewer rows than columns: solve in the space of rows.
    weights = x.T @ np.linalg.solve(x @ x.T + PENALTY * x.shape[1] * np.eye(len(x)), y - y.mean(0))
    right = labels.right(rows[held_out], ((probe[held_out] - centre) / scale) @ weights + y.mean(0))
    chance = float(labels.targets[rows[held_out], y.mean(0).argmax()].mean())
    return (right - chance) / max(1 - chance, 1e-6)
