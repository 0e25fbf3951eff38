"""The component of the Review page: card, keys and outbox in the browser (assets/review*.js)."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import streamlit as st
from markdown_it import MarkdownIt

from engine.recommend.recommender import Recommender
from ui.widgets.cards import Card, CardMaker

__all__ = ["REASONS", "browser_card", "guidelines_html", "review_component"]

ASSETS = Path(__file__).resolve().parents[2] / "assets"
SCRIPTS = ("common.js", "review_outbox.js", "review_view.js", "review.js")
REASONS = {
    "wrong_kind": "wrong kind of product",
    "wrong_style": "wrong style",
    "wrong_occasion": "wrong occasion",
    "wrong_price": "wrong price level",
    "duplicate": "duplicate",
}
# Nothing that tells how well known a product is or who returned it: the curator is to judge by the product.
SHOWN = ("item_id", "title", "brand", "price", "image", "large")


def review_component(*, key: str, data: Mapping[str, Any], on_renew: Callable[[], None]) -> None:
    """Draw the component.

    Parameters
    ----------
    data : session (names curator, campaign and place; what the browser keeps is kept under it), token, url
        {cards, decisions}, guidelines (HTML), reasons, warmup (cards with answers), progress.
    on_renew : called before the page runs again when the pass is no longer good.
    """
    reasons = list(REASONS.items())
    _component()(key=key, data={**data, "reasons": reasons}, on_renew_change=on_renew)


def browser_card(
    card_id: str, anchor_id: str, neighbour_ids: Sequence[str], expires: float, facade: Recommender, maker: CardMaker
) -> dict[str, Any]:
    """A card as the browser gets it: what is shown of the products, blind to arms, ranks and traffic.

    Raises `NotFoundError` where a product is no longer in the catalogue.
    """

    def shown(item_id: str) -> dict[str, Any]:
        made: Card = maker.card(facade.row(item_id))
        return {name: value for name, value in asdict(made).items() if name in SHOWN}

    return {
        "id": card_id,
        "expires": expires,
        "anchor": shown(anchor_id),
        "neighbours": [shown(neighbour) for neighbour in neighbour_ids],
    }


def guidelines_html(text: str) -> str:
    """Markdown as HTML that holds no HTML of its writer's and no address but of http, https and mail."""
    return str(_markdown().render(text))


@functools.cache
def _markdown() -> MarkdownIt:
    return MarkdownIt("commonmark", {"html": False}).disable("image")


@functools.cache
def _component() -> Callable[..., Any]:
    css = (ASSETS / "review.css").read_text("utf-8")
    js = "\n".join((ASSETS / name).read_text("utf-8") for name in SCRIPTS)
    return st.components.v2.component("longtail_review", css=css, js=js)
