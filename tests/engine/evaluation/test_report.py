import json

import numpy as np
import pytest
from scipy import sparse

from engine.arms.plan import default_plan
from engine.arms.registry import arms
from engine.core.settings import Settings
from engine.evaluation.fits import Content
from engine.evaluation.report import measure_plan
from engine.evaluation.thinning import LEVELS
from engine.models.encoders import Features, content_vectors

SETTINGS = Settings.model_validate(
    {"als": {"factors": 16, "iterations": 8}, "predictor": {"hidden": 64, "max_steps": 150}, "seed": 0}
)


def a_shop(n_items: int = 240, n_shoppers: int = 900) -> tuple[sparse.csr_matrix, Content]:
    """Shoppers like one of eight styles; content shows the style, with noise."""
    rng = np.random.default_rng(0)
    style, taste = np.arange(n_items) % 8, np.arange(n_shoppers) % 8
    popularity = rng.lognormal(0, 0.7, n_items)
    chance = np.clip(np.where(taste[:, None] == style, 0.22, 0.012) * popularity, 0, 0.9)
    user_items = sparse.csr_matrix((rng.random(chance.shape) < chance).astype(np.float32))
    content = (np.eye(8)[style] + rng.normal(0, 0.3, (n_items, 8))).astype(np.float32)
    features = {"text": Features(content, np.ones(n_items, dtype=bool))}
    return user_items, Content(features, content_vectors(features))


def measured() -> dict:
    """The default plan's figures, with nothing fitted beforehand."""
    user_items, content = a_shop()
    return measure_plan(user_items, content, default_plan(SETTINGS, 240, words=False), SETTINGS, seed=3)


@pytest.fixture(scope="module")
def metrics():
    return measured()


def test_every_arm_has_figures_at_every_level_and_pooled(metrics):
    assert set(metrics["thinning"]) == set(arms())
    for arm in metrics["thinning"].values():
        assert set(arm) == {"pooled"} | {str(level) for level in LEVELS}
        for figures in arm.values():
            assert figures["ndcg"]["low"] <= figures["ndcg"]["mean"] <= figures["ndcg"]["high"]
    assert sum(metrics["thinning"]["als"][str(level)]["targets"] for level in LEVELS) == metrics["n_targets"]


def test_behaviour_has_no_list_at_no_clicks_and_the_hybrid_always_has_one(metrics):
    assert metrics["thinning"]["als"]["0"]["coverage"] == 0
    assert metrics["thinning"]["als"]["0"]["ndcg"]["mean"] == 0
    assert metrics["thinning"]["hybrid"]["0"]["coverage"] == 1


def test_where_content_shows_the_style_the_hybrid_finds_what_thin_behaviour_cannot(metrics):
    pooled = {arm: figures["pooled"]["ndcg"]["mean"] for arm, figures in metrics["thinning"].items()}
    assert pooled["hybrid"] > 1.2 * pooled["als"]
    assert pooled["hybrid"] > 0.9 * pooled["predicted"]


def test_the_published_task_is_measured_for_behaviour_and_hybrid(metrics):
    for candidates in ("low_traffic", "fewest_bought"):
        assert set(metrics["published_task"][candidates]) == {"candidates", "als", "hybrid"}
    task = metrics["published_task"]["fewest_bought"]
    assert 0 < task["als"]["ndcg"]["mean"] < 1
    assert task["candidates"] == round(0.8 * 240)


def test_the_figures_are_plain_json_and_follow_from_the_seed(metrics):
    assert json.dumps(measured(), allow_nan=False) == json.dumps(metrics, allow_nan=False)


def test_a_report_holds_figures_and_no_choices(metrics):
    assert metrics.keys() == {
        "seed", "k", "n_targets", "without_relevant", "thinning", "references", "by_target", "niches", "published_task",
    }  # fmt: skip


def test_a_shop_too_small_to_measure_says_so_instead_of_failing():
    user_items = sparse.csr_matrix(np.eye(4, dtype=np.float32))
    features = {"text": Features(np.eye(4, dtype=np.float32), np.ones(4, dtype=bool))}
    content = Content(features, content_vectors(features))
    metrics = measure_plan(user_items, content, default_plan(SETTINGS, 4, words=False), SETTINGS, seed=0)
    assert "at least 12 interactions" in metrics["problem"]
    assert "thinning" not in metrics
