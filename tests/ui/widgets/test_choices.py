"""What a training chose, in words."""

from __future__ import annotations

from engine.arms.plan import QuietTrial, TrainingPlan, Trial, Trials
from engine.core.settings import AlsSettings
from engine.models.recipe import Recipe, Silence
from ui.widgets.choices import choice_sentences, modality_sentence, niche_sentence

START = Recipe({"content": 1.0})
USED = Recipe({"content": 1.0, "words": 2.0}, noise=9.49, silence=Silence(1.0, 1.0))


def plan(recipe: Recipe = USED, modalities: tuple[Trial[str], ...] = ()) -> TrainingPlan:
    trials = Trials(
        recipes=(Trial(START, 0.4), Trial(USED, 0.512)),
        silences=(QuietTrial(recipe, 0.5, 0.4, 0.3),),
        modalities=modalities,
    )
    return TrainingPlan(AlsSettings(), recipe, trials=trials)


def test_it_says_what_was_compared_and_what_it_was_worth():
    first, second, third = choice_sentences(plan(), "purchases")
    assert first.startswith("3 recipes were compared on products whose purchases were hidden.")
    assert "wording and text, picture and attributes together (weight 0.5)" in first
    assert "it reached 0.512, the one it started from 0.400" in first
    assert "from about 9 purchases on" in second
    assert "count 4.0 times as much as behaviour" in third


def test_a_recipe_that_stands_is_told_with_its_own_figure():
    trials = Trials(recipes=(Trial(START, 0.5), Trial(USED, 0.503)))  # better, but not clearly
    first = choice_sentences(TrainingPlan(AlsSettings(), START, trials=trials), "clicks")[0]
    assert first.endswith(
        "compares products by text, picture and attributes together: it reached 0.500, and no other was clearly better."
    )


def test_it_says_where_content_does_not_speak_for_itself():
    quiet = Recipe({"content": 1.0}, silence=Silence(weight=0.0))
    assert "did not help" in choice_sentences(plan(quiet), "clicks")[-1]


def test_where_nothing_was_compared_it_says_why_or_nothing():
    nothing = TrainingPlan(AlsSettings(), START)
    assert choice_sentences(nothing, "clicks") == []
    assert choice_sentences(TrainingPlan(AlsSettings(), START, problem="Too few."), "clicks") == ["Too few."]


def test_each_part_of_the_content_is_told_by_what_leaving_it_out_costs():
    tried = (Trial("", 0.5), Trial("text", 0.4), Trial("image", 0.499), Trial("attributes", 0.52))
    assert modality_sentence(plan(modalities=tried)).endswith(
        "neighbours are 20% worse without texts, as good without pictures, 4% better without attributes."
    )
    assert modality_sentence(plan()) == ""


def niches(hybrid: float, content: float, behind: float) -> dict[str, object]:
    pooled = {name: {"mean": mean} for name, mean in (("hybrid", hybrid), ("content", content))}
    return {
        "niches": {
            "n_targets": 90,
            "by_look_alikes": {"pooled": pooled},
            "behind_content": behind,
            "behind_content_error": 0.01,
        }
    }


def test_quiet_corners_are_told_as_they_were_measured():
    assert "serves them better than" in niche_sentence(niches(0.5, 0.4, -0.1), "clicks")
    assert "as well as" in niche_sentence(niches(0.4, 0.41, 0.01), "clicks")
    assert "text and picture alone would serve them better" in niche_sentence(niches(0.3, 0.4, 0.1), "clicks")
    assert niche_sentence({}, "clicks") == ""
