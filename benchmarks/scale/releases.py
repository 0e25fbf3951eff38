"""The releases that serving is measured on: those of `benchmarks.made_release`, made where they are not there yet."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from benchmarks.made_release import make_release
from engine.core.vectors import row_lengths
from engine.core.workspace import Workspace
from engine.release.arm_search import ArmSearch

__all__ = ["K", "p99_ms", "recall_of", "released", "tenth_best"]

T = TypeVar("T")
K = 10
_ROUNDS = 5
_TIED = 1e-5  # cosines in single precision


def released(folder: Path, products: int, seed: int) -> Workspace:
    """A workspace with a release of this size, without pictures."""
    workspace = Workspace(folder / f"release-{products}")
    if not (workspace.releases / "current").is_file():
        make_release(workspace, products, seed, pictures=False)
    return workspace


def tenth_best(
    search: ArmSearch, queries: NDArray[np.float32], own: NDArray[np.int64] | None = None
) -> NDArray[np.float64]:
    """(q,) the cosine of each query's tenth best of all candidates; `own` are rows to leave out."""
    lengths = row_lengths(search.candidates)[:, 0]
    lengths[lengths == 0] = np.inf
    found = []
    for place, query in enumerate(queries):
        scores = (search.candidates @ (query / np.linalg.norm(query))) / lengths
        if own is not None:
            scores[own[place]] = -1.0
        found.append(float(np.partition(scores, -K)[-K]))
    return np.array(found)


def recall_of(scores: list[NDArray[np.floating]], least: NDArray[np.float64]) -> float:
    """The share of the ten best that lists with these cosines hold; of equals any one counts."""
    shares = [min(int((one >= worst - _TIED).sum()), K) / K for one, worst in zip(scores, least, strict=True)]
    return round(float(np.mean(shares)), 4)


def p99_ms(deed: Callable[[T], object], asked: Sequence[T]) -> tuple[float, dict[str, Any]]:
    """The 99th percentile in ms on the clock, that of the quietest of a few rounds; with the median, and both of what the processor worked."""
    rounds = np.array([[_took(deed, one) for one in asked] for _ in range(_ROUNDS)]) * 1000
    clock, worked = rounds[:, :, 0], rounds[:, :, 1]
    best = int(np.quantile(clock, 0.99, axis=1).argmin())
    told = {
        "median_ms": np.median(clock[best]),
        "processor_median_ms": np.median(worked[best]),
        "processor_p99_ms": np.quantile(worked[best], 0.99),
    }
    return round(float(np.quantile(clock[best], 0.99)), 3), {name: round(float(one), 3) for name, one in told.items()}


def _took(deed: Callable[[T], object], one: T) -> tuple[float, float]:
    began, worked = time.perf_counter(), time.thread_time()
    deed(one)
    return time.perf_counter() - began, time.thread_time() - worked
