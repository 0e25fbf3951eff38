"""The two lists of one product, with what moved between them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from engine.catalogue.traffic import Traffic
from engine.comparison.moves import Move, moves
from engine.core.visible_text import visible
from engine.recommend.recommender import Recommender
from ui.app.resources import words_of, workspace
from ui.comparison.results import list_length
from ui.comparison.sides import Chosen
from ui.comparison.words import move_words
from ui.widgets.cards import Card, CardMaker, Group
from ui.widgets.formatting import html_text, plural, text_or_none

__all__ = ["Pair", "draw_heading", "groups_of", "pair_of", "pair_sentence", "picture_of", "title_of"]


@dataclass(frozen=True)
class Pair:
    """A product's lists on both sides; `name` is that of each side."""

    item_id: str
    sides: tuple[Chosen, Chosen]
    lists: tuple[list[Move], list[Move]]


def pair_of(item_id: str, sides: tuple[Chosen, Chosen]) -> Pair:
    """The lists of a product that both releases have, as they were trained."""
    found = [
        [one.item_id for one in chosen.side.release.neighbours(item_id, chosen.side.arm, list_length())]
        for chosen in sides
    ]
    return Pair(item_id, sides, moves(found[0], found[1]))


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
            empty="No list for this product.",
        )
        for name, chosen, listed in zip(("before", "after"), pair.sides, pair.lists, strict=True)
    ]


def draw_heading(pair: Pair, sentence: str) -> None:
    """Draw the product with its picture and what is said of its lists."""
    card = _maker(pair.sides[1]).card(pair.sides[1].side.release.row(pair.item_id))
    shown = f'<img src="{html_text(card.image)}" alt="">' if card.image else ""
    st.html(
        f'<div class="lt-compared">{shown}<div><h3>{html_text(card.title[:200])}</h3><p>{html_text(sentence)}</p></div></div>'
    )


def title_of(chosen: Chosen, item_id: str) -> str:
    """A product's title, or its id."""
    title = text_or_none(chosen.side.release.items["title"].iloc[chosen.side.release.row(item_id)])
    return visible(title or item_id)


def picture_of(chosen: Chosen, item_id: str) -> Path | None:
    """The file of a product's picture, 640 pixels at most; None where it has none."""
    image = text_or_none(chosen.side.release.items["image"].iloc[chosen.side.release.row(item_id)])
    return workspace().image_file(image) if image else None


def _cards(chosen: Chosen, listed: list[Move]) -> list[Card]:
    maker, release = _maker(chosen), chosen.side.release
    return [
        maker.card(release.row(move.item_id), rank=rank, note=move_words(move)) for rank, move in enumerate(listed, 1)
    ]


def _maker(chosen: Chosen) -> CardMaker:
    release = chosen.side.release
    words, traffic = words_of(release), _traffic(release.directory, release.edition, release)
    return CardMaker(release.items, traffic, words.interaction_word, words.currency)


@st.cache_resource(show_spinner=False, max_entries=4)
def _traffic(directory: Path, edition: str, _release: Recommender) -> Traffic:
    return Traffic.of(_release.items["interaction_count"])
