"""Advice in sentences."""

from __future__ import annotations

from engine.edits.drafts.advice import Effect
from engine.recommend.inbound import Inbound
from ui.products.advice import inbound_sentence, parts_sentence


def test_what_drives_the_results_is_said_without_figures():
    parts = [Effect("picture", 1.0), Effect("facts", 0.4), Effect("text", 0.2)]
    assert (
        parts_sentence(parts) == "What drives these results: mostly the picture, partly the details, a little the text."
    )
    assert "No single part" in parts_sentence([Effect("picture", 0.0), Effect("text", 0.0)])
    assert parts_sentence([Effect("text", 0.3), Effect("facts", 0.0)]) == "What drives these results: partly the text."


def test_the_products_it_would_be_shown_beside_are_named():
    inbound = [Inbound("a", 1), Inbound("b", 3), Inbound("c", 10)]
    assert inbound_sentence(inbound, ["A", "B"]) == (
        "**It would be shown beside 3 products:** A (position 1), B (position 3) and 1 more."
    )
    assert inbound_sentence(inbound[:1], ["A"]) == "**It would be shown beside 1 product:** A (position 1)."
    assert inbound_sentence([], []) == "**Not shown beside any product yet:** others are closer matches."
