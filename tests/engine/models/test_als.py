"""The behaviour model against matrices whose answer is known by construction."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from scipy.sparse import csr_matrix
from threadpoolctl import threadpool_limits

from engine.core.errors import TrainingError
from engine.core.settings import AlsSettings, Settings
from engine.models.als import fit_als, settings_for_prediction

SETTINGS = AlsSettings(factors=4, iterations=12)  # as many factors as there are blocks
BLOCKS, USERS_PER_BLOCK, ITEMS_PER_BLOCK = 4, 15, 6


@pytest.fixture
def blocks() -> csr_matrix:
    """Shoppers of block b like most items of block b and nothing else; one shopper and one item with nothing come last."""
    rng = np.random.default_rng(3)
    likes = np.kron(np.eye(BLOCKS), np.ones((USERS_PER_BLOCK, ITEMS_PER_BLOCK)))
    likes = likes * (rng.random(likes.shape) < 0.8)
    return csr_matrix(np.pad(likes, ((0, 1), (0, 1))), dtype=np.float32)


def cosines(vectors: np.ndarray) -> np.ndarray:
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return unit @ unit.T


def test_items_of_one_block_are_each_others_nearest(blocks: csr_matrix) -> None:
    factors = fit_als(blocks, SETTINGS, seed=0)
    similarity = cosines(factors.item_factors[:-1])
    same_block = np.kron(np.eye(BLOCKS), np.ones((ITEMS_PER_BLOCK, ITEMS_PER_BLOCK))).astype(bool)
    assert similarity[same_block].min() > similarity[~same_block].max() + 0.3


def test_shoppers_are_offered_the_items_of_their_own_block(blocks: csr_matrix) -> None:
    factors = fit_als(blocks, SETTINGS, seed=0)
    scores = factors.user_factors[:-1] @ factors.item_factors[:-1].T
    best = np.sort(np.argsort(-scores, axis=1)[:, :ITEMS_PER_BLOCK], axis=1)
    own = np.repeat(np.arange(BLOCKS), USERS_PER_BLOCK)[:, None] * ITEMS_PER_BLOCK + np.arange(ITEMS_PER_BLOCK)
    assert (best == own).all()


def test_no_interactions_give_zero_rows_and_only_those(blocks: csr_matrix) -> None:
    factors = fit_als(blocks, SETTINGS, seed=0)
    assert factors.user_factors.shape == (BLOCKS * USERS_PER_BLOCK + 1, 4)
    assert factors.item_factors.shape == (BLOCKS * ITEMS_PER_BLOCK + 1, 4)
    assert factors.item_factors.dtype == factors.user_factors.dtype == np.float32
    assert np.flatnonzero(~factors.item_factors.any(axis=1)).tolist() == [BLOCKS * ITEMS_PER_BLOCK]
    assert np.flatnonzero(~factors.user_factors.any(axis=1)).tolist() == [BLOCKS * USERS_PER_BLOCK]


def test_losses_are_those_of_the_objective_and_fall(blocks: csr_matrix) -> None:
    heard: list[tuple[int, float]] = []
    factors = fit_als(blocks, SETTINGS, seed=0, on_iteration=lambda done, loss: heard.append((done, loss)))
    assert heard == list(enumerate(factors.losses, start=1))
    assert len(factors.losses) == SETTINGS.iterations
    assert factors.losses[-1] < factors.losses[0]
    # Hu, Koren and Volinsky's objective, written out densely; implicit divides it by the sum of the confidences.
    dense = blocks.toarray().astype(np.float64)
    confidence = 1 + SETTINGS.alpha * dense
    users, items = factors.user_factors.astype(np.float64), factors.item_factors.astype(np.float64)
    error = (confidence * ((dense > 0) - users @ items.T) ** 2).sum()
    penalty = SETTINGS.regularization * ((users**2).sum() + (items**2).sum())
    assert factors.losses[-1] == pytest.approx((error + penalty) / confidence.sum(), rel=1e-4)


def test_heavier_weights_are_fitted_more_closely() -> None:
    # Two shoppers, one item each, and a shared third item: the heavier pair ends nearer to a score of 1.
    matrix = csr_matrix(np.array([[9.0, 0, 1], [0, 1.0, 1]], dtype=np.float32))
    factors = fit_als(matrix, AlsSettings(factors=2, alpha=1.0, regularization=0.5, iterations=30), seed=0)
    scores = factors.user_factors @ factors.item_factors.T
    assert scores[0, 0] > scores[1, 1] + 0.02


def test_the_same_seed_gives_the_same_bits_whatever_the_threads(blocks: csr_matrix) -> None:
    first = fit_als(blocks, SETTINGS, seed=5)
    with threadpool_limits(1):
        second = fit_als(blocks, SETTINGS, seed=5)
    assert np.array_equal(first.item_factors, second.item_factors)
    assert np.array_equal(first.user_factors, second.user_factors)
    assert first.losses == second.losses
    assert not np.array_equal(first.item_factors, fit_als(blocks, SETTINGS, seed=6).item_factors)


def test_an_index_out_of_range_is_refused_before_it_can_crash(blocks: csr_matrix) -> None:
    blocks.indices[-1] = 10_000
    with pytest.raises(TrainingError, match="damaged"):
        fit_als(blocks, SETTINGS, seed=0)


@pytest.mark.parametrize("weight", [np.nan, np.inf, -1.0, 0.0])
def test_a_weight_that_is_not_positive_is_refused(blocks: csr_matrix, weight: float) -> None:
    blocks.data[3] = weight
    with pytest.raises(TrainingError, match="positive number"):
        fit_als(blocks, SETTINGS, seed=0)


def test_a_pair_held_twice_is_refused() -> None:
    twice = csr_matrix((np.ones(2, np.float32), np.array([1, 1]), np.array([0, 2])), shape=(1, 3))
    with pytest.raises(TrainingError, match="twice"):
        fit_als(twice, SETTINGS, seed=0)


def test_no_interactions_at_all_are_refused() -> None:
    with pytest.raises(TrainingError, match="no interactions"):
        fit_als(csr_matrix((3, 4), dtype=np.float32), SETTINGS, seed=0)


def test_sixty_four_bit_indices_are_understood(blocks: csr_matrix) -> None:
    wide = blocks.copy()
    wide.indices, wide.indptr = wide.indices.astype(np.int64), wide.indptr.astype(np.int64)
    assert np.array_equal(fit_als(wide, SETTINGS, seed=0).item_factors, fit_als(blocks, SETTINGS, seed=0).item_factors)


def test_importing_the_behaviour_model_imports_no_torch() -> None:
    program = "import sys, engine.models.als, engine.models.encoders; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_the_predictor_learns_from_more_factors_where_the_regularisation_was_chosen_and_time_allows() -> None:
    settings, small = Settings(), csr_matrix((1000, 2000), dtype=np.float32)
    chosen = settings.als.model_copy(update={"regularization": 30.0})
    assert settings_for_prediction(chosen, settings, small.shape, small.nnz).factors == 256
    assert settings_for_prediction(chosen, settings, small.shape, small.nnz).regularization == 30.0
    assert settings_for_prediction(settings.als, settings, small.shape, small.nnz) == settings.als
    assert settings_for_prediction(chosen, settings, (900, 600), 0).factors == 128
    large = csr_matrix((300_000, 100_000), dtype=np.float32)
    assert settings_for_prediction(chosen, settings, large.shape, large.nnz).factors == 128
    huge = csr_matrix((30_000_000, 100_000), dtype=np.float32)
    assert settings_for_prediction(chosen, settings, huge.shape, huge.nnz).factors == settings.als.factors
    asked = Settings.model_validate({"predictor": {"factors": 40}})
    assert settings_for_prediction(chosen, asked, huge.shape, huge.nnz).factors == 40


def test_a_fit_that_learns_on_from_another_is_further_than_one_from_nothing(blocks: csr_matrix) -> None:
    heard: list[float] = []
    long = fit_als(blocks, SETTINGS, seed=0, on_iteration=lambda done, loss: heard.append(loss))
    short = SETTINGS.model_copy(update={"iterations": 1})
    on = fit_als(blocks, short, seed=1, on_iteration=lambda *_: None, start=long.item_factors)
    anew = fit_als(blocks, short, seed=1, on_iteration=lambda *_: None)
    assert on.losses[0] == pytest.approx(heard[-1], rel=0.02)
    assert anew.losses[0] > 1.1 * on.losses[0]


def test_losses_of_very_many_shoppers_are_those_of_some(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(4)
    many = csr_matrix(rng.random((3000, 40)) < 0.1, dtype=np.float32)
    exact = fit_als(many, SETTINGS, seed=0, on_iteration=lambda *_: None)
    monkeypatch.setattr("engine.models.als.LOSS_SHOPPERS", 999)  # every fourth
    sampled = fit_als(many, SETTINGS, seed=0, on_iteration=lambda *_: None)
    assert np.array_equal(exact.item_factors, sampled.item_factors)
    assert sampled.losses != exact.losses
    assert sampled.losses == pytest.approx(exact.losses, rel=0.03)


def test_nobody_listening_costs_no_losses_and_changes_no_factors(blocks: csr_matrix) -> None:
    heard = fit_als(blocks, SETTINGS, seed=0, on_iteration=lambda *_: None)
    silent = fit_als(blocks, SETTINGS, seed=0)
    assert silent.losses == []
    assert np.array_equal(heard.item_factors, silent.item_factors)
