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

from engine.arms.base import Reading, Sides
from engine.arms.hybrid_files import SavedHybrid, load_hybrid
from engine.arms.registry import sides_of
from engine.core.workspace import Workspace
from engine.models.encoders import Encoder, content_vectors, load_encoders
from engine.recommend.product_description import described_frame
from engine.recommend.recommender import Neighbour, Recommender

if TYPE_CHECKING:
    from engine.models.predictor import TrainedPredictor

__all__ = ["UnseenVectors", "neighbours_of_unseen", "read_products", "vectors_of_unseen"]

_RELEASES_KEPT = 2  # the one that is served, and the one that is about to be

_lock = threading.Lock()
_models: OrderedDict[Path, tuple[dict[str, Encoder], TrainedPredictor, SavedHybrid]] = OrderedDict()


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
    vectors = vectors_of_unseen(recommender, workspace, [item])
    return recommender.found(*search.of_vector(vectors.sides[arm].query[0], k)) if vectors.present[0] else []


@dataclass(frozen=True)
class UnseenVectors:
    """What a release makes of n products that nobody has seen.

    Attributes
    ----------
    present : (n,) bool, whether the release reads anything of the product.
    sides : arm -> what they search it with and are found by.
    """

    present: np.ndarray
    sides: Mapping[str, Sides]


def read_products(recommender: Recommender, workspace: Workspace, items: Sequence[Mapping[str, Any]]) -> Reading:
    """Read several described products together; parameters and errors as for `neighbours_of_unseen`."""
    frame = pd.concat(
        [described_frame(item, recommender.attribute_kinds, workspace) for item in items], ignore_index=True
    )
    encoders, predictor, hybrid = _load(recommender.directory)
    features = {modality: encoder.encode(frame, workspace) for modality, encoder in encoders.items()}
    present = np.asarray(np.any([block.present for block in features.values()], axis=0), dtype=bool)
    predicted = predictor.predict(features)
    views = hybrid.views(frame, features, predicted)
    return Reading(present, predicted, content_vectors(features), views, hybrid)


def vectors_of_unseen(
    recommender: Recommender, workspace: Workspace, items: Sequence[Mapping[str, Any]]
) -> UnseenVectors:
    """The vectors of several described products, read together; parameters and errors as for `neighbours_of_unseen`."""
    reading = read_products(recommender, workspace, items)
    return UnseenVectors(reading.present, sides_of(reading, recommender.arm_facts))


def _load(directory: Path) -> tuple[dict[str, Encoder], TrainedPredictor, SavedHybrid]:
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
