"""The sentences and cells about health: what is known is said with its source, what is not is said too."""

from __future__ import annotations

import pytest

from engine.overview.trust import Trust
from ui.today.health import concentration_sentence, trust_sentence, trust_words


def one(level: str, arm: str, source: str, share: float | None = None, judged: int = 0) -> Trust:
    ends = (None, None) if share is None else (share - 0.1, min(1.0, share + 0.05))
    return Trust(level, arm, source, share, *ends, seen=20, judged=judged)


def test_how_traffic_is_spread_is_a_sentence():
    assert concentration_sentence(448, 2000, "clicks") == "448 of 2,000 products (22%) make 80% of the clicks"
    assert concentration_sentence(1, 5, "orders") == "1 of 5 products (20%) makes 80% of the orders"
    assert concentration_sentence(0, 5, "orders") == "No product has orders yet"


@pytest.mark.parametrize(
    ("found", "sentence"),
    [
        (
            [one("tail", "hybrid", "lists", 0.91), one("tail", "als", "lists", 0.39)],
            "Longtail's lists are good for 91% of long-tail products; behaviour alone: 39%",
        ),
        (
            [one("tail", "hybrid", "lists", 0.91), one("tail", "als", "validation", 0.39)],
            "Longtail's lists are good for 91% of long-tail products",
        ),
        (
            [one("none", "hybrid", "validation", 0.5), one("none", "als", "none")],
            "In training, Longtail's lists for products without clicks came to 50% of a perfect list; behaviour alone has none",
        ),
        (
            [one("tail", "hybrid", "cards", 0.8), one("tail", "als", "unknown")],
            "80% of what Longtail shows beside long-tail products fits",
        ),
        (
            [one("tail", "hybrid", "unknown"), one("tail", "als", "lists", 0.4)],
            "How good the lists are is not known yet",
        ),
    ],
)
def test_the_headline_says_what_is_known_of_the_long_tail_and_compares_like_with_like(found, sentence):
    assert trust_sentence(found, "clicks") == sentence


def test_a_cell_says_what_its_figure_rests_on():
    assert trust_words(one("tail", "hybrid", "lists", 0.9)) == ("90% good", "80–95%, 20 lists judged")
    assert trust_words(one("tail", "hybrid", "cards", 0.9)) == ("90% fit", "80–95%, review cards of 20 products")
    assert trust_words(one("tail", "hybrid", "validation", 0.9)) == (
        "90% of perfect",
        "80–95%, from training (20 products)",
    )
    assert trust_words(one("none", "als", "none")) == ("no lists", "")
    assert trust_words(one("head", "als", "unknown")) == ("unknown", "nothing judged")
    assert trust_words(one("head", "als", "unknown", judged=3)) == ("unknown", "3 lists judged, too few")
