"""Posterior variance, held against the formula on a catalogue small enough for it."""

from __future__ import annotations

import numpy as np
import pytest
import scipy

from engine.core.vectors import unit_rows
from engine.models import smoother as smoothing
from engine.models import uncertainty
from engine.models.kernel import Kernel, unit
from engine.models.smoother import Capacity, Smoother, fit_smoother

KERNEL = Kernel({"content": 4.0}, {"content": 1.0})
NOISE = 5.0


@pytest.fixture(scope="module")
def shop() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    content = unit_rows(rng.normal(size=(150, 6)).astype(np.float32))
    counts = rng.integers(0, 20, 150)
    vectors = (rng.normal(size=(150, 4)) * np.sqrt(counts)[:, None]).astype(np.float32)
    return content, counts, vectors


def exact(content: np.ndarray, counts: np.ndarray) -> np.ndarray:
    gram = np.exp(4.0 * (content @ content.T - 1.0)).astype(float)
    observed = np.flatnonzero(counts)
    system = gram[np.ix_(observed, observed)] + np.diag(NOISE / counts[observed])
    return 1.0 - (gram[:, observed] * np.linalg.solve(system, gram[observed]).T).sum(axis=1)


def test_it_is_the_posterior_over_the_prior_variance(shop):
    content, counts, vectors = shop
    smoother = fit_smoother(vectors, counts, {"content": content}, KERNEL, noise=NOISE)
    _, unknown = smoother.posterior({"content": content})
    wanted = exact(content, counts)
    assert (unknown >= wanted - 1e-4).all()  # given the most telling observations alone, so never less
    assert np.abs(unknown - wanted).mean() < 0.03


def test_landmarks_that_are_all_products_give_nearly_the_same(shop):
    content, counts, vectors = shop
    few = fit_smoother(vectors, counts, {"content": content}, KERNEL, noise=NOISE, capacity=Capacity(100, 150))
    assert few.factor is not None
    _, unknown = few.posterior({"content": content})
    assert np.abs(unknown - exact(content, counts)).mean() < 0.05


@pytest.mark.parametrize("capacity", [Capacity(), Capacity(100, 100)])
def test_a_product_like_no_other_is_guesswork_and_a_bestseller_is_not(shop, capacity):
    content, counts, vectors = shop
    counts = counts.copy()
    counts[3] = 100_000
    smoother = fit_smoother(vectors, counts, {"content": content}, KERNEL, noise=NOISE, capacity=capacity)
    strange = np.zeros((2, 6), dtype=np.float32)
    strange[0] = -content[counts > 0].mean(axis=0)
    _, unknown = smoother.posterior({"content": np.vstack([strange, content[[3]]])})
    assert unknown[1] == pytest.approx(1.0)  # without any content
    assert unknown[0] > unknown[2]
    assert unknown[2] < 0.05 or capacity.exact == 100


@pytest.mark.parametrize("at_once", [16, 50, 256])
def test_blocks_give_what_whole_systems_give(at_once: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uncertainty, "COLUMNS_AT_ONCE", at_once)
    rng = np.random.default_rng(0)
    kernel = Kernel({"text": 3.0}, {"text": 1.0})
    landmarks, others = ({"text": unit(rng.normal(size=(n, 12)).astype(np.float32))} for n in (120, 40))
    own = kernel(landmarks, landmarks).astype(np.float64)
    factor = scipy.linalg.cholesky(own + np.diag(rng.uniform(0.1, 3.0, 120)), lower=True)
    cross, prior = kernel(others, landmarks), kernel.prior(others)

    own[np.diag_indices_from(own)] += uncertainty.JITTER
    represented, unknown = (
        np.square(np.linalg.solve(lower, cross.T.astype(np.float64))).sum(axis=0)
        for lower in (scipy.linalg.cholesky(own, lower=True), factor)
    )
    wanted = np.clip((prior - represented + unknown) / prior, 0.0, 1.0)
    found = uncertainty.among_landmarks(kernel, landmarks, factor)(cross, prior)
    assert found.dtype == np.float32
    assert 0.05 < wanted.mean() < 0.95
    np.testing.assert_allclose(found, wanted, atol=1e-4)
    monkeypatch.setattr(uncertainty, "COLUMNS_AT_ONCE", at_once)
    at_once_found = uncertainty.by_explained(uncertainty.explained_factor(kernel, landmarks, factor))(cross, prior)
    np.testing.assert_allclose(at_once_found, wanted, atol=1e-4)


def test_landmarks_that_explain_nothing_leave_all_unknown() -> None:
    rng = np.random.default_rng(0)
    kernel = Kernel({"text": 3.0}, {"text": 1.0})
    landmarks, others = ({"text": unit(rng.normal(size=(n, 12)).astype(np.float32))} for n in (60, 40))
    own = kernel(landmarks, landmarks).astype(np.float64)
    own[np.diag_indices_from(own)] += uncertainty.JITTER
    factor = scipy.linalg.cholesky(own, lower=True).astype(np.float32)  # fitted on next to nothing

    explains = uncertainty.explained_factor(kernel, landmarks, factor)
    found = uncertainty.by_explained(explains)(kernel(others, landmarks), kernel.prior(others))
    np.testing.assert_allclose(found, 1.0, atol=1e-3)


def test_very_many_items_get_the_variance_that_few_get(shop, monkeypatch: pytest.MonkeyPatch) -> None:
    content, _, _ = shop
    few, many = (_fitted(shop, every, monkeypatch) for every in (8, 2))
    assert few.explains is None
    assert many.explains is not None
    for found, wanted in zip(many.posterior({"content": content}), few.posterior({"content": content}), strict=True):
        np.testing.assert_allclose(found, wanted, atol=1e-4)


def _fitted(shop, many_to_one: int, monkeypatch: pytest.MonkeyPatch) -> Smoother:
    content, counts, vectors = shop
    monkeypatch.setattr(smoothing, "MANY_TO_ONE", many_to_one)
    return fit_smoother(vectors, counts, {"content": content}, KERNEL, noise=NOISE, capacity=Capacity(50, 50))
