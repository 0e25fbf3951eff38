"""People's judgements, carried over to look-alikes: a correction of the hybrid's queries.

This is a Gaussian process over pairs. The desired change of a pair's score has the covariance `K(anchor, anchor')^power`
times the inner product of the two candidates, so applying it means adding `K(anchor, .)^power @ coefficients` to the
query: a product that nobody judged, or that was uploaded a second ago, moves as far as it is similar to a judged one. An
irrelevant neighbour should rank below the list, one that belongs at the end of the list or above; scores that satisfy this
already need no change.

How far a judgement reaches is chosen on judged products that were held out. If it helps none of them, judgements change
only the lists of their own products.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from engine.core.vectors import unit_rows
from engine.models.kernel import Kernel, Rows, unit

__all__ = ["Correction", "Fitted", "Pairs", "fit_correction", "ordered"]

LAST, FLOOR = 10, 30
"""Neighbours that belong are lifted to rank 10, those that do not are pushed below rank 30."""
POWERS = (1, 2, 4, 8)
NOISES = (0.03, 0.3)
FOLDS = 5
IMPLIED_NOISE = 4.0
"""A neighbour that somebody passed over says less than one that they pointed at."""
MAX_ANCHORS, CHUNK = 4000, 1024
ROUNDING = 1e-6


@dataclass(frozen=True)
class Pairs:
    """n judged pairs: rows of anchor and neighbour (n,) int64; whether it is irrelevant, and only implied (n,) bool."""

    anchors: np.ndarray
    neighbours: np.ndarray
    bad: np.ndarray
    implied: np.ndarray

    def __len__(self) -> int:
        return len(self.anchors)

    def where(self, chosen: np.ndarray) -> Pairs:
        """The pairs of a boolean mask (n,)."""
        return Pairs(self.anchors[chosen], self.neighbours[chosen], self.bad[chosen], self.implied[chosen])


@dataclass(frozen=True)
class Correction:
    """A change to unit queries.

    Attributes
    ----------
    power : of the kernel; 0 changes only the judged products.
    rows : (m,) int64, the judged products' rows in the catalogue.
    landmarks : per view (m, d), their unit rows. coefficients : (m, rank) float32.
    """

    kernel: Kernel
    power: int
    rows: np.ndarray
    landmarks: dict[str, Rows]
    coefficients: np.ndarray

    def __call__(self, views: Mapping[str, Rows]) -> np.ndarray:
        """(n, rank) float32, by the content of any n products; zero if judgements reach only their own products."""
        n = next(iter(views.values())).shape[0]
        moved = np.zeros((n, self.coefficients.shape[1]), dtype=np.float32)
        if not self.power:
            return moved
        units = {view: unit(views[view]) for view in self.kernel.weights}
        for start in range(0, n, CHUNK):
            some = {view: rows[start : start + CHUNK] for view, rows in units.items()}
            moved[start : start + CHUNK] = self.kernel(some, self.landmarks) ** self.power @ self.coefficients
        return moved

    def own(self, rows: np.ndarray) -> np.ndarray:
        """(n, rank) float32, from judgements of these catalogue products themselves; zero for products without any."""
        found = np.searchsorted(self.rows, rows).clip(max=len(self.rows) - 1)
        return np.where((self.rows[found] == rows)[:, None], self.coefficients[found], np.float32(0.0))

    def of_catalogue(self, views: Mapping[str, Rows]) -> np.ndarray:
        """(n_items, rank) float32, for all products of the catalogue."""
        moved = self(views)
        if not self.power:
            moved[self.rows] = self.coefficients
        return moved


@dataclass(frozen=True)
class Fitted:
    """A correction, and the trials by which it was chosen.

    Attributes
    ----------
    tried : for each power and noise: power, noise, gain (in `ordered`, on held-out products) and its standard error.
    """

    correction: Correction
    noise: float
    tried: list[dict[str, float]]


def fit_correction(
    query: np.ndarray,
    candidates: np.ndarray,
    views: Mapping[str, Rows],
    kernel: Kernel,
    pairs: Pairs,
    seed: int,
) -> Fitted | None:
    """Learn from judged pairs; None if they require no change.

    Parameters
    ----------
    query : (n_items, rank) float32 smoothed vectors. candidates : (n_items, rank) float32.
    views : as the smoother's.
    """
    directions = unit_rows(query)
    rows = np.unique(pairs.anchors)
    if len(rows) > MAX_ANCHORS:
        rows = np.sort(np.random.default_rng(seed).choice(rows, MAX_ANCHORS, replace=False))
    pairs = pairs.where(np.isin(pairs.anchors, rows) & np.any(directions[pairs.anchors], axis=1))
    changes = _desired_changes(directions, candidates, pairs)
    if not np.any(changes):
        return None
    rows, anchor = np.unique(pairs.anchors, return_inverse=True)
    landmarks = {view: unit(views[view][rows]) for view in kernel.weights}
    similarity = kernel(landmarks, landmarks)
    problem = _Problem(candidates[pairs.neighbours], anchor, changes, pairs.bad, pairs.implied, len(rows))
    tried = _trials(problem, similarity, directions[rows], seed)
    power, noise = _best(tried)
    coefficients = problem.solve(_powered(similarity, power), noise, np.ones(len(pairs), dtype=bool))
    return Fitted(Correction(kernel, power, rows, landmarks, coefficients), noise, tried)


def ordered(query: np.ndarray, candidates: np.ndarray, pairs: Pairs) -> np.ndarray:
    """How often a neighbour that belongs ranks above one that does not, for every anchor that has both; (anchors,) float64.

    `query` and `candidates` have a row for every product of the catalogue.
    """
    scores = np.einsum("ij,ij->i", query[pairs.anchors], candidates[pairs.neighbours])
    return np.array(list(_ordered_by_anchor(scores, pairs.anchors, pairs.bad).values()), dtype=np.float64)


@dataclass(frozen=True)
class _Problem:
    """Kernel ridge regression on n pairs of m anchors, solved without forming the (n, n) matrix.

    Attributes
    ----------
    candidates : (n, rank) of each pair. anchor : (n,) the position of its anchor among the m.
    changes : (n,) the desired change of its score. bad, implied : (n,) as in `Pairs`.
    """

    candidates: np.ndarray
    anchor: np.ndarray
    changes: np.ndarray
    bad: np.ndarray
    implied: np.ndarray
    m: int

    def solve(self, similarity: np.ndarray, noise: float, chosen: np.ndarray) -> np.ndarray:
        """(m, rank) float32 coefficients from the pairs of a mask (n,); `similarity` (m, m) is the powered kernel."""
        vectors, anchor = self.candidates[chosen].astype(np.float64), self.anchor[chosen]
        scale = float(np.mean(np.square(vectors).sum(axis=1))) or 1.0
        ridge = noise * scale * np.where(self.implied[chosen], IMPLIED_NOISE, 1.0)
        by_anchor = sparse.csr_matrix(
            (np.ones(len(anchor)), (anchor, np.arange(len(anchor)))), shape=(self.m, len(anchor))
        )

        def applied(alpha: np.ndarray) -> np.ndarray:
            moved = similarity @ (by_anchor @ (alpha.reshape(-1, 1) * vectors))
            return np.asarray(np.einsum("ij,ij->i", moved[anchor], vectors) + ridge * alpha.ravel())

        operator = sparse.linalg.LinearOperator((len(anchor), len(anchor)), matvec=applied, dtype=np.float64)
        alpha, _ = sparse.linalg.cg(operator, self.changes[chosen].astype(np.float64), rtol=1e-4, maxiter=60)
        return np.asarray(by_anchor @ (alpha[:, None] * vectors), dtype=np.float32)

    def ordered(self, directions: np.ndarray) -> dict[int, float]:
        """`_ordered_by_anchor` of queries (m, rank)."""
        scores = np.einsum("ij,ij->i", directions[self.anchor], self.candidates)
        return _ordered_by_anchor(scores, self.anchor, self.bad)


def _desired_changes(directions: np.ndarray, candidates: np.ndarray, pairs: Pairs) -> np.ndarray:
    """(n,) float32, the difference between each pair's score and the score it should have."""
    scores = np.einsum("ij,ij->i", directions[pairs.anchors], candidates[pairs.neighbours])
    rows, anchor = np.unique(pairs.anchors, return_inverse=True)
    last, floor = np.empty(len(rows), dtype=np.float32), np.empty(len(rows), dtype=np.float32)
    ranks = min(LAST, len(candidates) - 1), min(FLOOR, len(candidates) - 1)
    for start in range(0, len(rows), CHUNK):
        some = rows[start : start + CHUNK]
        all_scores = directions[some] @ candidates.T
        all_scores[np.arange(len(some)), some] = -np.inf
        best = -np.partition(-all_scores, [rank - 1 for rank in ranks], axis=1)
        last[start : start + CHUNK], floor[start : start + CHUNK] = (best[:, rank - 1] for rank in ranks)
    lift, push = np.maximum(last[anchor] - scores, 0.0), np.minimum(floor[anchor] - scores, 0.0)
    changes = np.where(pairs.bad, push, lift).astype(np.float32)
    return np.where(np.abs(changes) > ROUNDING, changes, np.float32(0.0))


def _powered(similarity: np.ndarray, power: int) -> np.ndarray:
    return np.asarray(similarity**power if power else np.eye(len(similarity)), dtype=np.float64)


def _trials(problem: _Problem, similarity: np.ndarray, directions: np.ndarray, seed: int) -> list[dict[str, float]]:
    """Each power and noise with its gain on held-out judged products."""
    fold = np.random.default_rng(seed).permutation(problem.m) % FOLDS
    before = problem.ordered(directions)
    trials = []
    for power in POWERS:
        powered = _powered(similarity, power)
        for noise in NOISES:
            after = problem.ordered(directions + _held_out_changes(problem, powered, noise, fold))
            gains = np.array([after[anchor] - before[anchor] for anchor in before])
            error = float(gains.std(ddof=1) / np.sqrt(len(gains))) if len(gains) > 1 else float("inf")
            gain = float(gains.mean()) if len(gains) else 0.0
            trials.append({"power": power, "noise": noise, "gain": gain, "error": error if np.isfinite(error) else 1.0})
    return trials


def _held_out_changes(problem: _Problem, powered: np.ndarray, noise: float, fold: np.ndarray) -> np.ndarray:
    """(m, rank): the change of each anchor's query, learned from the anchors of the other folds."""
    moved = np.zeros((problem.m, problem.candidates.shape[1]))
    for held_out in range(FOLDS):
        known = fold[problem.anchor] != held_out
        if known.any() and not known.all():
            here = fold == held_out
            moved[here] = powered[here] @ problem.solve(powered, noise, known)
    return moved


def _best(trials: list[dict[str, float]]) -> tuple[int, float]:
    """The best power and noise if its gain exceeds two standard errors; else power 0."""
    best = max(trials, key=lambda one: one["gain"])
    if best["gain"] > 2 * best["error"]:
        return int(best["power"]), best["noise"]
    return 0, NOISES[0]


def _ordered_by_anchor(scores: np.ndarray, anchors: np.ndarray, bad: np.ndarray) -> dict[int, float]:
    """Anchor -> share of its (good, irrelevant) pairs in the right order, ties one half; only anchors that have both."""
    shares: dict[int, float] = {}
    order = np.argsort(anchors, kind="stable")
    edges = np.flatnonzero(np.diff(anchors[order])) + 1
    for group in np.split(order, edges):
        good, wrong = scores[group][~bad[group]], scores[group][bad[group]]
        if len(good) and len(wrong):
            apart = good[:, None] - wrong[None, :]
            shares[int(anchors[group[0]])] = float((apart > 0).mean() + 0.5 * (apart == 0).mean())
    return shares
