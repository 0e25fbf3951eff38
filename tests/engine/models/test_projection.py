"""Maps of the item space."""

from __future__ import annotations

import numpy as np
import pytest

from engine.core.errors import TrainingError
from engine.core.joined_rows import JoinedRows
from engine.models import projection
from engine.models.projection import project


def groups(n_groups: int, size: int, dim: int = 16, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Unit-ish vectors around well separated directions, and the group of each."""
    rng = np.random.default_rng(seed)
    group = np.repeat(np.arange(n_groups), size)
    return (np.eye(dim)[group] * 5 + rng.normal(scale=0.5, size=(len(group), dim))).astype(np.float32), group


def share_of_neighbours_in_own_group(points: np.ndarray, group: np.ndarray) -> float:
    distances = np.linalg.norm(points[:, None] - points[None], axis=2)
    np.fill_diagonal(distances, np.inf)
    return float((group[distances.argmin(1)] == group).mean())


def test_items_of_one_group_lie_together() -> None:
    vectors, group = groups(6, 30)
    points = project(vectors, seed=0)
    assert points.shape == (180, 2)
    assert points.dtype == np.float32
    assert share_of_neighbours_in_own_group(points, group) == 1.0
    assert np.abs(points).max() <= 1.0
    assert np.ptp(points, axis=0).max() > 1.0


def test_length_does_not_matter() -> None:
    vectors, _ = groups(4, 20)
    lengths = 2.0 ** np.random.default_rng(1).integers(1, 5, size=(len(vectors), 1))
    assert np.allclose(project(vectors, seed=0), project(vectors * lengths.astype(np.float32), seed=0), atol=1e-3)


def test_the_same_seed_gives_the_same_map_whatever_the_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    vectors, _ = groups(4, 20)
    alone = project(vectors, seed=3)
    assert np.array_equal(alone, project(vectors, seed=3))
    monkeypatch.setattr(projection, "MIN_SHARED", 1)
    assert np.array_equal(alone, project(vectors, seed=3))


def test_a_large_catalogue_is_placed_among_a_sample(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(projection, "MAX_FITTED", 90)
    vectors, group = groups(6, 40)
    points = project(vectors, seed=0)
    assert share_of_neighbours_in_own_group(points, group) == 1.0
    assert len(np.unique(points, axis=0)) == len(points)
    assert np.array_equal(points, project(vectors, seed=0))


@pytest.mark.parametrize("n", [0, 1, 2, 3, 4, 5, 6, 12])
def test_a_handful_of_items_has_a_map_too(n: int) -> None:
    points = project(np.random.default_rng(0).normal(size=(n, 8)).astype(np.float32), seed=0)
    assert points.shape == (n, 2)
    assert np.isfinite(points).all()
    assert len(np.unique(points, axis=0)) == n


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_items_that_are_all_alike_share_one_point(value: float) -> None:
    assert not project(np.full((30, 4), value, dtype=np.float32), seed=0).any()


def test_one_column_is_enough() -> None:
    points = project(np.array([[1.0], [-1.0], [2.0], [-2.0], [3.0], [-3.0]], dtype=np.float32), seed=0)
    assert np.isfinite(points).all()


def test_numbers_that_are_not_finite_are_refused() -> None:
    vectors, _ = groups(2, 5)
    vectors[3, 1] = np.nan
    with pytest.raises(TrainingError, match="finite"):
        project(vectors, seed=0)


@pytest.mark.parametrize("most_fitted", [20, 100])
def test_rows_that_refer_to_a_table_are_laid_out_like_those_that_are_written_out(
    most_fitted: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(projection, "MAX_FITTED", most_fitted)
    rng = np.random.default_rng(4)
    own, shared = (rng.normal(size=(60, width)).astype(np.float32) for width in (3, 5))
    joined = JoinedRows(own, rng.normal(size=60).astype(np.float32), shared, shared.mean(axis=0), 1)
    np.testing.assert_array_equal(project(joined, 0), project(np.asarray(joined), 0))
