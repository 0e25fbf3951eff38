"""What a training learns from: the shop as it is loaded, its interactions, and its products encoded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from engine.catalogue.interactions import Interactions, read_interactions
from engine.catalogue.snapshot import Shop, read_shop
from engine.cluster.interactions import read_interactions_on
from engine.cluster.session import cluster_in_use
from engine.core.progress import Progress
from engine.core.settings import Settings
from engine.core.workspace import Workspace
from engine.evaluation.fits import Content
from engine.models.encoders import Encoder, Imputer, content_vectors, encode_catalogue, fit_imputer, fit_modalities
from engine.models.tfidf import TfidfVectors, fit_tfidf

__all__ = ["TrainingData", "encode_products", "read_data"]

FILLING, READING_WORDS = "Filling in what products lack", "Reading words"


@dataclass(frozen=True)
class TrainingData:
    """A shop ready to learn from; `encoders` and `vocabulary` are what its `content` was encoded with.

    `left_out` says why, for each modality without an encoder; `imputer` stood in for what products lack.
    """

    shop: Shop
    interactions: Interactions
    encoders: Mapping[str, Encoder]
    vocabulary: TfidfVectors
    content: Content
    left_out: Mapping[str, str]
    imputer: Imputer


def read_data(workspace: Workspace, settings: Settings, progress: Progress) -> tuple[Shop, Interactions]:
    """The shop in use, and its interactions; raises `NoDataError` without a shop."""
    step = "Reading the shop"
    progress(step, 0.0)
    shop = read_shop(workspace)
    progress(step, 0.3, f"{len(shop.items):,} products")
    item_ids, cluster = list(shop.items["item_id"]), cluster_in_use()
    if cluster is None:
        interactions = read_interactions(workspace, item_ids, settings.interactions)
    else:
        interactions = read_interactions_on(cluster, workspace, item_ids, settings.interactions)
    progress(step, 1.0, f"{len(shop.items):,} products, {len(interactions.user_ids):,} shoppers")
    return shop, interactions


def encode_products(
    shop: Shop, interactions: Interactions, workspace: Workspace, settings: Settings, progress: Progress
) -> TrainingData:
    """The same with every product encoded, by encoders fitted on this catalogue."""
    encoders, left_out = fit_modalities(shop, workspace, settings, settings.seed, progress)
    encoded = encode_catalogue(encoders, shop.items, workspace, progress)
    progress(FILLING, 0.0)
    imputer = fit_imputer(encoded)
    features = imputer.complete(encoded)
    vectors = content_vectors(features)
    progress(FILLING, 1.0)
    progress(READING_WORDS, 0.0)
    vocabulary = fit_tfidf(shop.items, shop.attribute_kinds)
    progress(READING_WORDS, 0.5)
    content = Content(features, vectors, vocabulary.encode(shop.items))
    progress(READING_WORDS, 1.0, f"{len(vocabulary.words):,} different words")
    return TrainingData(shop, interactions, encoders, vocabulary, content, left_out, imputer)
