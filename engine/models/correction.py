"""What people judged, carried over to look-alikes: a correction of the hybrid's queries.

A Gaussian process over pairs. How a pair's score ought to move has the covariance `K(anchor, anchor')^power` times the inner
product of the two candidates, so that moving it is adding `K(anchor, .)^power @ coefficients` to the query: a product
nobody judged, or that was uploaded a second ago, is moved as far as it is like a judged one. An irrelevant neighbour
ought to stand below the list, one that belongs at its end at least; both stay where they are if they do already.

How far a judgement reaches is chosen on judged products that were left out. Where it helps none of them, judgements move
the lists of their own products alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import LinearOperator, cg

from engine.core.vectors import unit_rows
from engine.models.smoother import Kernel, Rows, unit

__all__ = ["Correction", "Fitted", "Pairs", "fit_correction", "ordered"]

PLACES, FLOOR = 10, 30
"""Neighbours that belong are lifted to the 10th place, those that do not are pushed below the 30th."""
POWERS = (1, 2, 4, 8)
NOISES = (0.03, 0.3)
FOLDS = 5
IMPLIED_NOISE = 4.0
"""A neighbour that was passed over says less than one that somebody pointed at."""
MAX_ANCHORS, CHUNK = 4000, 1024
ROUNDING = 1e-6


@dataclass(frozen=True)
class Pairs:
    """n judged pairs: rows of anchor and neighbour (n,) int64, whether it is irrelevant and was merely implied (n,) bool."""

    anchors: np.ndarray
    neighbours: np.ndarray
    bad: np.ndarray
    implied: np.ndarray

    def __len__(self) -> int:
        return len(self.anchors)

    def where(self, chosen: np.ndarray) -> Pairs:
        """Those of a boolean mask (n,)."""
        return Pairs(self.anchors[chosen], self.neighbours[chosen], self.bad[chosen], self.implied[chosen])


@dataclass(frozen=True)
class Correction:
    """What to add to unit queries.

    Attributes
    ----------
    power : of the kernel; 0 stands for the judged products alone.
    rows : (m,) int64, the judged products' rows in the catalogue.
    landmarks : per view (m, d), their unit rows. coefficients : (m, rank) float32.
    """

    kernel: Kernel
    power: int
    rows: np.ndarray
    landmarks: dict[str, Rows]
    coefficients: np.ndarray

    def __call__(self, views: Mapping[str, Rows]) -> np.ndarray:
        """(n, rank) float32 by the content of any n products; zero where judgements reach their own products alone."""
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
        """(n, rank) float32, what was judged of these products of the catalogue themselves; zero where nothing was."""
        place = np.searchsorted(self.rows, rows).clip(max=len(self.rows) - 1)
        return np.where((self.rows[place] == rows)[:, None], self.coefficients[place], np.float32(0.0))

    def of_catalogue(self, views: Mapping[str, Rows]) -> np.ndarray:
        """(n_items, rank) float32 for the products the rows are of."""
        moved = self(views)
        if not self.power:
            moved[self.rows] = self.coefficients
        return moved


@dataclass(frozen=True)
class Fitted:
    """A correction and how it was chosen.

    Attributes
    ----------
    tried : one per reach and noise: power, noise, gain (in `ordered`, on products left out) and its standard error.
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
    """Learn from judged pairs; None where they ask for nothing.

    Parameters
    ----------
    query : (n_items, rank) float32 smoothed vectors. candidates : (n_items, rank) float32.
    views : as the smoother's.
    """
    asked = unit_rows(query)
    rows = np.unique(pairs.anchors)
    if len(rows) > MAX_ANCHORS:
        rows = np.sort(np.random.default_rng(seed).choice(rows, MAX_ANCHORS, replace=False))
    pairs = pairs.where(np.isin(pairs.anchors, rows) & np.any(asked[pairs.anchors], axis=1))
    wanted = _wanted(asked, candidates, pairs)
    if not np.any(wanted):
        return None
    rows, place = np.unique(pairs.anchors, return_inverse=True)
    landmarks = {view: unit(views[view][rows]) for view in kernel.weights}
    alike = kernel(landmarks, landmarks)
    problem = _Problem(candidates[pairs.neighbours], place, wanted, pairs.implied, len(rows))
    tried = _tried(problem, alike, asked[rows], pairs, place, seed)
    power, noise = _chosen(tried)
    coefficients = problem.solve(_powered(alike, power), noise, np.ones(len(pairs), dtype=bool))
    return Fitted(Correction(kernel, power, rows, landmarks, coefficients), noise, tried)


def ordered(query: np.ndarray, candidates: np.ndarray, pairs: Pairs) -> np.ndarray:
    """How often a neighbour that belongs stands above one that does not, for every anchor that has both; (anchors,) float64.

    `query` has a row for every product of the catalogue, as `candidates` has.
    """
    scores = np.einsum("ij,ij->i", query[pairs.anchors], candidates[pairs.neighbours])
    return np.array(list(_ordered_by_anchor(scores, pairs.anchors, pairs.bad).values()), dtype=np.float64)


@dataclass(frozen=True)
class _Problem:
    """Kernel ridge regression on pairs, solved without ever forming the pairs' own matrix."""

    candidates: np.ndarray  # (n, rank) of each pair
    place: np.ndarray  # (n,) its anchor among the m judged ones
    wanted: np.ndarray  # (n,) how its score ought to move
    implied: np.ndarray
    m: int

    def solve(self, alike: np.ndarray, noise: float, chosen: np.ndarray) -> np.ndarray:
        """(m, rank) float32 coefficients from the pairs of a mask (n,); `alike` (m, m) is the powered kernel."""
        vectors, place = self.candidates[chosen].astype(np.float64), self.place[chosen]
        scale = float(np.mean(np.square(vectors).sum(axis=1))) or 1.0
        ridge = noise * scale * np.where(self.implied[chosen], IMPLIED_NOISE, 1.0)
        gathered = sparse.csr_matrix((np.ones(len(place)), (place, np.arange(len(place)))), shape=(self.m, len(place)))

        def applied(alpha: np.ndarray) -> np.ndarray:
            moved = alike @ (gathered @ (alpha.reshape(-1, 1) * vectors))
            return np.asarray(np.einsum("ij,ij->i", moved[place], vectors) + ridge * alpha.ravel())

        operator = LinearOperator((len(place), len(place)), matvec=applied, dtype=np.float64)
        alpha, _ = cg(operator, self.wanted[chosen].astype(np.float64), rtol=1e-4, maxiter=60)
        return np.asarray(gathered @ (alpha[:, None] * vectors), dtype=np.float32)


def _wanted(asked: np.ndarray, candidates: np.ndarray, pairs: Pairs) -> np.ndarray:
    """(n,) float32, how far each pair's score is from where it ought to be."""
    scores = np.einsum("ij,ij->i", asked[pairs.anchors], candidates[pairs.neighbours])
    rows, place = np.unique(pairs.anchors, return_inverse=True)
    listed, floor = np.empty(len(rows), dtype=np.float32), np.empty(len(rows), dtype=np.float32)
    places = min(PLACES, len(candidates) - 1), min(FLOOR, len(candidates) - 1)
    for start in range(0, len(rows), CHUNK):
        some = rows[start : start + CHUNK]
        all_scores = asked[some] @ candidates.T
        all_scores[np.arange(len(some)), some] = -np.inf
        best = -np.partition(-all_scores, [place - 1 for place in places], axis=1)
        listed[start : start + CHUNK], floor[start : start + CHUNK] = (best[:, place - 1] for place in places)
    lift, push = np.maximum(listed[place] - scores, 0.0), np.minimum(floor[place] - scores, 0.0)
    wanted = np.where(pairs.bad, push, lift).astype(np.float32)
    return np.where(np.abs(wanted) > ROUNDING, wanted, np.float32(0.0))


def _powered(alike: np.ndarray, power: int) -> np.ndarray:
    return np.asarray(alike**power if power else np.eye(len(alike)), dtype=np.float64)


def _tried(
    problem: _Problem, alike: np.ndarray, asked: np.ndarray, pairs: Pairs, place: np.ndarray, seed: int
) -> list[dict[str, float]]:
    """Each reach and noise by what it does for judged products that were left out."""
    fold = np.random.default_rng(seed).permutation(problem.m) % FOLDS
    before = _ordered_by_anchor(np.einsum("ij,ij->i", asked[place], problem.candidates), place, pairs.bad)
    found = []
    for power in POWERS:
        powered = _powered(alike, power)
        for noise in NOISES:
            moved = np.zeros((problem.m, problem.candidates.shape[1]))
            for left_out in range(FOLDS):
                known = fold[place] != left_out
                if known.any() and not known.all():
                    here = fold == left_out
                    moved[here] = powered[here] @ problem.solve(powered, noise, known)
            after = _ordered_by_anchor(
                np.einsum("ij,ij->i", (asked + moved)[place], problem.candidates), place, pairs.bad
            )
            gains = np.array([after[anchor] - before[anchor] for anchor in before])
            error = float(gains.std(ddof=1) / np.sqrt(len(gains))) if len(gains) > 1 else float("inf")
            gain = float(gains.mean()) if len(gains) else 0.0
            found.append({"power": power, "noise": noise, "gain": gain, "error": error if np.isfinite(error) else 1.0})
    return found


def _chosen(tried: list[dict[str, float]]) -> tuple[int, float]:
    """The best that is better than nothing by more than two standard errors; else the judged products alone."""
    best = max(tried, key=lambda one: one["gain"])
    if best["gain"] > 2 * best["error"]:
        return int(best["power"]), best["noise"]
    return 0, NOISES[0]


def _ordered_by_anchor(scores: np.ndarray, anchors: np.ndarray, bad: np.ndarray) -> dict[int, float]:
    """Anchor -> share of its (fitting, irrelevant) pairs in the right order, ties one half; anchors that have both."""
    found: dict[int, float] = {}
    order = np.argsort(anchors, kind="stable")
    edges = np.flatnonzero(np.diff(anchors[order])) + 1
    for group in np.split(order, edges):
        good, wrong = scores[group][~bad[group]], scores[group][bad[group]]
        if len(good) and len(wrong):
            apart = good[:, None] - wrong[None, :]
            found[int(anchors[group[0]])] = float((apart > 0).mean() + 0.5 * (apart == 0).mean())
    return found
