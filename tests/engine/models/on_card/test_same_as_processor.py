"""What a graphics card works out is what the processor does; where there is no card, torch on the processor stands for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from scipy import sparse

from engine.core.digests import digest_of
from engine.core.errors import SettingsError, TrainingError
from engine.core.graphics_card import graphics_card, with_graphics_card
from engine.core.settings import AlsSettings
from engine.core.vectors import unit_rows
from engine.core.workers import working_with
from engine.models.als import fit_als
from engine.models.devices import calculating, name_of_card, pick_device
from engine.models.kernel import Kernel
from engine.models.on_card import als, nearest, smoothing
from engine.models.residual import residual_factors
from engine.models.smoother import Capacity, fit_smoother
from engine.release.all_lists import Compared, best_lists

CARD = "cuda" if torch.cuda.is_available() else "cpu"


def both(work: Callable[[], Any]) -> tuple[Any, Any]:
    """By the processor, and on a card."""
    with with_graphics_card(CARD):
        on_card = work()
    return work(), on_card


@pytest.fixture
def interactions() -> sparse.csr_matrix:
    """Four groups of shoppers and products; one shopper and one product have nothing."""
    rng = np.random.default_rng(0)
    users, items = rng.integers(0, 299, 9_000), rng.integers(0, 119, 9_000)
    alike = (users % 4 == items % 4) | (rng.random(9_000) < 0.1)
    weights = rng.integers(1, 5, alike.sum()).astype(np.float32)
    pairs = sparse.csr_matrix((weights, (users[alike], items[alike])), shape=(300, 120))
    pairs.sum_duplicates()
    return pairs


@pytest.fixture
def views() -> dict[str, Any]:
    """A dense view and a sparse one of 700 products, some of which lack the one or the other."""
    rng = np.random.default_rng(1)
    group = np.arange(700) % 7
    content = (np.eye(7, dtype=np.float32)[group] + rng.normal(0, 0.3, (700, 7))).astype(np.float32)
    content[:20] = 0
    words = (rng.random((700, 60)) < 0.05) * rng.random((700, 60)) + np.repeat(np.eye(10)[group], 6, axis=1)
    words[10:40] = 0
    return {"content": content, "words": sparse.csr_matrix(words.astype(np.float32))}


@pytest.mark.parametrize("numbers", [als.NUMBERS, 4_000])
def test_als(interactions: sparse.csr_matrix, numbers: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(als, "NUMBERS", numbers)  # few, so that there are many blocks
    settings = AlsSettings(factors=16, iterations=6)
    told: list[float] = []
    host, card = both(lambda: fit_als(interactions, settings, 3, lambda _, loss: told.append(loss)))
    assert np.allclose(host.user_factors @ host.item_factors.T, card.user_factors @ card.item_factors.T, atol=5e-3)
    assert np.allclose(host.losses, card.losses, rtol=1e-4)
    assert len(told) == 12
    assert not card.item_factors[119].any()
    assert not card.user_factors[299].any()
    one = settings.model_copy(update={"iterations": 1})
    once, once_on_card = both(lambda: fit_als(interactions, one, 3, start=card.item_factors))
    assert np.allclose(once.item_factors, once_on_card.item_factors, atol=2e-5)


def test_a_row_that_is_solved_stays_as_it_is() -> None:
    pairs = sparse.csr_matrix(np.array([[2.0], [0.0]], np.float32))
    start = np.ones((2, 1), np.float32), np.ones((1, 1), np.float32)
    users, items = als.factorise_on_card(pairs, *start, 40, 0.1, 3, None, CARD)
    assert np.isfinite(users).all()
    assert np.isfinite(items).all()
    assert users[1, 0] == 0.0


def test_residual_factors(interactions: sparse.csr_matrix) -> None:
    host, card = both(lambda: residual_factors(interactions, 8, 0))
    assert np.allclose(host @ host.T, card @ card.T, atol=1e-3 * np.abs(host @ host.T).max())


@pytest.mark.parametrize("landmarks", [None, 150])
def test_the_smoother(views: dict[str, Any], landmarks: int | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(smoothing, "SIZE", 300)
    rng = np.random.default_rng(2)
    counts = np.where(np.arange(700) % 5 == 0, 0, rng.integers(1, 200, 700))
    vectors = (np.eye(7)[np.arange(700) % 7] * np.sqrt(counts)[:, None]).astype(np.float32)
    kernel = Kernel({"content": 4.0, "words": 0.0}, {"content": 2.0, "words": 1.0})
    capacity = Capacity() if landmarks is None else Capacity(100, landmarks)

    def fitted() -> tuple[np.ndarray, np.ndarray]:
        return fit_smoother(vectors, counts, views, kernel, capacity=capacity).posterior(views)

    (host, unknown), (card, unknown_on_card) = both(fitted)
    assert np.allclose(host, card, atol=2e-3)
    assert np.allclose(unknown, unknown_on_card, atol=2e-3)
    assert 0.05 < unknown.mean() < 0.95


def test_nothing_asks_nothing(views: dict[str, Any]) -> None:
    vectors = np.eye(7, dtype=np.float32)[np.arange(700) % 7]
    kernel = Kernel({"content": 4.0}, {"content": 1.0})
    smoother = fit_smoother(vectors, np.ones(700, int), views, kernel)
    (host, _), (card, shares) = both(lambda: smoother.posterior({"content": np.zeros((0, 7), np.float32)}))
    assert host.shape == card.shape == (0, 7)
    assert shares.shape == (0,)


def test_a_system_without_a_solution_has_none_there() -> None:
    alike = {"content": np.ones((5, 1), np.float32)}
    asked = (Kernel({"content": 0.0}, {"content": 1.0}), alike, np.ones((5, 2), np.float32), np.zeros(5, np.float32))
    assert smoothing.solved_on_card(*asked, -0.5, CARD) is None
    solved = smoothing.solved_on_card(*asked, 1.0, CARD)
    assert solved is not None
    assert np.allclose(solved, 1 / 6)


@pytest.mark.parametrize("numbers", [nearest.NUMBERS, 2_000])
def test_lists_of_all(numbers: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nearest, "NUMBERS", numbers)
    rng = np.random.default_rng(3)
    candidates = (rng.normal(size=(400, 12)) * rng.random((400, 1))).astype(np.float32)
    candidates[100:140] = candidates[100]  # more equals than a list has places
    candidates[7] = 0
    lengths = np.linalg.norm(candidates, axis=1)
    inverse = np.divide(1, lengths, out=np.zeros_like(lengths), where=lengths > 0)
    compared = Compared(candidates, inverse, np.array([7, 9]))
    units = unit_rows(np.vstack([candidates[:130], rng.normal(size=(50, 12))]).astype(np.float32))

    def listed() -> tuple[np.ndarray, np.ndarray]:
        rows, scores = np.full((len(units), 10), -9), np.zeros((len(units), 10))
        for lists in best_lists(compared, units, np.arange(len(units)), 10):
            assert (rows[lists.places] == -9).all()
            rows[lists.places], scores[lists.places] = lists.rows, lists.scores
        return rows, scores

    (host, host_scores), (card, card_scores) = both(listed)
    assert np.array_equal(host, card)
    assert np.array_equal(host_scores, card_scores)
    assert not np.isin(card, [7, 9, -9]).any()


def test_equal_runs_give_equal_bits(interactions: sparse.csr_matrix) -> None:
    with with_graphics_card(CARD):
        first, second = (fit_als(interactions, AlsSettings(factors=16), 0).item_factors for _ in range(2))
        assert np.array_equal(first, second)
        assert np.array_equal(residual_factors(interactions, 8, 0), residual_factors(interactions, 8, 0))


def test_parts_of_a_training_are_another_where_a_card_works() -> None:
    host, card = both(partial(digest_of, 1))
    assert host != card


@contextmanager
def with_a_card(monkeypatch: pytest.MonkeyPatch, there: bool) -> Iterator[None]:
    with monkeypatch.context() as patched:
        patched.setattr(torch.cuda, "is_available", lambda: there)
        patched.setattr(torch.cuda, "get_device_name", lambda: "A card")
        yield


def test_a_training_calculates_where_the_setting_says(monkeypatch: pytest.MonkeyPatch) -> None:
    with with_a_card(monkeypatch, there=True):
        for wanted, where, card in (("auto", "cuda", "cuda"), ("cuda", "cuda", "cuda"), ("cpu", "cpu", None)):
            with calculating(wanted):
                assert (pick_device().type, graphics_card()) == (where, card)
                assert name_of_card() == ("A card" if card else None)
        with working_with(object()), calculating("auto"):  # type: ignore[arg-type]
            assert (pick_device().type, graphics_card()) == ("cuda", None)
    with with_a_card(monkeypatch, there=False), calculating("auto"):
        assert (pick_device().type, graphics_card(), name_of_card()) == ("cpu", None, None)


def test_a_card_that_is_missing_or_too_small_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    with (
        with_a_card(monkeypatch, there=False),
        pytest.raises(SettingsError, match=r"no CUDA device\. Set it"),
        calculating("cuda"),
    ):
        raise AssertionError("not reached")
    with pytest.raises(TrainingError, match=r"too little free memory.*device = 'cpu'"), calculating("auto"):
        raise torch.OutOfMemoryError("2 GiB")
