"""Threads: as many as there are free cores, and the same results with any number of them."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from scipy import sparse
from threadpoolctl import threadpool_info

from engine.core.settings import AlsSettings, PredictorSettings
from engine.models import near_points, projection, residual, smoother
from engine.models import threads as module
from engine.models.als import fit_als
from engine.models.encoders import Features
from engine.models.kernel import Kernel, unit
from engine.models.predictor import train_predictor
from engine.models.threads import bounded_threads, free_cores
from engine.release import ann, cells
from engine.release.all_lists import Compared, best_lists


@pytest.mark.parametrize(
    ("allowed", "idle", "threads"),
    [(8, 8.0, 8), (8, 3.1, 3), (8, 2.8, 3), (8, 2.7, 2), (8, 0.0, 1), (2, 8.0, 2), (1, 1.0, 1)],
)
def test_there_is_a_thread_for_each_free_core_and_always_one(
    allowed: int, idle: float, threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module.joblib, "cpu_count", lambda: allowed)
    monkeypatch.setattr(module, "_idle_cores", lambda: idle)
    assert free_cores() == threads


@pytest.mark.parametrize("hidden", [OSError("no /proc/stat"), IndexError("core 5"), module.psutil.AccessDenied()])
def test_where_the_system_hides_what_others_do_every_core_that_is_allowed_is_used(
    hidden: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    def hide() -> float:
        raise hidden

    monkeypatch.setattr(module.joblib, "cpu_count", lambda: 4)
    monkeypatch.setattr(module, "_idle_cores", hide)
    assert free_cores() == 4


def test_what_others_do_on_the_cores_of_this_process_is_not_idle(monkeypatch: pytest.MonkeyPatch) -> None:
    """Four cores, two of them ours: one idle for the whole second, one half, of which we took 0.2 s ourselves."""
    idle = iter([[0.0, 5.0, 3.0, 0.0], [0.9, 6.0, 3.5, 0.9]])
    own = iter([(1.0, 0.0), (1.1, 0.1)])
    monkeypatch.setattr(
        module.psutil, "cpu_times", lambda percpu: [SimpleNamespace(idle=seconds) for seconds in next(idle)]
    )
    process = SimpleNamespace(cpu_affinity=lambda: [1, 2], cpu_times=lambda: next(own))
    monkeypatch.setattr(module.psutil, "Process", lambda: process)
    monkeypatch.setattr(
        module, "time", SimpleNamespace(monotonic=iter([0.0, 1.0]).__next__, sleep=lambda seconds: None)
    )
    assert module._idle_cores() == pytest.approx(1.7)


def test_inside_blas_has_one_thread_and_torch_as_many_as_wanted() -> None:
    before = torch.get_num_threads()
    with bounded_threads(before + 1) as count:
        assert torch.get_num_threads() == count == before + 1
        blas = [library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"]
        assert blas
        assert set(blas) == {1}
    assert torch.get_num_threads() == before


def test_one_thread_and_two_learn_the_same_bits() -> None:
    rng = np.random.default_rng(0)
    user_items = sparse.csr_matrix((rng.random((200, 120)) < 0.1).astype(np.float32))
    features = {"text": Features(rng.normal(size=(120, 48)).astype(np.float32), np.ones(120, dtype=bool))}
    learned = []
    for count in (1, 2):
        with bounded_threads(count):
            factors = fit_als(user_items, AlsSettings(factors=16, iterations=5), 0).item_factors
            counts = np.bincount(user_items.indices, minlength=120)
            predictor = train_predictor(features, factors, counts, PredictorSettings(hidden=64, max_steps=30), 0)
            learned.append((factors, predictor.predict(features)))
    for one, two in zip(*learned, strict=True):
        np.testing.assert_array_equal(one, two)


def test_one_thread_and_three_carry_over_and_compare_the_same_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is worked out part by part: shared shoppers, the smoother, neighbours on maps, components, unit rows, lists of all."""
    monkeypatch.setattr(near_points, "COMPARED", 0)  # by cells
    monkeypatch.setattr(smoother, "CHUNK", 100)
    monkeypatch.setattr(residual, "ROWS", 100)
    monkeypatch.setattr(residual, "ALONG", 16)
    monkeypatch.setattr(cells, "_AT_ONCE", 100)
    monkeypatch.setattr(projection, "CENTRED", 100)
    monkeypatch.setattr(ann, "SCALED_AT_ONCE", 100)
    rng = np.random.default_rng(0)
    pairs = sparse.csr_matrix((rng.random((900, 700)) < 0.05).astype(np.float32))
    counts, content = np.bincount(pairs.indices, minlength=700), rng.normal(size=(700, 24)).astype(np.float32)
    kernel, views = Kernel({"text": 2.0}, {"text": 1.0}), {"text": content}
    units, own, learned = unit(content), np.arange(700), []
    compared = Compared(content, 1.0 / np.linalg.norm(content, axis=1), np.empty(0, np.int64))
    for count in (1, 3):
        with bounded_threads(count):
            vectors = residual.residual_factors(pairs, 24, 0)
            fitted = smoother.fit_smoother(vectors, counts, views, kernel, capacity=smoother.Capacity(50, 60))
            near, distances = near_points.nearest_points(content, content, 5)
            found = [list(best_lists(compared, units, own, 10, above)) for above in (0, 10**9)]
            lists = [np.concatenate([one.scores[np.argsort(one.places)] for one in some]) for some in found]
            rows = [projection.principal_components(content, 5), ann.indexable_rows(content)]
            learned.append([vectors, *fitted.posterior(views), fitted(views), near, distances, *lists, *rows])
    for one, other in zip(*learned, strict=True):
        np.testing.assert_array_equal(one, other)
