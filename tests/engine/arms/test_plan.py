import json

from engine.arms.candidate_mix import CandidateMix
from engine.arms.plan import FavourTrial, LongTailTrade, TrainingPlan, Trial, Trials, default_plan
from engine.core.settings import Settings
from engine.models.item_model import ItemModel
from engine.models.recipe import Recipe
from engine.models.user_scoring import UserScoring


def test_a_plan_and_all_that_was_tried_survive_json():
    settings = Settings()
    recipe = Recipe(
        {"content": 1.0},
        fallback={1: "content", 4: "hybrid"},
        user_scoring=UserScoring(1, 0.5, ItemModel(0.5, 0.25, 32)),
    )
    trials = Trials(
        als=(Trial(settings.als, 0.1), Trial(settings.als.model_copy(update={"alpha": 20.0}), 0.2)),
        mixes=(Trial(CandidateMix(64.0, 0.5), 0.3),),
        recipes=(Trial(recipe, 0.4),),
        user_scorings=(Trial(UserScoring(), 0.5),),
        long_tail=LongTailTrade(0.05, FavourTrial(1.0, 0.1, 0.0, 0.0), (FavourTrial(1.0, 0.2, 0.01, 0.02),)),
    )
    plan = TrainingPlan(settings.als, recipe, CandidateMix(8.0, 0.5), trials)
    assert TrainingPlan.from_dict(json.loads(json.dumps(plan.to_dict()))) == plan
    small = default_plan(settings, 40, words=True, problem="Only 3 products.")
    assert TrainingPlan.from_dict(json.loads(json.dumps(small.to_dict()))) == small


def test_the_default_plan_is_the_settings_as_they_are():
    settings = Settings.model_validate({"als": {"factors": 8}, "predictor": {"half_known": 0.0}})
    plan = default_plan(settings, 400, words=True)
    assert (plan.als, plan.mix.half_known, plan.trials) == (settings.als, 0.0, Trials())
    assert set(plan.recipe.weights) == {"words", "content", "prediction"}
    plain = default_plan(Settings(), 400, words=False)
    assert plain.mix == CandidateMix()
    assert "words" not in plain.recipe.weights
