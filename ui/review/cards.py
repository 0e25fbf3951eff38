"""Review cards as the browser gets them: what is shown of the products, blind to arms, ranks and traffic."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from engine.curation.queue import Card
from engine.recommend.recommender import Recommender
from ui.widgets.cards import CardMaker

__all__ = ["ReviewCard", "ShownProduct", "review_card"]


@dataclass(frozen=True)
class ShownProduct:
    """A product by itself: nothing tells how well known it is or which arm returned it. `image` and `large` are addresses."""

    item_id: str
    title: str
    brand: str
    price: str
    image: str | None
    large: str | None
    facts: tuple[str, ...] = ()


@dataclass(frozen=True)
class ReviewCard:
    """A product and those that may or may not belong beside it.

    Attributes
    ----------
    expires : when its lease ends, epoch seconds.
    answers : on a warm-up card, what others said: neighbour id -> a verdict, or "any".
    """

    id: str
    expires: float
    anchor: ShownProduct
    neighbours: tuple[ShownProduct, ...]
    answers: Mapping[str, str] | None = None


def review_card(
    card: Card, facade: Recommender, maker: CardMaker, answers: Mapping[str, str] | None = None
) -> ReviewCard:
    """The card with what is shown of its products; raises `NotFoundError` where one has left the catalogue."""

    def shown(item_id: str) -> ShownProduct:
        made = maker.card(facade.row(item_id))
        return ShownProduct(made.item_id, made.title, made.brand, made.price, made.image, made.large, tuple(made.facts))

    neighbours = tuple(shown(neighbour) for neighbour in card.neighbour_ids)
    return ReviewCard(card.id, card.lease_until, shown(card.anchor_id), neighbours, answers)
