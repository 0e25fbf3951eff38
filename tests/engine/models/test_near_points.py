"""The nearest of many points: all compared, by cells, or on a graphics card."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from engine.core.graphics_card import with_graphics_card
from engine.models import near_points
from engine.models.near_points import nearest_points

K = 8


@pytest.fixture
def points() -> np.ndarray:
    """4,000 points around 80 places, and some that lie on one another."""
    rng = np.random.default_rng(0)
    places = rng.normal(size=(80, 10))
    made = places[rng.integers(0, 80, 4_000)] + 0.3 * rng.normal(size=(4_000, 10))
    made[:30] = made[0]
    return np.asarray(made, dtype=np.float32)


@pytest.mark.parametrize("way", ["all", "cells", "card"])
def test_the_nearest_are_found(points: np.ndarray, way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if way == "cells":
        monkeypatch.setattr(near_points, "COMPARED", 0)
    asking = points[::3] + np.float32(0.01)
    with with_graphics_card("cpu" if way == "card" else None):
        rows, distances = nearest_points(asking, points, K)
        assert np.array_equal(nearest_points(asking, points, K)[0], rows)
    exact = np.sort(cdist(asking, points), axis=1)[:, :K]
    assert rows.shape == distances.shape == (len(asking), K)
    assert (np.diff(distances, axis=1) >= 0).all()
    assert np.allclose(distances, np.linalg.norm(asking[:, None] - points[rows], axis=2), atol=2e-3)
    found = (distances <= exact[:, -1:] + 2e-3).mean()
    assert found > (0.95 if way == "cells" else 0.999)
    assert all(len(set(row)) == K for row in rows.tolist())


def test_few_points_in_many_cells_are_still_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(near_points, "COMPARED", 0)
    points = np.arange(20, dtype=np.float32)[:, None]
    monkeypatch.setattr(near_points, "PROBES", 1)
    rows, distances = nearest_points(points, points, 20)
    assert np.array_equal(np.sort(rows, axis=1), np.tile(np.arange(20), (20, 1)))
    assert np.allclose(distances[0], np.arange(20), atol=1e-3)
