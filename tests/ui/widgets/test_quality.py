"""The quality of lists on screen: the references under names people know, the ceiling dashed."""

import pytest

from ui.widgets.quality import looked_at_part, quality_chart, quality_headline, quality_table


def figures(mean: float) -> dict[str, object]:
    interval = {"mean": mean, "low": mean - 0.1, "high": mean + 0.1}
    return {"ndcg": interval, "average_precision": interval, "coverage": 1.0, "targets": 9}


def test_the_ceiling_is_the_best_of_the_rich_methods_under_one_name():
    levels = {"pooled": 0.0, "0": 0.0, "1": 0.0}
    metrics = {
        "thinning": {"hybrid": {level: figures(0.5) for level in levels}},
        "references": {
            "popularity": {level: figures(0.1) for level in levels},
            "rich_als": {level: figures(0.4) for level in levels},
            "rich_item_knn": {level: figures(0.7) for level in levels},
        },
    }
    table = quality_table(metrics)
    pooled = table[table["kept"] == "pooled"].set_index("arm")["ndcg"]
    assert pooled.to_dict() == {"Longtail": 0.5, "Bestsellers": 0.1, "Behaviour with more data": 0.7}
    drawn = quality_chart(table, "clicks").to_dict()
    assert any(layer["mark"].get("strokeDash") for layer in drawn["layer"])


@pytest.mark.parametrize(
    ("longtail", "behaviour", "sentence"),
    [
        (0.6, 0.3, "With 1 to 5 clicks, Longtail's neighbours are 2.0 times as good as behaviour's"),
        (0.5, 0.4, "With 1 to 5 clicks, Longtail and behaviour cannot be told apart on 9 products"),
        (0.3, 0.6, "With 1 to 5 clicks, behaviour alone beats Longtail"),
    ],
)
def test_the_headline_claims_no_more_than_the_intervals_allow(longtail, behaviour, sentence):
    metrics = {"thinning": {"hybrid": {"pooled": figures(longtail)}, "als": {"pooled": figures(behaviour)}}}
    assert quality_headline(quality_table(metrics), "clicks") == sentence


def test_a_part_of_the_shop_that_stands_for_all_of_it_is_named() -> None:
    part = {
        "products": 9000,
        "of": 100_000,
        "interactions": 200_000,
        "of_interactions": 5_000_000,
        "budget_seconds": 300,
    }
    said = looked_at_part({"looked_at": part}, "clicks")
    assert said is not None
    assert "9,000 of 100,000 products" in said
    assert "200,000 of 5,000,000 clicks: what 300 seconds" in said
    assert looked_at_part({"thinning": {}}, "clicks") is None
