"""Ten thousand products that nothing tells apart, and a shopper who has all of them, at every part that could mind."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from engine.core.settings import AlsSettings, PredictorSettings
from engine.models.als import fit_als
from engine.models.encoders import Features
from engine.models.item_model import ItemModel, item_weights
from engine.models.predictor import train_predictor
from engine.models.projection import project
from engine.models.residual import residual_factors
from engine.models.smoother import Kernel, fit_smoother
from engine.models.tfidf import fit_tfidf
from engine.release.ann import AnnIndex, build_index

N = 10_000


@pytest.fixture(scope="module")
def counts() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 6, N)


def test_words_of_the_same_text_are_the_same() -> None:
    items = pd.DataFrame({"item_id": [f"i{row}" for row in range(N)], "title": "The same dress"})
    words = fit_tfidf(items, {}).encode(items)
    assert words.shape == (N, 3)
    assert (words != sparse.vstack([words[0]] * N)).nnz == 0


def test_the_smoother_says_the_same_of_all_of_them(counts: np.ndarray) -> None:
    some, rng = 1500, np.random.default_rng(1)
    vectors = rng.standard_normal((some, 4)).astype(np.float32) * np.sqrt(counts[:some])[:, None].astype(np.float32)
    views = {"content": np.ones((some, 3), dtype=np.float32)}
    query = fit_smoother(vectors, counts[:some], views, Kernel({"content": 4.0}, {"content": 1.0}), noise=10.0)(views)
    assert np.isfinite(query).all()
    assert np.ptp(query, axis=0).max() < 1e-6
    weighted = (vectors * np.sqrt(counts[:some])[:, None]).sum(axis=0) / (counts[:some].sum() + 10.0)
    np.testing.assert_allclose(query[0], weighted, atol=1e-4)


def test_the_predictor_says_the_same_of_all_of_them(counts: np.ndarray) -> None:
    features = {"text": Features(np.full((N, 8), 0.3, dtype=np.float32), np.ones(N, dtype=bool))}
    factors = np.random.default_rng(2).standard_normal((N, 4)).astype(np.float32)
    settings = PredictorSettings(hidden=16, layers=1, max_steps=20)
    predicted = train_predictor(features, factors, counts, settings, 0).predict(features)
    assert np.isfinite(predicted).all()
    assert np.ptp(predicted, axis=0).max() < 1e-5


def test_an_index_of_equal_vectors_is_built_and_finds_as_many_as_are_wanted(tmp_path: Path) -> None:
    same = np.ones((N, 8), dtype=np.float32)
    info = build_index(same, tmp_path / "arm.ann", trees=3, seed=0)
    found, similarities = AnnIndex.open(tmp_path / "arm.ann", info).query(same[0], 10)
    assert len(set(found.tolist())) == 10
    np.testing.assert_allclose(similarities, 1.0, atol=1e-5)


def test_a_map_of_equal_vectors_is_one_point() -> None:
    assert not project(np.ones((N, 8), dtype=np.float32), 0).any()


def test_a_shopper_who_has_every_product_is_learned_from_with_the_others() -> None:
    rng = np.random.default_rng(3)
    others = sparse.csr_matrix(
        (np.ones(400, np.float32), (rng.integers(0, 40, 400), rng.integers(0, 60, 400))), (40, N)
    )
    others.data[:] = 1.0
    user_items = sparse.csr_matrix(sparse.vstack([np.ones((1, N), dtype=np.float32), others]))
    factors = fit_als(user_items, AlsSettings(factors=4, iterations=2), 0)
    residual = residual_factors(user_items, 4, 0)
    assert np.isfinite(factors.item_factors).all()
    assert np.isfinite(residual).all()
    busy, quiet = np.linalg.norm(residual[:60], axis=1), np.linalg.norm(residual[60:], axis=1)
    assert busy.mean() > 10 * quiet.mean()  # what the giant alone has in common is no surprise


def test_the_item_model_of_equal_products_with_clicks_on_thirteen_is_finite() -> None:
    some = 600
    has = np.zeros((80, some), dtype=np.float32)
    has[np.arange(80), np.arange(80) % 13] = has[np.arange(80), (np.arange(80) + 1) % 13] = 1.0
    words = sparse.csr_matrix(np.ones((some, 1), dtype=np.float32))
    model = (ItemModel(0.5, 0.25, 32),)
    (found,) = item_weights(sparse.csr_matrix(has), np.ones((some, 3), dtype=np.float32), words, model)
    assert np.isfinite(found.data).all()
    assert np.diff(found.tocsc().indptr).max() <= 40
