import numpy as np
import pytest

from engine.arms.geometry import ArmVectors
from engine.training.gate import decide, without_nan

ARM = ArmVectors(np.eye(4, dtype=np.float32), np.eye(4, dtype=np.float32))


def measured(level: float, targets: str = "same") -> dict:
    spread = np.random.default_rng(0).normal(0, 0.05, 200)
    return {"by_target": {"targets": targets, "ndcg": (level + spread).tolist()}}


@pytest.mark.parametrize(("now", "fit"), [(0.5, True), (0.6, True), (0.4, False)])
def test_a_release_is_refused_where_it_is_worse_on_the_same_products(now, fit):
    published, sentence = decide(measured(now), ARM, measured(0.5))
    assert published is fit
    assert sentence.startswith("Published" if fit else "Not published: its neighbours are worse")
    assert f"{now + 0.001:.3f}" in sentence  # the mean of the planted spread is 0.001


def test_a_difference_within_the_interval_does_not_keep_it_back():
    rng = np.random.default_rng(1)
    noisy = {"by_target": {"targets": "same", "ndcg": (0.5 + rng.normal(-0.005, 0.2, 200)).tolist()}}
    assert decide(noisy, ARM, {"by_target": {"targets": "same", "ndcg": [0.5] * 200}})[0]


def test_other_products_are_not_compared():
    assert decide(measured(0.1, "others"), ARM, measured(0.9)) == (True, "Published: 4 of 4 products have neighbours.")
    assert decide(measured(0.1), ARM, {"by_target": None})[0]


def test_a_figure_that_is_no_number_or_a_shop_without_lists_is_refused():
    assert "not a number" in decide({"odd": {"mean": float("nan")}}, ARM)[1]
    none = ArmVectors(0 * ARM.query, ARM.candidates)
    assert "no product would have neighbours" in decide({}, none)[1]
    assert without_nan({"a": {"b": float("nan")}, "c": 1}) == {"a": {"b": None}, "c": 1}


@pytest.mark.parametrize(("behind", "told"), [(0.1, True), (0.015, False), (-0.2, False)])
def test_a_release_that_serves_quiet_corners_worse_than_content_says_so(behind, told):
    niches = {"niches": {"behind_content": behind, "behind_content_error": 0.01}}
    published, sentence = decide(measured(0.5) | niches, ARM)
    assert published
    assert ("quiet corners" in sentence) is told
