"""Cards: products as pictures that can be opened and, where asked, marked irrelevant; drawn by one small component.

One component draws all the cards of a page, so that a page with forty products is one element to Streamlit, not two
hundred. Titles reach the browser as data and are put there as text, never as markup. The component keeps judgements in
an outbox until the server has confirmed them (see `ui.review.flags`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Any, Literal
from urllib.parse import urlencode

import pandas as pd
import streamlit as st

from engine.catalogue.snapshot import ITEM_COLUMNS
from engine.catalogue.traffic import Level, Traffic
from engine.core.visible_text import visible
from ui.widgets.addresses import picture_url, thumb_url
from ui.widgets.formatting import count_phrase, fact_phrase, price_phrase, text_or_none
from ui.widgets.scripts import served_component

__all__ = ["LEVEL_NAMES", "Card", "CardMaker", "Group", "Judging", "Layout", "Selecting", "card_groups", "product_href"]

SCRIPTS = ("common.js", "cards_outbox.js", "cards_why.js", "cards_text.js", "cards_select.js", "cards.js")
STYLES = ("cards_text.css", "cards.css", "cards_why.css")
# As tall as two rows of cards: what stands below would move once they come.
LOADING = '<div class="loading" aria-hidden="true" style="height: 600px"></div>'
Layout = Literal["grid", "columns", "strip"]
FACTS = 5
LEVEL_NAMES: dict[Level, str] = {"head": "Head", "middle": "Middle", "tail": "Long tail", "none": "No traffic"}


@dataclass(frozen=True)
class Card:
    """What is shown of one product. `level` colours the traffic badge; `image` and `large` are addresses or None.

    `facts` are shown where there is no picture: its category, then what else is known of it.
    `why` is a sentence on why it stands there; what is behind it lies at `why_href`, where that is known.
    """

    item_id: str
    title: str
    brand: str
    price: str
    count: str
    level: Level
    image: str | None
    large: str | None
    href: str
    rank: int | None = None
    note: str = ""
    facts: Sequence[str] = ()
    why: str = ""
    why_href: str = ""


@dataclass(frozen=True)
class Group:
    """Cards under one heading with a quiet detail beside it; `empty` is the sentence shown instead of none."""

    name: str = ""
    title: str = ""
    detail: str = ""
    hint: str = ""
    cards: Sequence[Card] = field(default_factory=tuple)
    empty: str = ""


@dataclass(frozen=True)
class Judging:
    """What the flags on cards need.

    Attributes
    ----------
    anchor : id of the product beside which the cards stand.
    release : id of the release that is shown; a judgement of another one is refused.
    mine : neighbour id -> the verdict of whoever looks.
    others : neighbour id -> what others said, in words.
    rest : whether "The rest fit" is offered.
    settled : client ids of judgements that the browser may forget.
    words : verdict -> what it is called.
    """

    anchor: str
    release: str
    mine: Mapping[str, str]
    others: Mapping[str, str]
    rest: bool
    settled: Sequence[str]
    words: Mapping[str, str]


@dataclass(frozen=True)
class Selecting:
    """What boxes on cards need.

    Attributes
    ----------
    chosen : ids of the cards that are chosen, also of those that are not on screen.
    version : another one where the page sets `chosen` anew; else what the browser has counts.
    """

    chosen: Sequence[str]
    version: int


@dataclass(frozen=True)
class CardMaker:
    """Makes cards from rows of the catalogue."""

    items: pd.DataFrame
    traffic: Traffic
    word: str
    currency: str | None

    def card(self, row: int, *, rank: int | None = None, note: str = "") -> Card:
        """The card of the product in this row."""
        item = {name: column[row] for name, column in self._columns.items()}
        item_id, count = str(item["item_id"]), int(item["interaction_count"])
        image = text_or_none(item["image"])
        return Card(
            item_id=item_id,
            title=visible(text_or_none(item["title"]) or item_id),
            brand=visible(text_or_none(item["brand"]) or ""),
            price=visible(price_phrase(item["price"], self.currency)),
            count=visible(count_phrase(count, self.word)),
            level=self.traffic.level(count),
            image=thumb_url(image) if image else None,
            large=picture_url(image) if image else None,
            href=product_href(item_id),
            rank=rank,
            note=note,
            facts=self._facts(item),
        )

    def _facts(self, item: Mapping[str, Any]) -> list[str]:
        """The category and the first attributes, as far as they are known."""
        category = text_or_none(item["category"])
        said = [fact for name in self._attributes if (fact := fact_phrase(name, item[name]))]
        return [visible(fact) for fact in ([category] if category else []) + said][:FACTS]

    @cached_property
    def _columns(self) -> dict[str, Any]:
        """Name -> the column's values: a row of the table would be a series of its own, and cards are many."""
        return {name: self.items[name].array for name in self.items.columns}

    @cached_property
    def _attributes(self) -> list[str]:
        return [name for name in self.items.columns if name not in ITEM_COLUMNS and name != "interaction_count"]


def product_href(item_id: str) -> str:
    """Address of a product's page, relative to any page of the dashboard."""
    return f"./similar_items?{urlencode({'item': item_id})}"


def card_groups(
    groups: Sequence[Group],
    *,
    key: str,
    layout: Layout = "grid",
    on_open: Callable[[str], None] | None = None,
    judging: Judging | None = None,
    on_outbox: Callable[[], None] | None = None,
    selecting: Selecting | None = None,
    on_select: Callable[[], None] | None = None,
) -> str | None:
    """Draw groups of cards side by side.

    Parameters
    ----------
    layout : "grid" fills the width with cards; "columns" puts the groups beside one another, aligned by rank;
        "strip" has a row for each group that scrolls sideways.
    on_open : called with the item id before the page runs again when a card is opened; without it the id is returned.
    judging : what the flags need; without it cards have none.
    selecting : what boxes need; without it cards have none.
    on_select : called before the page runs again when cards were chosen or not any more: `st.session_state[key]["chosen"]`.
    on_outbox : called before the page runs again when there are judgements to store, in `st.session_state[key]["outbox"]`.
    """

    def opened() -> None:
        if on_open is not None and (item_id := st.session_state[key].get("open")):
            on_open(str(item_id))

    result = served_component("longtail_cards", SCRIPTS, STYLES, LOADING)(
        key=key,
        data={
            "layout": layout,
            "groups": [vars(group) | {"cards": [vars(card) for card in group.cards]} for group in groups],
            "judging": asdict(judging) if judging else None,
            "selecting": asdict(selecting) if selecting else None,
        },
        on_open_change=opened,
        on_outbox_change=on_outbox or (lambda: None),
        on_chosen_change=on_select or (lambda: None),
    )
    item_id = result.get("open")
    return str(item_id) if item_id and on_open is None else None
