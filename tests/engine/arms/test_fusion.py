import numpy as np
import pytest

from engine.arms.fusion import ARMS, arm_vectors, blend, similarities
from engine.core.errors import TrainingError
from engine.core.vectors import unit_rows


@pytest.fixture
def factors() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    counts = np.array([0, 1, 4, 100, 5000])
    behaviour = rng.normal(size=(5, 8)).astype(np.float32)
    behaviour[0] = 0
    return behaviour, rng.normal(size=(5, 8)).astype(np.float32), counts


def test_an_item_without_clicks_is_its_prediction_and_a_bestseller_its_behaviour(factors):
    behaviour, predicted, counts = factors
    mixed = blend(behaviour, predicted, counts, tau=4.0)
    np.testing.assert_allclose(mixed[0], predicted[0], rtol=1e-5)
    assert unit_rows(mixed)[4] @ unit_rows(behaviour)[4] > 0.99999
    assert np.linalg.norm(mixed[4]) == pytest.approx(np.linalg.norm(behaviour[4]), rel=1e-2)


def test_at_tau_clicks_both_weigh_the_same_however_long_they_are(factors):
    behaviour, predicted, counts = factors
    mixed = unit_rows(blend(1000 * behaviour, predicted, counts, tau=4.0))
    assert mixed[2] @ unit_rows(behaviour)[2] == pytest.approx(mixed[2] @ unit_rows(predicted)[2], abs=1e-5)
    lengths = np.linalg.norm(blend(behaviour, predicted, counts, tau=4.0), axis=1)
    expected = (np.linalg.norm(behaviour[2]) + np.linalg.norm(predicted[2])) / 2
    assert lengths[2] == pytest.approx(expected, rel=1e-5)


def test_factors_that_do_not_describe_the_same_items_are_refused(factors):
    behaviour, predicted, counts = factors
    with pytest.raises(TrainingError, match="same items"):
        blend(behaviour, predicted[:-1], counts, 4.0)
    with pytest.raises(TrainingError, match="above 0"):
        blend(behaviour, predicted, counts, 0.0)


def test_every_arm_has_unit_rows_and_behaviour_has_no_list_without_clicks(factors):
    behaviour, predicted, counts = factors
    content = np.random.default_rng(1).normal(size=(5, 3)).astype(np.float32)
    content[3] = 0
    arms = arm_vectors(behaviour, predicted, content, counts, tau=4.0)
    assert tuple(arms) == ARMS
    for arm in arms.values():
        np.testing.assert_allclose(np.linalg.norm(arm.query, axis=1)[arm.has_list], 1.0, rtol=1e-5)
        np.testing.assert_allclose(np.linalg.norm(arm.candidates, axis=1)[arm.is_candidate], 1.0, rtol=1e-5)
    assert arms["als"].has_list.tolist() == arms["als"].is_candidate.tolist() == [False, True, True, True, True]
    assert arms["content"].has_list.tolist() == [True, True, True, False, True]
    assert arms["hybrid"].has_list.all()
    assert arms["predicted"].has_list.all()


def test_the_predicted_arm_asks_with_predictions_among_real_factors_of_what_is_well_known(factors):
    behaviour, predicted, counts = factors
    arm = arm_vectors(behaviour, predicted, predicted, counts, tau=4.0)["predicted"]
    b, p = unit_rows(behaviour), unit_rows(predicted)
    known = (counts > 4) & b.any(axis=1)
    worth = float((b[known] * p[known]).sum(axis=1).mean().clip(0.05, 1.0))
    expected = p @ np.where(known[:, None], b, worth * p).T
    np.testing.assert_allclose(arm.query @ arm.candidates.T, expected, atol=1e-6)
    assert known.any()
    assert not known.all()
    np.testing.assert_allclose(np.linalg.norm(arm.candidates, axis=1), 1.0, atol=1e-6)


def test_where_nothing_is_well_known_predictions_are_taken_at_their_word(factors):
    behaviour, predicted, counts = factors
    arm = arm_vectors(0 * behaviour, predicted, predicted, 0 * counts, tau=4.0)["predicted"]
    p = unit_rows(predicted)
    np.testing.assert_allclose(arm.query @ arm.candidates.T, p @ p.T, atol=1e-6)


def test_similarities_are_cosines_and_minus_infinity_where_there_is_no_list(factors):
    behaviour, predicted, counts = factors
    arm = arm_vectors(behaviour, predicted, predicted, counts, tau=4.0)["als"]
    found = similarities(arm, np.array([0, 4]))
    assert np.isneginf(found[0]).all()
    assert np.isneginf(found[1, 0])
    assert found[1, 4] == pytest.approx(1.0)
    cosine = behaviour[4] @ behaviour[2] / np.linalg.norm(behaviour[4]) / np.linalg.norm(behaviour[2])
    assert found[1, 2] == pytest.approx(cosine, rel=1e-5)


def test_hybrid_weighs_a_candidates_cosine_by_the_evidence_for_it(factors):
    behaviour, predicted, counts = factors
    arm = arm_vectors(behaviour, predicted, predicted, counts, tau=4.0)["hybrid"]
    mixed = unit_rows(blend(behaviour, predicted, counts, 4.0))
    weight = [0.2, 1 - 0.8 * 20 / 21, 1 - 0.8 * 20 / 24, 1 - 0.8 * 20 / 120, 1 - 0.8 * 20 / 5020]
    np.testing.assert_allclose(similarities(arm, np.arange(5)), (mixed @ mixed.T) * weight, atol=1e-5)


def test_a_product_about_which_nothing_is_known_is_in_no_list_of_the_hybrid():
    nothing = np.zeros((2, 3), dtype=np.float32)
    arm = arm_vectors(nothing, np.eye(2, 3, dtype=np.float32) * [[0], [1]], nothing, np.zeros(2), 4.0)["hybrid"]
    assert arm.has_list.tolist() == arm.is_candidate.tolist() == [False, True]


def test_rows_that_say_nothing_stay_zero():
    scaled = unit_rows(np.array([[0.0, 0.0], [3.0, 4.0]], dtype=np.float32))
    np.testing.assert_allclose(scaled, [[0, 0], [0.6, 0.8]], rtol=1e-6)
    assert scaled.dtype == np.float32
