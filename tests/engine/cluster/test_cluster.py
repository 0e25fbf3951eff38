"""Trainings on a real cluster: the release of one machine, whatever happens to the workers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.cluster.session import on_cluster
from engine.core.errors import ClusterError
from engine.core.settings import AlsSettings, Settings
from engine.core.workspace import Workspace
from engine.models.als import fit_als
from engine.models.residual import residual_factors
from engine.recommend.recommender import Recommender
from engine.training.pipeline import train
from tests.conftest import skip_or_fail
from tests.support.grouped_catalogue import GroupedCatalogue
from tests.support.spark_cluster import SparkCluster, missing_for_spark, running_cluster
from tests.support.tiny_release import build_tiny_shop

SETTINGS: dict[str, Any] = {
    "als": {"factors": 16, "iterations": 3},
    "text": {"model": "minilm"},
    "image": {"kind": "none"},
    "predictor": {"hidden": 32, "layers": 1, "max_steps": 200},
    "selection": {"enabled": False},
    "evaluation": {"enabled": False},
    "smoother": {"exact": 100, "landmarks": 100},
}


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkCluster]:
    if missing := missing_for_spark():
        skip_or_fail(missing)
    with running_cluster(tmp_path_factory.mktemp("spark")) as running:
        yield running


@pytest.fixture
def cluster(started: SparkCluster) -> SparkCluster:
    """A cluster with two workers, whatever a test did to it before."""
    started.have(2)
    return started


def test_a_training_on_a_cluster_writes_the_release_of_one_machine(cluster: SparkCluster, tmp_path: Path):
    here, there = Workspace(tmp_path / "here"), Workspace(tmp_path / "there")
    for workspace, more in ((here, {}), (there, {"cluster": cluster.settings()})):
        build_tiny_shop(workspace, 240, n_families=12)
        result = train(workspace, Settings.model_validate({**SETTINGS, **more}))
        assert result.published, result.decision
    for file in ("user_ids.parquet", "user_items.npz", "item_factors.npy", "user_factors.npy"):
        one, other = (workspace.releases / "r0001" / file for workspace in (here, there))
        assert one.read_bytes() == other.read_bytes(), file
    for arm in ("als", "hybrid", "content"):
        before, after = lists(here, arm), lists(there, arm)
        assert overlap(before, after) > 0.98, arm
        assert abs(family_ndcg(after) - family_ndcg(before)) < 0.02 * family_ndcg(before)


def test_a_killed_worker_costs_time_alone_and_losing_all_is_told(cluster: SparkCluster):
    user_items = GroupedCatalogue().user_items
    settings = AlsSettings(factors=8, iterations=3)
    expected, expected_residual = fit_als(user_items, settings, 0), residual_factors(user_items, 8, 0)
    chosen = Settings.model_validate({"cluster": cluster.settings(patience=4)})
    killed: list[int] = []

    def kill_in_the_middle(iteration: int, loss: float) -> None:
        if iteration == 1:
            cluster.kill_worker()
            killed.append(iteration)

    with on_cluster(chosen.cluster):
        found = fit_als(user_items, settings, 0, kill_in_the_middle)
        residual = residual_factors(user_items, 8, 0)
        assert killed == [1]
        np.testing.assert_array_equal(found.item_factors, expected.item_factors)
        np.testing.assert_array_equal(found.user_factors, expected.user_factors)
        np.testing.assert_allclose(residual @ residual.T, expected_residual @ expected_residual.T, atol=1e-4)
        cluster.kill_worker()
        with pytest.raises(ClusterError, match=r"^The cluster at spark://\S+ has had no worker for 4 seconds"):
            fit_als(user_items, settings, 0)


def lists(workspace: Workspace, arm: str) -> dict[str, list[str]]:
    """Product -> its ten nearest."""
    table = Recommender.open(workspace).neighbours_all(arm, 10)
    return {str(item_id): list(found["neighbour_id"]) for item_id, found in table.groupby("item_id")}


def overlap(before: dict[str, list[str]], after: dict[str, list[str]]) -> float:
    """Mean share of each list that both have."""
    assert set(before) == set(after)
    return float(np.mean([len(set(found) & set(after[item_id])) / len(found) for item_id, found in before.items()]))


def family_ndcg(found: dict[str, list[str]]) -> float:
    """How well lists hold the family of their product, which its id names, 0 to 1."""
    discounts = 1.0 / np.log2(np.arange(2, 12))
    gains = [
        sum(
            weight for one, weight in zip(listed, discounts, strict=False) if one.split("-")[0] == item_id.split("-")[0]
        )
        for item_id, listed in found.items()
    ]
    return float(np.mean(gains) / discounts.sum())
