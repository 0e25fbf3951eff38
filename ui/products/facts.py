"""One product, large: its picture, its facts, its traffic, and whether that is enough for behaviour to help."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from engine.catalogue.snapshot import ITEM_COLUMNS
from engine.catalogue.traffic import FEW, Traffic
from ui.widgets.cards import Card, CardMaker
from ui.widgets.formatting import count_phrase, fact_text, html_text, text_or_none

__all__ = ["draw_facts", "draw_product", "meaning"]

FACTS_SHOWN = 12


def draw_product(row: int, maker: CardMaker) -> None:
    """Draw the product in this row of the catalogue."""
    card, item = maker.card(row), maker.items.iloc[row]
    facts = [("Brand", card.brand), ("Category", text_or_none(item["category"])), ("ID", card.item_id)]
    facts += [(name.replace("_", " ").capitalize(), fact_text(item[name])) for name in _attributes(maker)]
    said = meaning(int(item["interaction_count"]), maker.traffic, maker.word)
    draw_facts(card, said, text_or_none(item["description"]), facts)


def draw_facts(card: Card, said: str, description: str | None, facts: Sequence[tuple[str, str | None]]) -> None:
    """Draw a product, large: `said` is what stands under its price, `facts` are names and values, of which some are shown."""
    picture = f'<img src="{html_text(card.large)}" alt="{html_text(card.title)}">' if card.large else ""
    rows = "".join(
        f'<dt>{html_text(name)}</dt><dd title="{html_text(value)}">{html_text(value)}</dd>'
        for name, value in facts[:FACTS_SHOWN]
        if value
    )
    st.html(
        '<article class="lt-product">'
        + (f'<div class="lt-picture">{picture}</div>' if picture else "")
        + f'<div><h2 title="{html_text(card.title)}">{html_text(card.title)}</h2>'
        f'<span class="lt-price">{html_text(card.price)}</span></div>'
        f'<div class="lt-meaning">{html_text(said)}</div>'
        + (f'<p class="lt-quiet">{html_text(description)}</p>' if description else "")
        + f'<dl class="lt-facts">{rows}</dl></article>'
    )


def meaning(count: int, traffic: Traffic, word: str) -> str:
    """What a count means for behaviour: `3 clicks: too few for behaviour alone; the median product has 41.`"""
    median = f"the median product has {traffic.median:,.0f}"
    level = traffic.level(count)
    verdict = {
        "none": "nothing for behaviour to use",
        "tail": "too few for behaviour to help",
        "middle": "enough for behaviour to help",
        "head": "plenty for behaviour",
    }[level]
    if 0 < count < FEW:  # however busy that is beside the others
        verdict = "too few for behaviour alone"
    phrase = count_phrase(count, word)
    return f"{phrase[0].upper()}{phrase[1:]}: {verdict}; {median}."


def _attributes(maker: CardMaker) -> list[str]:
    return [name for name in maker.items.columns if name not in ITEM_COLUMNS and name != "interaction_count"]
