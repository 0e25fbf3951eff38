"""Trainings on a real cluster: the release of one machine, whatever happens to the workers."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from engine.catalogue.interactions import read_interactions
from engine.catalogue.snapshot import write_snapshot
from engine.cluster.interactions import read_interactions_on
from engine.cluster.session import cluster_in_use, on_cluster
from engine.core.errors import ClusterError, InteractionsError
from engine.core.settings import AlsSettings, InteractionSettings, Settings
from engine.core.workspace import Workspace
from engine.models.als import fit_als
from engine.models.residual import residual_factors
from engine.recommend.recommender import Recommender
from engine.training.pipeline import train
from tests.conftest import skip_or_fail
from tests.support.grouped_catalogue import GroupedCatalogue
from tests.support.spark_cluster import QUICK, SparkCluster, missing_for_spark, running_cluster
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


@pytest.fixture
def spark_alone() -> dict[str, Any]:
    """Settings of Spark in one process, which is enough for what does not depend on workers."""
    if missing := missing_for_spark():
        skip_or_fail(missing)
    return {"master": "local[1]", "driver_memory": "512m", "options": {"spark.driver.extraJavaOptions": QUICK}}


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


def test_events_weigh_on_a_cluster_what_they_weigh_here(spark_alone: dict[str, Any], tmp_path: Path):
    """Quantities, refunds and whole orders taken back; ratings that decay and dislikes; missing kinds, times and values."""
    quantities = write_events(Workspace(tmp_path / "quantities"), {"value_kind": "quantity"}, np.arange(1.0, 5.0))
    ratings = write_events(
        Workspace(tmp_path / "ratings"), {"value_kind": "rating", "min_rating": 3.0}, np.arange(1.0, 6.0)
    )
    weighed = InteractionSettings(half_life_days=20.0, event_weights={"purchase": 7.0})
    item_ids = [f"item {row}" for row in range(20)]
    nobody, interrupted = ["nothing that was sold"], signal.getsignal(signal.SIGINT)
    with on_cluster(Settings.model_validate({"cluster": spark_alone}).cluster):
        there = cluster_in_use()
        assert there is not None
        assert signal.getsignal(signal.SIGINT) is interrupted
        for workspace, settings in ((quantities, InteractionSettings()), (ratings, weighed)):
            expected = read_interactions(workspace, item_ids, settings)
            found = read_interactions_on(there, workspace, item_ids, settings)
            assert expected.user_items.nnz > 200
            assert (found.user_ids == expected.user_ids).all()
            np.testing.assert_array_equal(found.user_items.indptr, expected.user_items.indptr)
            np.testing.assert_array_equal(found.user_items.indices, expected.user_items.indices)
            np.testing.assert_allclose(found.user_items.data, expected.user_items.data, rtol=1e-6)
            assert found.first_timestamps is not None
            np.testing.assert_array_equal(found.first_timestamps, expected.first_timestamps)
        with pytest.raises(InteractionsError, match="no event counts"):
            read_interactions_on(there, quantities, nobody, weighed)
        there.settings = there.settings.model_copy(update={"events": "/nowhere/events"})
        with pytest.raises(ClusterError, match="workers cannot read file:/nowhere/events"):
            read_interactions_on(there, quantities, item_ids, weighed)


TOO_MUCH = """
import json, sys
import numpy as np
from engine.cluster.session import cluster_in_use, on_cluster
from engine.core.errors import ClusterError
from engine.core.settings_groups import ClusterSettings

def much(part):
    return np.zeros(60_000_000)  # 480 MB

try:
    with on_cluster(ClusterSettings.model_validate(json.loads(sys.argv[1]))):
        list(cluster_in_use().hold([0]).each(much))
except ClusterError as exc:
    print("told:", exc)
"""


def test_an_application_without_memory_ends_instead_of_waiting_for_ever(spark_alone: dict[str, Any]):
    """In a process of its own, as pyspark cannot start another JVM where one died."""
    command = [sys.executable, "-c", TOO_MUCH, json.dumps(spark_alone)]
    found = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    assert "told: The process that sends work to the cluster ended, most likely because 512m of memory" in found.stdout


def write_events(workspace: Workspace, info: dict[str, Any], values: np.ndarray) -> Workspace:
    """A shop of 20 products, and 2,000 events of 60 shoppers."""
    rng = np.random.default_rng(0)
    n = 2_000
    kinds = np.array(
        ["view", "cart", "purchase", "purchase", "refund", "remove_from_cart", "void", "dislike", "gift", None]
    )
    events = pd.DataFrame(
        {
            "user_id": [f"shopper {one}" for one in rng.integers(0, 60, n)],
            "item_id": [f"item {one}" for one in rng.integers(0, 20, n)],
            "event": kinds[rng.choice(len(kinds), n, p=[0.3, 0.15, 0.15, 0.1, 0.05, 0.05, 0.02, 0.02, 0.1, 0.06])],
            "value": np.where(rng.random(n) < 0.7, rng.choice(values, n), np.nan),
            "timestamp": 1_750_000_000 + 60 * rng.integers(0, 100_000, n),
        }
    )
    items = pd.DataFrame({"item_id": [f"item {row}" for row in range(20)]})
    write_snapshot(workspace, items, events, info, {})
    return workspace


def assert_totals_of_many_parts() -> None:
    """As large as a sum may be, the driver gets one of them, added up four at a time, by neighbours. (The workers know NumPy, and no tests.)"""
    in_use = cluster_in_use()
    assert in_use is not None
    parts = [np.full(2, -(10.0 ** (part % 9)) / 3.0) for part in range(30)]
    sums = parts
    while len(sums) > 1:
        sums = [sum(sums[start + 1 : start + 4], sums[start]) for start in range(0, len(sums), 4)]
    np.testing.assert_array_equal(in_use.hold(parts).total(np.atleast_2d)[0], sums[0])
    np.testing.assert_array_equal(in_use.hold(parts[:3]).total(np.atleast_2d)[0], parts[0] + parts[1] + parts[2])


def test_a_killed_worker_costs_time_alone_and_losing_all_is_told(cluster: SparkCluster):
    user_items = GroupedCatalogue().user_items
    settings = AlsSettings(factors=8, iterations=3)
    expected, expected_residual = fit_als(user_items, settings, 0), residual_factors(user_items, 8, 0)
    chosen = Settings.model_validate({"cluster": cluster.settings()})
    killed: list[int] = []

    def kill_in_the_middle(iteration: int, loss: float) -> None:
        if iteration == 1:
            cluster.kill_worker()
            killed.append(iteration)

    with on_cluster(chosen.cluster):
        found = fit_als(user_items, settings, 0, kill_in_the_middle)
        residual = residual_factors(user_items, 8, 0)
        assert killed == [1]
        assert_totals_of_many_parts()
        np.testing.assert_array_equal(found.item_factors, expected.item_factors)
        np.testing.assert_array_equal(found.user_factors, expected.user_factors)
        np.testing.assert_allclose(residual @ residual.T, expected_residual @ expected_residual.T, atol=1e-4)
        cluster.kill_worker()
        in_use = cluster_in_use()
        assert in_use is not None
        in_use.settings = in_use.settings.model_copy(update={"patience": 4})  # not before: executors take their time
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
