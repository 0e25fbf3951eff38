"""Whether a machine has the memory and the disk that a training takes, asked before it starts.

What is counted are the arrays that a stage certainly holds at once, so whoever is refused would have been killed. Sizes are those of float32 numbers.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass

from engine.core.errors import TrainingError
from engine.core.large_arrays import LARGE
from engine.core.memory import free_memory
from engine.core.settings import Settings
from engine.core.workspace import Workspace
from engine.models.recipe import max_rank
from engine.training.data import TrainingData

__all__ = ["Need", "check_room", "needs"]

NUMBER, GB = 4, 1e9
BASES = 3 + 1
"""A Krylov space of thrice the directions, and what comes of it (`engine.models.residual`)."""
TABLES = 5
"""Of a product's directions, beside one another: factors, queries, candidates, profiles, and what serves shoppers."""
IN_FILES = 3
"""Tables of content and directions that lie in files at once while lists are made, besides those of content that lie there already."""


@dataclass(frozen=True)
class Need:
    """Bytes that a stage holds at once at least, and what to set where that is too much."""

    stage: str
    memory: float
    advice: str


def needs(n_items: int, n_users: int, n_pairs: int, n_observed: int, settings: Settings) -> Iterator[Need]:
    """Of every stage that may take much."""
    factors, rank, smoother = settings.als.factors, max_rank(n_items), settings.smoother
    yield Need(
        "Learning behaviour",
        NUMBER * ((n_items + n_users) * factors + 4 * n_pairs),
        f"Lower als.factors (now {factors}).",
    )
    yield Need(
        "Finding what shoppers have in common", NUMBER * BASES * rank * n_items, "Use a machine with more memory."
    )
    if n_observed <= smoother.exact:
        system, advice = (
            n_observed**2,
            f"Lower smoother.exact (now {smoother.exact:,}), so that landmarks stand for all.",
        )
    else:
        system, advice = 4 * smoother.landmarks**2, f"Lower smoother.landmarks (now {smoother.landmarks:,})."
    yield Need("Carrying behaviour over to look-alikes", NUMBER * (system + TABLES * rank * n_items), advice)


def check_room(data: TrainingData, workspace: Workspace, settings: Settings) -> None:
    """Raises `TrainingError` naming the stage for which memory or disk do not suffice, and what to set."""
    interactions = data.interactions
    n_users, n_items = interactions.user_items.shape
    memory = free_memory()
    observed = int((interactions.counts > 0).sum())
    worst = max(needs(n_items, n_users, interactions.user_items.nnz, observed, settings), key=lambda one: one.memory)
    if worst.memory > memory:
        raise TrainingError(
            f"{worst.stage} needs about {worst.memory / GB:,.1f} GB of memory, and {memory / GB:,.1f} GB are free. {worst.advice}"
        )
    width = data.content.vectors.shape[1]
    disk = release_bytes(n_items, n_users, width, settings) + large_bytes(n_items, width)
    workspace.root.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(workspace.root).free
    if disk > free:
        raise TrainingError(
            f"The training and its release need about {disk / GB:,.1f} GB of disk, and {free / GB:,.1f} GB are free in {workspace.root}. "
            "Remove releases that nobody goes back to, or make room."
        )


def large_bytes(n_items: int, width: int) -> float:
    """Of the tables that lie in files while a shop is trained (`engine.core.large_arrays`): views, units, and both sides of arms."""
    table = NUMBER * n_items * (width + max_rank(n_items))
    return float(IN_FILES * table if table >= LARGE else 0)


def release_bytes(n_items: int, n_users: int, width: int, settings: Settings) -> float:
    """What a release has on disk at least: factors, and vectors of every arm."""
    rank = max_rank(n_items)
    beside = 2 * width if NUMBER * n_items * width < LARGE else 0  # on both sides of the hybrid (`engine.arms.hybrid`)
    hybrid = beside + 4 * rank
    return float(NUMBER * (n_users * settings.als.factors + n_items * (3 * settings.als.factors + width + hybrid)))
