"""Neighbours of a product that nobody has seen: its content is read, its behaviour predicted, the release searched.

The encoders and the network are those that the release was trained with. They are loaded, and torch with them, when a
product is first read, and stay in memory while the release is served.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from engine.arms.base import Reading, Sides
from engine.arms.hybrid_files import FOLDER, SavedHybrid, load_hybrid
from engine.arms.registry import sides_of
from engine.catalogue.product import Product, catalogue_frame
from engine.core.workspace import Workspace
from engine.models.encoders import ContentEncoder, Encoder, Imputer, content_vectors, load_encoders, load_imputer
from engine.models.encoders.recent import RecentContents
from engine.recommend.neighbour import Neighbour
from engine.recommend.recommender import Recommender
from engine.release.files import ReleaseFiles, making_sense_of

if TYPE_CHECKING:
    from engine.models.predictor import TrainedPredictor

__all__ = ["UnseenVectors", "nearest", "neighbours_of_unseen", "read_products", "vectors_of_unseen"]

_RELEASES_IN_MEMORY = 2  # the one that is served, and the one that is about to be

_lock = threading.Lock()
_models: OrderedDict[tuple[Path, str], _Models] = OrderedDict()


def neighbours_of_unseen(
    recommender: Recommender, workspace: Workspace, product: Product, k: int = 10, arm: str = "hybrid"
) -> list[Neighbour]:
    """The k products of the release that a new product belongs with, best first.

    The release is searched as for a product of the catalogue without interactions. Empty where the arm knows nothing:
    `als` always, the others where the release reads nothing of the product.

    Raises `InputError` naming the field that makes no sense, or where nothing is known of the product; `ImageError` where
    its picture cannot be read; `ReleaseError` where the release's networks cannot be loaded.
    """
    recommender.arm(arm)  # an unknown arm is refused before any network is loaded
    return nearest(recommender, vectors_of_unseen(recommender, workspace, [product]), k, arm)


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


def nearest(
    recommender: Recommender, vectors: UnseenVectors, k: int = 10, arm: str = "hybrid", position: int = 0
) -> list[Neighbour]:
    """The k products of the release nearest to one of these, best first; empty where the arm knows nothing of it."""
    if not vectors.present[position]:
        return []
    return recommender.found(*recommender.arm(arm).of_vector(vectors.sides[arm].query[position], k))


def vectors_of_unseen(recommender: Recommender, workspace: Workspace, products: Sequence[Product]) -> UnseenVectors:
    """The vectors of several products, read together; errors as for `neighbours_of_unseen`."""
    reading = read_products(recommender, workspace, products)
    return UnseenVectors(reading.present, sides_of(reading, recommender.arm_facts))


def read_products(recommender: Recommender, workspace: Workspace, products: Sequence[Product]) -> Reading:
    """Read several products together; errors as for `neighbours_of_unseen`."""
    frame = catalogue_frame(products, recommender.attribute_kinds, workspace)
    models = _load(recommender.files)
    encoded = {modality: encoder.encode(frame, workspace) for modality, encoder in models.encoders.items()}
    features = models.imputer.complete(encoded)
    present = np.asarray(np.any([block.present for block in features.values()], axis=0), dtype=bool)
    predicted = models.predictor.predict(features)
    views = models.hybrid.views(frame, features, predicted)
    return Reading(present, predicted, content_vectors(features), views, models.hybrid)


@dataclass(frozen=True)
class _Models:
    """What reads products for one release; encoders by modality."""

    encoders: Mapping[str, Encoder | RecentContents]
    imputer: Imputer
    predictor: TrainedPredictor
    hybrid: SavedHybrid


def _load(files: ReleaseFiles) -> _Models:
    """The models of a release, from memory where they were loaded before."""
    from engine.models.predictor import load_predictor  # behind torch, which opening a page must not import

    key = (files.directory, files.manifest.digest)
    with _lock:
        if key not in _models:
            with files.folder("encoders", "predictor", FOLDER) as folder, making_sense_of("A network of the release"):
                encoders = {
                    modality: RecentContents(encoder) if isinstance(encoder, ContentEncoder) else encoder
                    for modality, encoder in load_encoders(folder / "encoders").items()
                }
                imputer = load_imputer(folder / "encoders")
                _models[key] = _Models(encoders, imputer, load_predictor(folder / "predictor"), load_hybrid(folder))
            while len(_models) > _RELEASES_IN_MEMORY:
                _models.popitem(last=False)
        _models.move_to_end(key)
        return _models[key]
