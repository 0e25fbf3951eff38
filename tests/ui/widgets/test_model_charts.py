from ui.widgets.model_charts import als_table, quality_chart, quality_table, share_sentences


def share(low, high, own, views, arm="hybrid"):
    return {"low": low, "high": high, "products": 9, "arm": arm, "own": own, "views": views}


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
        "For products without any clicks: 97\u00a0% buyers of products with the same predicted behaviour",
        "For products with 1-3 clicks: 60\u00a0% buyers of products with the same words, "
        "25\u00a0% buyers of products with the same predicted behaviour, 15\u00a0% own clicks",
        "For products with 4-10 clicks: Text and picture alone, which was better there",
        "For products with more than 50 clicks: 100\u00a0% own clicks",
    ]


def test_a_release_from_before_has_no_shares():
    assert share_sentences({}, "clicks") == []


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
    assert pooled.to_dict() == {"Longtail": 0.5, "The bestsellers": 0.1, "If it had sold well": 0.7}
    drawn = quality_chart(table, "clicks").to_dict()
    assert any(layer["mark"].get("strokeDash") for layer in drawn["layer"])


def test_what_was_tried_is_told_best_first_with_the_one_in_use():
    metrics = {
        "als": {"factors": 64, "regularization": 100.0, "alpha": 5.0, "iterations": 15, "tries": 2},
        "als_tried": [
            {"factors": 64, "regularization": 0.05, "alpha": 5.0, "ndcg": 0.05},
            {"factors": 64, "regularization": 100.0, "alpha": 5.0, "ndcg": 0.09},
        ],
    }
    table = als_table(metrics)
    assert table["regularization"].tolist() == [100.0, 0.05]
    assert table["used"].tolist() == [True, False]
    assert als_table({}).empty


def test_behaviour_beside_is_told_in_words():
    share = {"low": 11, "high": 50, "arm": "hybrid", "own": 0.6, "views": {"text": 0.4}, "behaviour": 2.0}
    (sentence,) = share_sentences({"shares": [share]}, "clicks")
    assert sentence.endswith("and clicks compared directly, counted 2 times as much")
