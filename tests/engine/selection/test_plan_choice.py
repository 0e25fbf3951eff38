"""A plan is chosen with or without a report, and the report takes any plan."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from scipy import sparse

from engine.arms.candidate_mix import CandidateMix
from engine.arms.plan import TrainingPlan, default_plan
from engine.core.settings import Settings
from engine.evaluation import fits
from engine.evaluation.fits import Behaviour, Content
from engine.evaluation.report import measure_plan
from engine.evaluation.targets import Targets, draw_targets
from engine.models.als import AlsFactors
from engine.models.encoders import Features, content_vectors
from engine.selection.mix_choice import HALF_KNOWN, WORTHS, choose_mix
from engine.selection.plan_choice import PlanChoice, choose_plan

SETTINGS = Settings.model_validate(
    {"als": {"factors": 16, "iterations": 8, "tries": 2}, "predictor": {"hidden": 64, "max_steps": 150}}
)
ITEMS = 240


def a_shop() -> tuple[sparse.csr_matrix, Content]:
    """Shoppers like one of eight styles; content shows the style, with noise."""
    rng = np.random.default_rng(0)
    style, likes = np.arange(ITEMS) % 8, np.arange(600) % 8
    chance = np.where(likes[:, None] == style, 0.22, 0.012) * rng.lognormal(0, 0.7, ITEMS)
    user_items = sparse.csr_matrix((rng.random(chance.shape) < np.clip(chance, 0, 0.9)).astype(np.float32))
    values = (np.eye(8)[style] + rng.normal(0, 0.3, (ITEMS, 8))).astype(np.float32)
    features = {"text": Features(values, np.ones(ITEMS, dtype=bool))}
    return user_items, Content(features, content_vectors(features))


@pytest.fixture(scope="module")
def choice() -> PlanChoice:
    return choose_plan(*a_shop(), SETTINGS, 3)


def test_a_plan_is_made_without_any_report_and_tells_what_was_tried(choice: PlanChoice) -> None:
    plan = choice.plan
    assert plan.problem is None
    assert len(plan.trials.als) == 2
    assert plan.als in [one.tried for one in plan.trials.als]
    tried = [one.tried for one in plan.trials.mixes]
    assert {mix.half_known for mix in tried} == set(HALF_KNOWN)
    assert {mix.prediction_worth for mix in tried if mix.half_known == plan.mix.half_known} == set(WORTHS)
    assert plan.mix in tried
    assert len(plan.trials.recipes) > 5
    assert plan.recipe.user_scoring in [one.tried for one in plan.trials.user_scorings]
    assert TrainingPlan.from_dict(json.loads(json.dumps(plan.to_dict()))) == plan


def test_the_same_data_settings_and_seed_give_the_same_plan(choice: PlanChoice) -> None:
    assert choose_plan(*a_shop(), SETTINGS, 3).plan == choice.plan


def test_a_report_on_a_choice_fits_nothing_again(choice: PlanChoice, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("fitted twice")

    monkeypatch.setattr(fits, "train_predictor", refuse)
    metrics = measure_plan(*a_shop(), choice.plan, SETTINGS, 3, thinned=choice.thinned, shoppers=choice.shoppers)
    assert metrics["thinning"]["hybrid"]["pooled"]["ndcg"]["mean"] > 0


def test_a_report_fits_a_given_plan_itself_and_finds_the_same_neighbours(choice: PlanChoice) -> None:
    user_items, content = a_shop()
    handed = measure_plan(
        user_items, content, choice.plan, SETTINGS, 3, thinned=choice.thinned, shoppers=choice.shoppers
    )
    fitted = measure_plan(user_items, content, choice.plan, SETTINGS, 3)
    assert fitted["references"] == handed["references"]
    assert fitted["by_target"]["targets"] == handed["by_target"]["targets"]
    np.testing.assert_allclose(fitted["by_target"]["ndcg"], handed["by_target"]["ndcg"], atol=1e-3)
    als = [one["published_task"]["fewest_bought"]["als"] for one in (fitted, handed)]
    assert als[0] == als[1]


def test_what_is_chosen_never_sees_the_reported_half(choice: PlanChoice) -> None:
    targets = draw_targets(a_shop()[0], SETTINGS.evaluation, 3)
    reported = set(targets.split.targets[targets.reported].tolist())
    assert reported.isdisjoint(targets.validation.rows.tolist())
    assert len(reported) + len(targets.validation) == len(targets.split.targets)
    assert choice.thinned is not None
    np.testing.assert_array_equal(choice.thinned.targets.reported, targets.reported)


def test_a_shop_too_small_to_compare_anything_gets_the_default_plan_and_the_reason() -> None:
    features = {"text": Features(np.eye(4, dtype=np.float32), np.ones(4, dtype=bool))}
    content = Content(features, content_vectors(features))
    choice = choose_plan(sparse.csr_matrix(np.eye(4, dtype=np.float32)), content, SETTINGS, 0)
    assert choice.plan == default_plan(SETTINGS, 4, words=False, problem=choice.plan.problem)
    assert "at least 12 interactions" in str(choice.plan.problem)
    assert choice.thinned is choice.shoppers is None


@pytest.mark.parametrize("trusted", ["behaviour", "prediction"])
def test_the_mix_follows_what_is_right_on_validation_targets(trusted: str) -> None:
    """Products fall in ten groups, which predictions of targets know; of quiet candidates one of the two sources does."""
    rng = np.random.default_rng(2)
    group = np.arange(200) % 10
    truth = (np.eye(10)[group] + rng.normal(0, 0.05, (200, 10))).astype(np.float32)
    noise = rng.normal(size=(200, 10)).astype(np.float32)
    targets = np.arange(40)
    allowed = np.arange(200) >= 40
    quiet = allowed & (rng.random(200) < 0.5)
    half_wrong = np.where(quiet[:, None], noise, truth)
    behaviour, predicted = (truth, half_wrong) if trusted == "behaviour" else (half_wrong, truth)
    factors = AlsFactors(behaviour, behaviour, [])
    gains = sparse.csr_matrix((group[targets][:, None] == group) & allowed).astype(float)
    content = Content({}, truth)
    mix, trials = choose_mix(
        Behaviour(factors, factors, predicted), content, np.where(quiet, 8, 200), Targets(targets, gains, allowed)
    )
    assert mix.half_known < 16 if trusted == "behaviour" else mix.half_known >= 16
    assert len(trials) == len(HALF_KNOWN) + len(WORTHS) - 1
    chosen = {trial.tried: trial.ndcg for trial in trials}[mix]
    assert chosen == max(trial.ndcg for trial in trials if trial.tried.half_known == mix.half_known)


def test_a_mix_that_is_set_stays_and_only_the_worth_of_predictions_is_chosen() -> None:
    settings = SETTINGS.model_copy(update={"predictor": SETTINGS.predictor.model_copy(update={"half_known": 7.0})})
    plan = choose_plan(*a_shop(), settings, 0).plan
    assert plan.mix.half_known == 7.0
    assert {trial.tried.half_known for trial in plan.trials.mixes} == {7.0}


def test_a_mix_that_stands_stays_while_it_is_as_good() -> None:
    group = np.arange(200) % 10
    truth = np.eye(10, dtype=np.float32)[group]
    targets, allowed = np.arange(40), np.arange(200) >= 40
    gains = sparse.csr_matrix((group[targets][:, None] == group) & allowed).astype(float)
    factors = AlsFactors(truth, truth, [])
    asked = Behaviour(factors, factors, truth), Content({}, truth), np.full(200, 8), Targets(targets, gains, allowed)
    standing = CandidateMix(8.0, 0.7)
    assert choose_mix(*asked)[0] != standing
    assert choose_mix(*asked, standing=standing)[0] == standing
    assert choose_mix(*asked, standing=CandidateMix(5.0, 0.7))[0] == choose_mix(*asked)[0]  # no longer compared


def test_the_plan_that_stands_is_what_others_must_beat(choice: PlanChoice) -> None:
    user_items, content = a_shop()
    user_items = user_items.tolil()
    for row in range(0, 600, 60):  # a day later
        user_items[row, row % ITEMS] = 1.0
    later = sparse.csr_matrix(user_items)
    kept = choose_plan(later, content, SETTINGS, 3, standing=choice.plan).plan
    assert kept.als == choice.plan.als
    assert kept.mix == choice.plan.mix
    ours, before = kept.recipe, choice.plan.recipe
    assert (ours.weights, ours.sharpness, ours.noise) == (before.weights, before.sharpness, before.noise)
    assert (ours.exponent, ours.lean, ours.unseen, ours.silence) == (
        before.exponent,
        before.lean,
        before.unseen,
        before.silence,
    )

    wordy = replace(choice.plan, recipe=replace(before, weights={"words": 1.0}))  # products lost their texts
    assert "words" not in choose_plan(later, content, SETTINGS, 3, standing=wordy).plan.recipe.weights

    bad = replace(choice.plan, als=choice.plan.als.model_copy(update={"regularization": 1e7}))
    mended = choose_plan(later, content, SETTINGS, 3, standing=bad).plan
    assert mended.als.regularization < 1e7
