from ui.model_charts import share_sentences


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
        "For products without any clicks: 97 % buyers of products with the same predicted behaviour",
        "For products with 1-3 clicks: 60 % buyers of products with the same words, "
        "25 % buyers of products with the same predicted behaviour, 15 % own clicks",
        "For products with 4-10 clicks: Text and picture alone, which was better there",
        "For products with more than 50 clicks: 100 % own clicks",
    ]


def test_a_release_from_before_has_no_shares():
    assert share_sentences({}, "clicks") == []
