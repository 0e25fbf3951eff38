"""What workers elsewhere work out is what is worked out here."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from engine.core.settings import AlsSettings, ImageSettings, TextSettings
from engine.core.workers import workers, working_with
from engine.core.workspace import Workspace
from engine.models.als import fit_als
from engine.models.encoders import elsewhere
from engine.models.encoders.cache import encode_through_cache
from engine.models.encoders.image import fit_image_encoder
from engine.models.encoders.text import fit_text_encoder
from engine.models.kernel import Kernel
from engine.models.residual import residual_factors
from engine.models.row_parts import row_parts
from engine.models.smoother import Capacity, fit_smoother
from engine.release import all_lists
from engine.release.all_lists import Compared, best_lists
from tests.support.grouped_catalogue import GroupedCatalogue
from tests.support.pickling_workers import PicklingWorkers
from tests.support.tiny_release import build_tiny_shop


def test_nobody_works_for_a_training_unless_somebody_was_asked():
    some = PicklingWorkers()
    assert workers() is None
    with working_with(some):
        assert workers() is some
    assert workers() is None


def test_parts_of_rows_are_the_matrix_again_and_hold_about_as_many_pairs():
    matrix = sparse.csr_matrix(sparse.random(100, 50, density=0.2, random_state=0))
    parts = row_parts(matrix)
    assert (sparse.vstack(parts) != matrix).nnz == 0
    assert len(parts) == 4
    assert max(part.nnz for part in parts) < 1.2 * matrix.nnz / 4


@pytest.mark.parametrize("start", [False, True], ids=["anew", "from earlier factors"])
def test_factors_and_losses_are_those_of_one_machine(start: bool):
    user_items, settings = GroupedCatalogue().user_items, AlsSettings(factors=8, iterations=3)
    first = np.random.default_rng(0).random((user_items.shape[1], 8), np.float32) if start else None
    losses: list[list[float]] = [[], []]
    here = fit_als(user_items, settings, 0, lambda iteration, loss: losses[0].append(loss), start=first)
    with working_with(some := PicklingWorkers()):
        there = fit_als(user_items, settings, 0, lambda iteration, loss: losses[1].append(loss), start=first)
    assert some.n_parts == 8
    np.testing.assert_array_equal(there.item_factors, here.item_factors)
    np.testing.assert_array_equal(there.user_factors, here.user_factors)
    assert losses[1] == pytest.approx(losses[0], rel=1e-9)


@pytest.mark.parametrize("rank", [5, 16, 70])
def test_residual_factors_do_not_depend_on_how_sums_are_added_up(rank: int):
    user_items = GroupedCatalogue().user_items
    here = residual_factors(user_items, rank, 0)
    with working_with(PicklingWorkers()):
        there = residual_factors(user_items, rank, 0)
    np.testing.assert_allclose(there @ there.T, here @ here.T, atol=1e-4)


def test_the_smoother_is_that_of_one_machine(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("engine.models.smoother.CHUNK", 50)
    catalogue = GroupedCatalogue()
    counts = np.bincount(catalogue.user_items.indices, minlength=240)
    kernel = Kernel({"content": 8.0}, {"content": 1.0})

    def posterior() -> tuple[np.ndarray, np.ndarray]:
        fitted = fit_smoother(catalogue.factors, counts, catalogue.views, kernel, capacity=Capacity(100, 60))
        return fitted.posterior(catalogue.views)

    here = posterior()
    with working_with(some := PicklingWorkers()):
        there = posterior()
    assert some.n_parts == 2 + 5  # sums over twice as many products as landmarks, lists of what comes of them by 50
    for one, other in zip(here, there, strict=True):
        np.testing.assert_allclose(other, one, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("cells_above", [10**10, 0], ids=["all compared", "by cells"])
def test_lists_are_those_of_one_machine(cells_above: int, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(all_lists, "QUERIES_OF_A_PART", 100)
    vectors = np.random.default_rng(0).normal(size=(500, 8)).astype(np.float32)
    units = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    compared = Compared(units, np.ones(500, np.float32), np.array([3, 4]))

    def lists() -> np.ndarray:
        rows = np.full((500, 10), -2)
        for found in best_lists(compared, units, np.arange(500), 10, cells_above):
            rows[found.places] = found.rows
        return rows

    here = lists()
    with working_with(some := PicklingWorkers()):
        there = lists()
    assert some.n_parts == 5
    np.testing.assert_array_equal(there, here)


@pytest.mark.parametrize("modality", ["text", "image"])
def test_contents_are_encoded_by_workers_who_have_no_workspace(
    modality: str, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(elsewhere, "OF_A_PART", {modality: 5})
    monkeypatch.setattr(elsewhere, "PARTS_AT_ONCE", 2)
    build_tiny_shop(workspace)
    items = pd.read_parquet(workspace.current_snapshot() / "items.parquet").head(24)
    if modality == "text":
        encoder: Any = fit_text_encoder(items, {}, TextSettings(model="minilm"))
    else:
        encoder = fit_image_encoder(
            items, lambda shown: [], workspace, ImageSettings(kind="classifiers", attributes=0), 0
        )
    here = encoder.encode(items, workspace)
    for file in workspace.features.glob("*/*.npz"):
        file.unlink()
    done: list[int] = []
    with working_with(some := PicklingWorkers()):
        there = encode_through_cache(encoder, items, workspace, lambda count, total: done.append(count))
    assert some.n_parts == -(-done[-1] // 5) > 2
    assert done == sorted(done)
    np.testing.assert_allclose(there.values, here.values, atol=1e-5)
