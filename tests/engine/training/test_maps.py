"""Maps from release to release: products stay where they were, in both panels."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from engine.arms.geometry import ArmVectors
from engine.core.progress import silent
from engine.core.workspace import Workspace
from engine.release.publish import rollback
from engine.training.maps import draw_maps, served_maps
from tests.support.tiny_release import build_tiny_release

N_GROUPS, SIZE = 8, 25


def arms(noise: float, seed: int) -> tuple[pd.Series, dict[str, ArmVectors]]:
    """Products in clear groups by both arms; the last three of each group have no behaviour."""
    rng = np.random.default_rng(seed)
    group = np.tile(np.arange(N_GROUPS), SIZE)
    content = (np.eye(16)[group] * 5 + noise * rng.normal(size=(len(group), 16))).astype(np.float32)
    behaviour = (np.eye(16)[group] * 5 + noise * rng.normal(size=(len(group), 16))).astype(np.float32)
    behaviour[-3 * N_GROUPS :] = 0.0
    ids = pd.Series([f"p{row}" for row in range(len(group))])
    return ids, {"als": ArmVectors(behaviour, behaviour), "hybrid": ArmVectors(content, content)}


def moved(one: pd.DataFrame, other: pd.DataFrame, arms: tuple[str, str]) -> np.ndarray:
    """How far each product lies from itself on another map, where it lies on both."""
    first, second = (table[[f"{arm}_x", f"{arm}_y"]].to_numpy() for table, arm in zip((one, other), arms, strict=True))
    return np.linalg.norm(first - second, axis=1)[np.isfinite(first + second).all(axis=1)]


def test_a_group_lies_at_the_same_place_in_both_panels() -> None:
    ids, vectors = arms(0.5, seed=0)
    maps = draw_maps(ids, vectors, None, 0, silent)
    assert maps["als_x"].isna().sum() == 3 * N_GROUPS
    assert maps["hybrid_x"].notna().all()
    assert np.median(moved(maps, maps, ("als", "hybrid"))) < 0.15


def test_products_stay_where_they_were_in_the_last_release_and_new_ones_join_their_like() -> None:
    ids, vectors = arms(0.5, seed=0)
    before = draw_maps(ids, vectors, None, 0, silent)
    _, drifted = arms(0.5, seed=1)
    kept = before.iloc[8:]  # the first of every group is new
    after = draw_maps(ids, drifted, kept, 0, silent)
    afresh = draw_maps(ids[::-1].reset_index(drop=True), drifted, None, 5, silent)
    assert np.median(moved(before, after, ("hybrid", "hybrid"))) < 0.15
    assert np.median(moved(before, after, ("als", "als"))) < 0.15
    assert np.median(moved(before, afresh, ("hybrid", "hybrid"))) > 0.3
    places = after[["hybrid_x", "hybrid_y"]].to_numpy()
    for group in range(N_GROUPS):
        own = np.median(places[8 + group :: N_GROUPS], axis=0)
        assert np.linalg.norm(places[group] - own) < 0.2
    assert after.equals(draw_maps(ids, drifted, kept, 0, silent))


def test_the_maps_before_are_those_of_the_release_that_is_served(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))  # no other process holds the same maps
    assert served_maps(workspace) is None
    first = build_tiny_release(workspace)
    second = build_tiny_release(workspace)
    maps = served_maps(workspace)
    assert maps is not None
    assert list(maps["item_id"]) == list(first.families)
    (workspace.releases / second.release_id / "maps.parquet").write_bytes(b"no map")
    assert served_maps(workspace) is None
    rollback(workspace)
    assert served_maps(workspace) is not None
