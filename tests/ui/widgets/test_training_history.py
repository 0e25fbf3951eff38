"""What a training did, in words: whose behaviour speaks, what was tried, what judgements taught it."""

from engine.arms.plan import TrainingPlan, Trial, Trials
from engine.core.settings import AlsSettings
from engine.models.item_model import ItemModel
from engine.models.recipe import Recipe
from engine.models.user_scoring import UserScoring
from ui.widgets.training_history import als_table, judgements_sentence, share_sentences, shoppers_sentence


def share(low, high, own, views, arm="hybrid"):
    return {"low": low, "high": high, "products": 9, "arm": arm, "own": own, "views": views, "channels": {}}


def test_shares_are_told_in_words_the_largest_first_and_small_ones_left_out():
    training = {
        "shares": [
            share(0, 0, 0.0, {"prediction": 0.97, "words": 0.03}),
            share(1, 3, 0.15, {"prediction": 0.25, "words": 0.6}),
            share(4, 10, 0.5, {"words": 0.5}, arm="content"),
            share(51, None, 1.0, {}),
        ]
    }
    assert share_sentences(training, "clicks") == [
        "Products with no clicks: 97% from shoppers of products with similar predicted behaviour",
        "Products with 1–3 clicks: 60% from shoppers of products with similar wording, "
        "25% from shoppers of products with similar predicted behaviour, 15% from their own clicks",
        "Products with 4–10 clicks: Text and picture alone, which worked better",
        "Products with more than 50 clicks: 100% from their own clicks",
    ]


def test_a_training_that_measured_nothing_has_no_shares():
    assert share_sentences({}, "clicks") == []


def test_what_was_tried_is_told_best_first_with_the_one_in_use():
    given, used = AlsSettings(), AlsSettings(regularization=100.0)
    trials = Trials(als=(Trial(given, 0.05), Trial(used, 0.09)))
    table = als_table(TrainingPlan(used, Recipe({"content": 1.0}), trials=trials))
    assert table["regularization"].tolist() == [100.0, 0.05]
    assert table["used"].tolist() == [True, False]
    assert als_table(TrainingPlan(used, Recipe({"content": 1.0}))).empty


def test_behaviour_beside_is_told_in_words():
    share = {"low": 11, "high": 50, "arm": "hybrid", "own": 0.6, "views": {"text": 0.4}, "channels": {"als": 2.0}}
    (sentence,) = share_sentences({"shares": [share]}, "clicks")
    assert sentence.endswith("plus clicks compared directly, with 2 times the weight")


LEARNED = {
    "pairs": 1200, "products": 60, "irrelevant": 400, "power": 0.5, "apart_products": 55,
    "ordered_before": 0.7, "ordered_after": 0.82,
}  # fmt: skip


def test_what_judgements_taught_is_told_with_what_it_brought():
    assert judgements_sentence({}) == ""
    said = judgements_sentence(LEARNED)
    assert said.startswith("Learned from 1,200 judged pairs on 60 products, 400 of them irrelevant")
    assert "82%" in said
    assert "70%" in said


def test_judgements_that_helped_no_other_products_are_said_to_have_changed_their_own_lists_alone():
    said = judgements_sentence(LEARNED | {"power": 0.0, "ordered_before": None, "ordered_after": None})
    assert "Only the lists of those products changed" in said
    assert "%" not in said


def test_how_shoppers_are_served_is_told_with_what_it_was_chosen_from():
    together = UserScoring(1, 8.0, ItemModel(0.5, 0.25, 16))
    trials = Trials(
        user_scorings=(Trial(UserScoring(), 0.144), Trial(UserScoring(6, 2.0), 0.2), Trial(together, 0.259))
    )

    def said(scoring, trials=trials):
        plan = TrainingPlan(AlsSettings(), Recipe({"content": 1.0}, user_scoring=scoring), trials=trials)
        return shoppers_sentence(plan)

    assert "often chosen together" in said(together)
    assert said(together).endswith(
        "3 ways were compared by how well they find products with few interactions that shoppers "
        "had chosen and that were hidden: this one reached 0.259, the plainest 0.144."
    )
    assert "very like single ones" in said(UserScoring(6, 2.0))
    assert said(UserScoring(), Trials()) == "Shoppers are shown what lies near everything they have, taken together."
