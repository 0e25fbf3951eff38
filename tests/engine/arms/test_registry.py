import numpy as np
import pytest

from engine.arms.base import FittedModels, KnownProducts, Reading, Sides
from engine.arms.candidate_mix import CandidateMix
from engine.arms.geometry import ArmVectors, similarities
from engine.arms.registry import SERVED, arm_vectors, arms, channels, registered, title_of
from engine.core.vectors import unit_rows
from tests.support.toy_arm import TOY


@pytest.fixture
def models() -> FittedModels:
    rng = np.random.default_rng(0)
    behaviour = rng.normal(size=(5, 8)).astype(np.float32)
    behaviour[0] = 0
    predicted, content = rng.normal(size=(5, 8)).astype(np.float32), rng.normal(size=(5, 3)).astype(np.float32)
    content[3] = 0
    return FittedModels(
        np.array([0, 1, 4, 100, 5000]), behaviour, behaviour, predicted, content, CandidateMix(4.0, 0.5)
    )


def changed(models: FittedModels, **other: np.ndarray) -> dict[str, ArmVectors]:
    return arm_vectors(FittedModels(**{**vars(models), **other}))


def reading(predicted: np.ndarray) -> Reading:
    """What a release reads of products of which only the prediction matters."""
    return Reading(np.ones(len(predicted), dtype=bool), predicted, np.ones((len(predicted), 3)), {}, None)


def test_every_arm_has_unit_rows_and_behaviour_has_no_list_without_clicks(models):
    found = arm_vectors(models)
    assert list(found) == ["als", "predicted", "content"]  # the hybrid is not fitted yet
    for arm in found.values():
        np.testing.assert_allclose(np.linalg.norm(arm.query, axis=1)[arm.has_list], 1.0, rtol=1e-5)
        np.testing.assert_allclose(np.linalg.norm(arm.candidates, axis=1)[arm.is_candidate], 1.0, rtol=1e-5)
    assert found["als"].has_list.tolist() == found["als"].is_candidate.tolist() == [False, True, True, True, True]
    assert found["content"].has_list.tolist() == [True, True, True, False, True]
    assert found["predicted"].has_list.all()


def test_the_predicted_arm_asks_with_predictions_among_mixtures_of_real_and_predicted_factors(models):
    arm = arm_vectors(models)["predicted"]
    b, p = unit_rows(models.learned_from), unit_rows(models.predicted)
    trust = np.array([0, 1 / 5, 4 / 8, 100 / 104, 5000 / 5004])[:, None]  # half of what has 4 interactions
    worth = 0.5 * float((b[3:] * p[3:]).sum(axis=1).mean().clip(0.05, 1.0))  # two products are well known
    expected = p @ (trust * b + (1 - trust) * worth * p).T
    np.testing.assert_allclose(arm.query @ arm.candidates.T, expected, atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(arm.candidates, axis=1), 1.0, atol=1e-6)
    assert arm.facts == {"half_known": 4.0, "worth": pytest.approx(worth)}


def test_a_changed_product_is_found_by_its_new_prediction_as_if_it_had_always_had_it(models):
    """The same product in two catalogues that differ in its prediction alone: changed in one, it is as in the other."""
    other = models.predicted.copy()
    other[2] = models.predicted[1] + 0.3
    before, after = arm_vectors(models)["predicted"], changed(models, predicted=other)["predicted"]
    known = KnownProducts(
        np.array([2]), models.counts[2:3], reading(models.predicted[2:3]), np.zeros((1, 1)),
        {"predicted": Sides(before.query[2:3], before.candidates[2:3])},
    )  # fmt: skip
    sides = arms()["predicted"].sides(reading(other[2:3]), known, before.facts, {})
    np.testing.assert_allclose(sides.query, after.query[2:3], atol=1e-6)
    np.testing.assert_allclose(sides.candidates, after.candidates[2:3], atol=1e-6)


def test_where_nothing_is_well_known_predictions_are_taken_at_their_word(models):
    arm = changed(models, counts=0 * models.counts)["predicted"]
    p = unit_rows(models.predicted)
    np.testing.assert_allclose(arm.query @ arm.candidates.T, 0.5 * p @ p.T, atol=1e-6)


def test_similarities_are_cosines_and_minus_infinity_where_there_is_no_list(models):
    found = similarities(arm_vectors(models)["als"], np.array([0, 4]))
    assert np.isneginf(found[0]).all()
    assert np.isneginf(found[1, 0])
    assert found[1, 4] == pytest.approx(1.0)
    one, other = models.behaviour[4], models.behaviour[2]
    assert found[1, 2] == pytest.approx(one @ other / np.linalg.norm(one) / np.linalg.norm(other), rel=1e-5)


def test_people_are_shown_the_served_arm_first_and_each_by_a_name_and_colours_of_its_own():
    shown = list(arms().values())
    assert shown[0].name == SERVED
    for facts in ("name", "title", "help", "colour", "dark_colour"):
        assert len({getattr(one, facts) for one in shown}) == len(shown)
    assert title_of("als") == "Behaviour"
    assert title_of("of an older release") == "of an older release"


def test_a_registered_arm_is_made_before_the_one_that_is_served_and_is_gone_afterwards(models):
    before = list(arms())
    with registered(TOY):
        assert list(arm_vectors(models)) == ["als", "predicted", "content", "toy"]
        assert next(iter(arms())) == SERVED
        assert TOY.name in channels()
    assert list(arms()) == before
