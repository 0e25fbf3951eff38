"""Hidden neighbourhoods: what thinning cannot see.

A thinned target is one product without a history among busy look-alikes. In a real shop most such products live in quiet
corners, where nearly all look-alikes sell slowly too. So whole neighbourhoods of the content lose their interactions here,
all but those of their bestseller. What their shoppers did, with anything and with one another, is the truth.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from engine.arms.geometry import has_direction
from engine.core.errors import TrainingError
from engine.core.settings import EvaluationSettings
from engine.core.vectors import unit_rows
from engine.evaluation.metrics import surprise_relevance
from engine.evaluation.targets import Targets
from engine.evaluation.thinning import only

__all__ = ["KEPT", "Niches", "draw_niches", "neighbourhoods"]

KEPT = (0, 1, 2, 3)
"""How many interactions a product of a hidden neighbourhood may keep."""

SIZE = 30
"""Products in a neighbourhood, on average."""
LEAST_TARGETS = 3
"""A neighbourhood with fewer well-known products has nothing to tell."""
MOST_HIDDEN = 0.12
"""Share of all interactions that may be hidden."""
MOST_COLUMNS = 64
ROUNDS = 10
MOST_GROUPS = 1000
AT_ONCE = 16_384


@dataclass(frozen=True)
class Niches:
    """Neighbourhoods hidden, and the truth about their well-known products.

    Attributes
    ----------
    train : (n_users, n_items), what models may see.
    targets : products of hidden neighbourhoods that were well known; gains are what was hidden of them.
    reported : (n_targets,) bool: the neighbourhoods, about half of them, that no choice may look at.
    """

    train: sparse.csr_matrix
    targets: Targets
    reported: np.ndarray

    @property
    def validation(self) -> Targets:
        """What choices are made on."""
        return self.targets[np.flatnonzero(~self.reported)]

    @property
    def counts(self) -> np.ndarray:
        """(n_items,) int64, interactions that are left."""
        return np.bincount(self.train.indices, minlength=self.train.shape[1])


def draw_niches(user_items: sparse.csr_matrix, content: np.ndarray, settings: EvaluationSettings, seed: int) -> Niches:
    """The same for the same data, settings and seed.

    Parameters
    ----------
    user_items : (n_users, n_items) interactions, one entry per distinct pair.
    content : (n_items, d) float32, what products are alike by.

    Raises `TrainingError` where no neighbourhood has three well-known products besides its bestseller.
    """
    rng = np.random.default_rng([seed, 5])
    items = sparse.csc_matrix(user_items)
    counts = np.diff(items.indptr)
    neighbourhood = neighbourhoods(content, int(np.clip(len(content) // SIZE, 2, MOST_GROUPS)), rng)
    hidden, wanted = _hidden(neighbourhood, counts, settings, rng)
    if not len(wanted):
        raise TrainingError(
            "No group of similar products has enough well-known ones to tell how products in quiet corners are served."
        )
    keep = np.ones(items.nnz, dtype=bool)
    for place, row in enumerate(hidden):
        entries = rng.permutation(np.arange(items.indptr[row], items.indptr[row + 1]))
        keep[entries[KEPT[place % len(KEPT)] :]] = False
    train, taken = (only(items, chosen) for chosen in (keep, ~keep))
    gains = surprise_relevance(taken, sparse.csr_matrix(items), wanted)
    places = rng.permutation(np.unique(neighbourhood[wanted]))
    reported = np.isin(neighbourhood[wanted], places[: (len(places) + 1) // 2])
    return Niches(train, Targets(wanted, gains, np.ones(items.shape[1], dtype=bool)), reported)


def neighbourhoods(content: np.ndarray, n_groups: int, rng: np.random.Generator) -> np.ndarray:
    """(n_items,) int, groups of items alike by content: spherical k-means, in a few random directions where it is wide.

    Parameters
    ----------
    content : (n_items, d) float32. n_groups : at most `n_items`; some may stay empty.
    """
    units = unit_rows(content)
    if units.shape[1] > MOST_COLUMNS:
        units = unit_rows(units @ rng.standard_normal((units.shape[1], MOST_COLUMNS)).astype(np.float32))
    centres = units[rng.choice(len(units), n_groups, replace=False)]
    group = np.zeros(len(units), dtype=np.int64)
    for _ in range(ROUNDS):
        for start in range(0, len(units), AT_ONCE):
            some = slice(start, start + AT_ONCE)
            group[some] = np.argmax(units[some] @ centres.T, axis=1)
        members = sparse.csr_matrix((np.ones(len(units), np.float32), (group, np.arange(len(units)))))
        sums = np.zeros_like(centres)
        sums[: members.shape[0]] = members @ units
        centres = np.where(has_direction(sums)[:, None], unit_rows(sums), centres)
    return group


def _hidden(
    neighbourhood: np.ndarray, counts: np.ndarray, settings: EvaluationSettings, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Rows that lose their interactions, in random order, and those of them that were well known, sorted."""
    hidden, wanted, left = [np.zeros(0, dtype=np.int64)], [np.zeros(0, dtype=np.int64)], MOST_HIDDEN * counts.sum()
    n_targets = 0
    for place in rng.permutation(neighbourhood.max() + 1):
        members = np.flatnonzero((neighbourhood == place) & (counts > 0))
        others = np.setdiff1d(members, members[[np.argmax(counts[members])]]) if len(members) else members
        known = others[counts[others] >= settings.min_interactions]
        if len(known) < LEAST_TARGETS or counts[others].sum() > left:
            continue
        hidden.append(rng.permutation(others))
        wanted.append(known)
        left -= counts[others].sum()
        n_targets += len(known)
        if n_targets >= settings.max_targets:
            break
    return np.concatenate(hidden), np.sort(np.concatenate(wanted))
