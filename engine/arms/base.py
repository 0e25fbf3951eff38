"""What an arm is: a way to say which products are similar, declared once and used everywhere.

An arm gives vectors to the whole catalogue when a release is trained, and later to products the release was not trained on:
those nobody has seen, and those that people changed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from engine.arms.candidate_mix import CandidateMix
from engine.arms.geometry import ArmVectors
from engine.arms.hybrid_files import SavedHybrid
from engine.arms.hybrid_fit import Hybrid
from engine.models.kernel import Rows

__all__ = ["Arm", "FittedModels", "KnownProducts", "Reading", "Sides"]


@dataclass(frozen=True)
class FittedModels:
    """What arms are made of; n_items rows each.

    Attributes
    ----------
    counts : (n_items,) int64, interactions.
    behaviour : (n_items, g) float32, the ALS factors that are compared; zero rows without interactions.
    learned_from : (n_items, f) float32, the ALS factors that the network learned from.
    predicted : (n_items, f) float32, what it predicts of them.
    content : (n_items, d) float32, zero rows where an item has no content.
    mix : how candidates of the Predicted arm are made of both.
    hybrid : None as long as it is not fitted; arms that need it are left out then.
    """

    counts: np.ndarray
    behaviour: np.ndarray
    learned_from: np.ndarray
    predicted: np.ndarray
    content: np.ndarray
    mix: CandidateMix
    hybrid: Hybrid | None = None


@dataclass(frozen=True)
class Reading:
    """What a release reads of n described products.

    Attributes
    ----------
    present : (n,) bool, whether it reads anything. predicted : (n, f), content : (n, d) float32.
    views : what the hybrid's smoother compares by.
    """

    present: np.ndarray
    predicted: np.ndarray
    content: np.ndarray
    views: dict[str, Rows]
    hybrid: SavedHybrid

    def __getitem__(self, some: slice) -> Reading:
        """The same of some of the products."""
        views = {name: rows[some] for name, rows in self.views.items()}
        return Reading(self.present[some], self.predicted[some], self.content[some], views, self.hybrid)


@dataclass(frozen=True)
class KnownProducts:
    """What a release knows of n products of its catalogue that are described anew.

    Attributes
    ----------
    rows : (n,) int64, in the catalogue. counts : (n,) int64, their interactions.
    before : what the release read of them.
    profiles : (n, rank) float32, directions of their residual behaviour.
    stored : arm -> their vectors as the release has them, n rows each.
    """

    rows: np.ndarray
    counts: np.ndarray
    before: Reading
    profiles: np.ndarray
    stored: Mapping[str, Sides]


@dataclass(frozen=True)
class Sides:
    """What n products search an arm with and are found by, (n, d) float32 each; zero rows where the arm knows nothing."""

    query: np.ndarray
    candidates: np.ndarray


class Arm(Protocol):
    """One arm. To add one, write a module with such an object and name it in `engine.arms.registry`.

    Attributes
    ----------
    name : in code and files. title, help : on screen. colour, dark_colour : in charts, as #rrggbb.
    is_channel : whether its cosine may be added to the hybrid's, with a weight for each range of counts.
    """

    @property
    def name(self) -> str: ...

    @property
    def title(self) -> str: ...

    @property
    def help(self) -> str: ...

    @property
    def colour(self) -> str: ...

    @property
    def dark_colour(self) -> str: ...

    @property
    def is_channel(self) -> bool: ...

    def vectors(self, fitted: FittedModels, others: Mapping[str, ArmVectors]) -> ArmVectors | None:
        """The vectors of the whole catalogue; None where a model it needs is not fitted yet.

        `others` are the arms that come before it in the registry.
        """
        ...

    def sides(
        self,
        reading: Reading,
        known: KnownProducts | None,
        facts: Mapping[str, float],
        others: Mapping[str, Sides],
    ) -> Sides:
        """The vectors of products that the release was not trained on as they are described.

        Parameters
        ----------
        known : None where nobody has seen the products, so that they have no interactions.
        facts : those of the `ArmVectors` that the release was written with.
        others : the arms that come before it in the registry.
        """
        ...
