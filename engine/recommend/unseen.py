"""Neighbours of a product that nobody has seen: its content is read, its behaviour predicted, the release searched.

The encoders and the network are those that the release was trained with; they are loaded when first asked for, torch
with them, and kept while the release is served.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from engine.arms.fusion import arm_vectors
from engine.arms.hybrid_files import SavedHybrid, load_hybrid
from engine.core.workspace import Workspace
from engine.models.encoders import Encoder, content_vectors, load_encoders
from engine.models.smoother import Rows
from engine.recommend.product_description import described_frame
from engine.recommend.recommender import Neighbour, Recommender

if TYPE_CHECKING:
    from engine.models.predictor import TrainedPredictor

__all__ = ["Reading", "UnseenVectors", "neighbours_of_unseen", "read_described", "vectors_of_unseen"]

_RELEASES_KEPT = 2  # the one that is served, and the one that is about to be

_lock = threading.Lock()
_models: OrderedDict[Path, tuple[dict[str, Encoder], TrainedPredictor, SavedHybrid | None]] = OrderedDict()


def neighbours_of_unseen(
    recommender: Recommender, workspace: Workspace, item: Mapping[str, Any], k: int = 10, arm: str = "hybrid"
) -> list[Neighbour]:
    """The k products of the release that a described product belongs with, best first.

    It is searched for as a product of the catalogue with no interactions would be. Empty where the arm has nothing to go
    by: `als` always, the others when the release reads nothing of what was described.

    Parameters
    ----------
    item : any of `title`, `description`, `brand`, `category` (text), `price` (a number), `image` (the content hash of a
        stored picture) and `attributes` (name -> text, number, or list of texts). What is None or blank is unknown.

    Raises `InputError` naming the field that makes no sense, or when nothing is described; `ImageError` when the
    picture cannot be read; `ReleaseError` when the release's networks cannot be loaded.
    """
    search = recommender.arm(arm)
    vectors = vectors_of_unseen(recommender, workspace, [item], arm)
    return recommender.found(*search.of_vector(vectors.query[0], k)) if vectors.present[0] else []


@dataclass(frozen=True)
class UnseenVectors:
    """What n described products ask an arm's index.

    Attributes
    ----------
    query : (n, d) float32. `present` : (n,) bool, whether the release reads anything of the product.
    smoothed : (n, rank) float32, the hybrid's smoothed vectors before they were brought to length 1; None for other arms
        and for releases from before there was a smoother.
    """

    query: np.ndarray
    present: np.ndarray
    smoothed: np.ndarray | None


@dataclass(frozen=True)
class Reading:
    """What a release reads of n described products.

    Attributes
    ----------
    present : (n,) bool, whether it reads anything. predicted : (n, f), content : (n, d) float32.
    hybrid : the smoother, None in releases from before there was one. views : what it compares by.
    """

    present: np.ndarray
    predicted: np.ndarray
    content: np.ndarray
    views: dict[str, Rows]
    hybrid: SavedHybrid | None

    def __getitem__(self, some: slice) -> Reading:
        """The same of some of the products."""
        views = {name: rows[some] for name, rows in self.views.items()}
        return Reading(self.present[some], self.predicted[some], self.content[some], views, self.hybrid)


def read_described(recommender: Recommender, workspace: Workspace, items: Sequence[Mapping[str, Any]]) -> Reading:
    """Read several described products together; parameters and errors as for `neighbours_of_unseen`."""
    kinds = recommender.manifest.extra.get("shop", {}).get("attributes", {})
    frame = pd.concat([described_frame(item, kinds, workspace) for item in items], ignore_index=True)
    encoders, predictor, hybrid = _load(recommender.directory)
    features = {modality: encoder.encode(frame, workspace) for modality, encoder in encoders.items()}
    present = np.asarray(np.any([block.present for block in features.values()], axis=0), dtype=bool)
    predicted = predictor.predict(features)
    views = {} if hybrid is None else hybrid.views(frame, features, predicted)
    return Reading(present, predicted, content_vectors(features), views, hybrid)


def vectors_of_unseen(
    recommender: Recommender, workspace: Workspace, items: Sequence[Mapping[str, Any]], arm: str = "hybrid"
) -> UnseenVectors:
    """The vectors of several described products, read together; parameters and errors as for `neighbours_of_unseen`."""
    reading = read_described(recommender, workspace, items)
    counts = np.zeros(len(items), dtype=np.int64)
    known_above = recommender.plan.known_above
    arms = arm_vectors(np.zeros_like(reading.predicted), reading.predicted, reading.content, counts, known_above)
    if arm != "hybrid" or reading.hybrid is None:
        return UnseenVectors(arms[arm].query, reading.present, None)
    smoothed = reading.hybrid.smoothed(reading.views)
    query = reading.hybrid.queries(smoothed, reading.views, {name: other.query for name, other in arms.items()})
    return UnseenVectors(query, reading.present, smoothed)


def _load(directory: Path) -> tuple[dict[str, Encoder], TrainedPredictor, SavedHybrid | None]:
    """Encoders, network and smoother of a release, from memory where they were loaded before."""
    from engine.models.predictor import load_predictor  # behind torch, which opening a page must not import

    with _lock:
        if directory not in _models:
            _models[directory] = (
                load_encoders(directory / "encoders"),
                load_predictor(directory / "predictor"),
                load_hybrid(directory),
            )
            while len(_models) > _RELEASES_KEPT:
                _models.popitem(last=False)
        _models.move_to_end(directory)
        return _models[directory]
