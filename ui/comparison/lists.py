"""The two lists of one product, with what moved between them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

import streamlit as st

from engine.arms.registry import SERVED
from engine.catalogue.traffic import Traffic
from engine.comparison.moves import Move, moves
from engine.core.visible_text import visible
from engine.edits.drafts.store import Draft
from engine.recommend.listed_release import ListedRelease
from ui.app.one_run import OnceARun
from ui.app.resources import served, words_of, workspace
from ui.comparison.results import list_length
from ui.comparison.sides import Chosen
from ui.comparison.words import move_words
from ui.products.draft_resources import draft_card, drafts
from ui.widgets.cards import Card, CardMaker, Group
from ui.widgets.formatting import html_text, plural, text_or_none

__all__ = [
    "Pair",
    "brand_of",
    "draw_heading",
    "groups_of",
    "is_known",
    "pair_of",
    "pair_sentence",
    "picture_of",
    "title_of",
]


_MAKERS: OnceARun[dict[str, CardMaker]] = OnceARun()


@dataclass(frozen=True)
class Pair:
    """A product's lists on both sides; `name` is that of each side."""

    item_id: str
    sides: tuple[Chosen, Chosen]
    lists: tuple[list[Move], list[Move]]


def pair_of(item_id: str, sides: tuple[Chosen, Chosen]) -> Pair:
    """The lists of a product as they were trained, and as it is served for an approved draft; empty where a side does not have it."""
    found = [_listed(chosen, item_id) for chosen in sides]
    return Pair(item_id, sides, moves(found[0], found[1]))


def is_known(chosen: Chosen, item_id: str) -> bool:
    """Whether a side can have a list of this product: its release has it, or it is live and shows it as an approved draft."""
    return item_id in chosen.side.release or (_shows_drafts(chosen) and item_id in served().drafts.ids)


def pair_sentence(pair: Pair) -> str:
    """`Of 10 neighbours, 6 are new, 2 higher up and 2 in the same place.`"""
    after = pair.lists[1]
    kinds = Counter(move.kind for move in after)
    parts = [
        f"{kinds['new']} new" if kinds["new"] else "",
        f"{kinds['up']} higher up" if kinds["up"] else "",
        f"{kinds['down']} further down" if kinds["down"] else "",
        f"{kinds['same']} in the same place" if kinds["same"] else "",
    ]
    said = [part for part in parts if part]
    if not said:
        return "There is no list after."
    if len(said) == 1:
        return f"All {plural(len(after), 'neighbour')} are {said[0].removeprefix(f'{len(after)} ')}."
    first, *middle, last = said
    count, _, what = first.partition(" ")
    begun = f"{count} {'is' if count == '1' else 'are'} {what}"
    return f"Of {plural(len(after), 'neighbour')}, {', '.join([begun, *middle])} and {last}."


def groups_of(pair: Pair, most: int | None = None) -> list[Group]:
    """Both lists as cards with what moved under each."""
    return [
        Group(
            name=name,
            title=chosen.name,
            detail=name.capitalize(),
            cards=_cards(chosen, listed[:most]),
            empty=_no_list(chosen, pair.item_id),
        )
        for name, chosen, listed in zip(("before", "after"), pair.sides, pair.lists, strict=True)
    ]


def _no_list(chosen: Chosen, item_id: str) -> str:
    return "No list for this product." if is_known(chosen, item_id) else "This product was not there."


def draw_heading(pair: Pair, sentence: str) -> None:
    """Draw the product with its picture and what is said of its lists."""
    card = _card(pair.sides[1], Move(pair.item_id, "same"), None)
    shown = f'<img src="{html_text(card.image)}" alt="">' if card.image else ""
    st.html(
        f'<div class="lt-compared">{shown}<div><h3 title="{html_text(card.title)}">{html_text(card.title)}</h3><p>{html_text(sentence)}</p></div></div>'
    )


def title_of(chosen: Chosen, item_id: str) -> str:
    """A product's title, or its id."""
    return visible(_fact(chosen, item_id, "title") or item_id)


def brand_of(chosen: Chosen, item_id: str) -> str | None:
    """A product's brand, or None."""
    brand = _fact(chosen, item_id, "brand")
    return visible(brand) if brand else None


def picture_of(chosen: Chosen, item_id: str) -> Path | None:
    """The file of a product's picture, 640 pixels at most; None where it has none."""
    image = _fact(chosen, item_id, "image")
    return workspace().image_file(image) if image else None


def _cards(chosen: Chosen, listed: list[Move]) -> list[Card]:
    return [_card(chosen, move, rank) for rank, move in enumerate(listed, 1)]


def _card(chosen: Chosen, move: Move, rank: int | None) -> Card:
    home = _home(chosen, move.item_id)
    if home is not None:
        return _maker(home).card(home.row(move.item_id), rank=rank, note=move_words(move))
    draft = _draft(move.item_id) or drafts().get(move.item_id)
    return replace(draft_card(draft, rank), note=move_words(move))


def _listed(chosen: Chosen, item_id: str) -> list[str]:
    side = chosen.side
    if item_id in side.release:
        return [one.item_id for one in side.release.neighbours(item_id, side.arm, list_length())]
    if is_known(chosen, item_id):
        return [one.item_id for one in served().neighbours(item_id, side.arm, list_length())]
    return []


def _shows_drafts(chosen: Chosen) -> bool:
    return chosen.side.arm == SERVED and chosen.side.release.edition == served().as_trained.edition


def _home(chosen: Chosen, item_id: str) -> ListedRelease | None:
    """The release that knows a product: the side's own, else the one that is served."""
    return next((one for one in (chosen.side.release, served().as_trained) if item_id in one), None)


def _draft(item_id: str) -> Draft | None:
    return next((one for one in served().drafts.drafts if one.id == item_id), None)


def _fact(chosen: Chosen, item_id: str, name: str) -> str | None:
    """A text of a product of the release, or of an approved draft; None where there is none."""
    home = _home(chosen, item_id)
    if home is not None:
        return text_or_none(home.items[name].iloc[home.row(item_id)])
    draft = _draft(item_id)
    if draft is None:
        return None
    if name == "image":
        return draft.pictures[0] if draft.pictures else None
    return draft.title if name == "title" else draft.product.brand


def _maker(release: ListedRelease) -> CardMaker:
    """One for each release and run: a page has dozens of cards of it."""
    makers = _MAKERS.get(dict)
    if release.edition not in makers:
        words, traffic = words_of(release), _traffic(release.directory, release.edition, release)
        makers[release.edition] = CardMaker(release.items, traffic, words.interaction_word, words.currency)
    return makers[release.edition]


@st.cache_resource(show_spinner=False, max_entries=4)
def _traffic(directory: Path, edition: str, _release: ListedRelease) -> Traffic:
    return Traffic.of(_release.items["interaction_count"])
