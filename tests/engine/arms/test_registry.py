import numpy as np
import pytest

from engine.arms.base import FittedModels
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
    return FittedModels(np.array([0, 1, 4, 100, 5000]), behaviour, behaviour, predicted, content, 4.0)


def changed(models: FittedModels, **other: np.ndarray) -> dict[str, ArmVectors]:
    return arm_vectors(FittedModels(**{**vars(models), **other}))


def test_every_arm_has_unit_rows_and_behaviour_has_no_list_without_clicks(models):
    found = arm_vectors(models)
    assert list(found) == ["als", "predicted", "content"]  # the hybrid is not fitted yet
    for arm in found.values():
        np.testing.assert_allclose(np.linalg.norm(arm.query, axis=1)[arm.has_list], 1.0, rtol=1e-5)
        np.testing.assert_allclose(np.linalg.norm(arm.candidates, axis=1)[arm.is_candidate], 1.0, rtol=1e-5)
    assert found["als"].has_list.tolist() == found["als"].is_candidate.tolist() == [False, True, True, True, True]
    assert found["content"].has_list.tolist() == [True, True, True, False, True]
    assert found["predicted"].has_list.all()


def test_the_predicted_arm_asks_with_predictions_among_real_factors_of_what_is_well_known(models):
    arm = arm_vectors(models)["predicted"]
    b, p = unit_rows(models.learned_from), unit_rows(models.predicted)
    known = (models.counts > 4) & b.any(axis=1)
    worth = float((b[known] * p[known]).sum(axis=1).mean().clip(0.05, 1.0))
    expected = p @ np.where(known[:, None], b, worth * p).T
    np.testing.assert_allclose(arm.query @ arm.candidates.T, expected, atol=1e-6)
    assert known.any()
    assert not known.all()
    np.testing.assert_allclose(np.linalg.norm(arm.candidates, axis=1), 1.0, atol=1e-6)
    assert arm.facts == {"known_above": 4.0, "worth": pytest.approx(worth)}


def test_where_nothing_is_well_known_predictions_are_taken_at_their_word(models):
    arm = changed(models, counts=0 * models.counts)["predicted"]
    p = unit_rows(models.predicted)
    np.testing.assert_allclose(arm.query @ arm.candidates.T, p @ p.T, atol=1e-6)


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
