"""What pictures are learned by where no attribute serves: groups of products that read alike, or that the same shoppers like."""

from __future__ import annotations

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from engine.catalogue.interactions import read_interactions
from engine.catalogue.snapshot import Shop
from engine.core.errors import LongtailError
from engine.core.settings import Settings
from engine.core.vectors import unit_rows
from engine.core.workspace import Workspace
from engine.models.encoders import text
from engine.models.encoders.base import ContentEncoder
from engine.models.encoders.cache import encode_through_cache
from engine.models.encoders.picture_labels import MIN_PICTURES, Labels, labels_of
from engine.models.residual import residual_factors

__all__ = ["group_labels"]

PER_GROUP, MAX_GROUPS = 40, 32
RANK = 32
MIN_SHOPPERS = 3
"""A product with fewer says too little of who likes it."""


def group_labels(shown: pd.DataFrame, shop: Shop, workspace: Workspace, settings: Settings, seed: int) -> list[Labels]:
    """Groups of the products `shown`, all with a picture, by text and by behaviour, where the shop has them."""
    return _by_text(shown, shop, workspace, settings, seed) + _by_behaviour(shown, shop, workspace, settings, seed)


def _by_text(shown: pd.DataFrame, shop: Shop, workspace: Workspace, settings: Settings, seed: int) -> list[Labels]:
    encoder = text.fit_text_encoder(shop.items, shop.attribute_kinds, settings.text)
    if not isinstance(encoder, ContentEncoder):
        return []
    features = encode_through_cache(encoder, shown, workspace)
    return _grouped("similar texts", features.values, features.present, seed)


def _by_behaviour(shown: pd.DataFrame, shop: Shop, workspace: Workspace, settings: Settings, seed: int) -> list[Labels]:
    """Groups of the products that quality is never measured on: a picture must not know what was hidden of the others."""
    try:
        interactions = read_interactions(workspace, list(shop.items["item_id"]), settings.interactions)
        factors = residual_factors(interactions.user_items, RANK, seed)
    except LongtailError:  # no events, or too few
        return []
    counts = interactions.counts
    usable = (counts >= MIN_SHOPPERS) & (counts < settings.evaluation.min_interactions)
    rows = shop.items.index.get_indexer(shown.index)
    return _grouped("groups of shoppers", unit_rows(factors[rows]), usable[rows], seed)


def _grouped(name: str, vectors: np.ndarray, present: np.ndarray, seed: int) -> list[Labels]:
    """Products in groups by k-means; none where there are too few, or all are the same."""
    from sklearn.cluster import KMeans

    rows = np.flatnonzero(present)
    distinct = len(np.unique(vectors[rows], axis=0)) if len(rows) else 0
    groups = min(len(rows) // PER_GROUP, MAX_GROUPS, distinct)
    if len(rows) < MIN_PICTURES or groups < 2:
        return []
    with threadpool_limits(1):  # sums in another order give other groups
        found = KMeans(groups, n_init=1, random_state=seed).fit_predict(vectors[rows])
    cells: list[object] = [None] * len(vectors)
    for row, group in zip(rows, found, strict=True):
        cells[row] = str(group + 1)
    labels = labels_of(name, cells)
    return [labels] if len(labels.classes) >= 2 else []
