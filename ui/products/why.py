"""Why each neighbour stands on a list: sentences for cards, and the address of what is behind them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlencode

import streamlit as st

from engine.arms.registry import SERVED
from engine.catalogue.product import Product
from engine.explain.facts import Anchor, Explainer, Facts
from engine.recommend.neighbour import Neighbour
from engine.recommend.recommender import Recommender
from engine.recommend.unseen import UnseenVectors
from engine.serving.served_shop import ServedShop
from ui.app.resources import served, words_of
from ui.products.why_words import because_sentence, why_sentence
from ui.widgets.addresses import base_path
from ui.widgets.cards import Card
from ui.widgets.formatting import day_phrase, text_or_none

__all__ = [
    "because",
    "explained",
    "explained_changed",
    "explained_unseen",
    "explainer",
    "facts_about",
    "sentence_about",
]


def explained(item_id: str, arm: str, neighbours: Sequence[Neighbour], cards: Sequence[Card]) -> list[Card]:
    """The cards of a product's or draft's neighbours with why each of them is there, in the same order."""
    shop = served()
    facts = facts_about(shop, item_id, arm, neighbours)
    known = item_id in shop.release
    return [
        replace(
            card,
            why=sentence_about(shop, item_id, arm, one),
            why_href=_address(item_id, arm, one.item_id, card.rank) if known and one.item_id in shop.release else "",
        )
        for card, one in zip(cards, facts, strict=True)
    ]


def explained_unseen(
    product: Product, vectors: UnseenVectors, neighbours: Sequence[Neighbour], cards: Sequence[Card]
) -> list[Card]:
    """The same for a product that nobody has seen, of which the release just made `vectors`."""
    queries = {arm: sides.query[0] for arm, sides in vectors.sides.items()}
    return _with_sentences(Anchor(product, None, queries), neighbours, cards)


def explained_changed(
    item_id: str, product: Product, neighbours: Sequence[Neighbour], cards: Sequence[Card]
) -> list[Card]:
    """The same for a product of the release as it would be described."""
    return _with_sentences(Anchor(product, served().release.row(item_id), {}), neighbours, cards)


def because(shopper: str, ranked: Sequence[Neighbour], cards: Sequence[Card]) -> list[Card]:
    """The cards of what Longtail recommends to a shopper, with what of theirs each goes with."""
    release = served().release
    titles, word = release.items["title"], words_of(release).interaction_word
    ids = release.items["item_id"]
    found = release.reasons(shopper, [one.row for one in ranked])
    named = [[text_or_none(titles.iloc[row]) or str(ids.iloc[row]) for row in rows] for rows in found]
    return [replace(card, why=because_sentence(some, word)) for card, some in zip(cards, named, strict=True)]


def facts_about(shop: ServedShop, item_id: str, arm: str, neighbours: Sequence[Neighbour]) -> list[Facts]:
    """Facts about each neighbour of a product of the release, or of an approved draft."""
    release, drafts = shop.release, _drafts(shop)
    anchor = Anchor.of(release, item_id) if item_id in release else Anchor(drafts.get(item_id, Product()), None, {})
    return explainer(release).facts(anchor, neighbours, arm, drafts)


def sentence_about(shop: ServedShop, item_id: str, arm: str, facts: Facts) -> str:
    """Why a neighbour stands there, a place that somebody gave it first."""
    sentence = why_sentence(facts, arm, words_of(shop.release).interaction_word)
    place = shop.places.active.get(facts.item_id) if arm == SERVED else None
    if place is None or (place.kind != "boosted" and item_id not in shop.places.guaranteed(facts.item_id)):
        return sentence
    given = "Boosted" if place.kind == "boosted" else "Given a place here"
    return f"{given} by your team until {day_phrase(place.until)}; {sentence[:1].lower()}{sentence[1:]}"


def explainer(release: Recommender) -> Explainer:
    """What explains this version of the release."""
    return _explainer(release.directory, release.version, release)


def _with_sentences(anchor: Anchor, neighbours: Sequence[Neighbour], cards: Sequence[Card]) -> list[Card]:
    shop = served()
    facts = explainer(shop.release).facts(anchor, neighbours, SERVED, _drafts(shop))
    word = words_of(shop.release).interaction_word
    return [replace(card, why=why_sentence(one, SERVED, word)) for card, one in zip(cards, facts, strict=True)]


def _address(item_id: str, arm: str, neighbour: str, rank: int | None) -> str:
    asked: Mapping[str, object] = {"item": item_id, "arm": arm, "neighbour": neighbour, "rank": rank or 0}
    return f"{base_path()}/why?{urlencode(asked)}"


def _drafts(shop: ServedShop) -> dict[str, Product]:
    return {draft.id: draft.product for draft in shop.drafts.drafts}


@st.cache_resource(show_spinner=False, max_entries=2)
def _explainer(directory: Path, version: str, _release: Recommender) -> Explainer:
    return Explainer(_release)
