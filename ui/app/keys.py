"""The keyboard map: which keys every page has, and what they do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

__all__ = ["KEYS", "keys_of"]

Keys = Sequence[tuple[str, str]]

_EVERYWHERE: Keys = (("Ctrl K", "go to any product, page or set, or do something"), ("?", "show or hide these keys"))
KEYS: Mapping[str, Keys] = {
    "similar_items": (
        ("X", "mark the product under the pointer, or the selected ones, as irrelevant; again takes it back"),
        ("Shift click", "select all between two boxes"),
        ("Ctrl A", "select everything on the page, with a card in focus"),
        ("Esc", "select nothing"),
    ),
    "review": (
        ("1 – 9, 0", "mark a product as irrelevant; press again to unmark it"),
        ("Enter", "submit; everything you did not mark fits"),
        ("T", "can't tell: press T, then a product's number, or T again for all"),
        ("S", "skip this card"),
        ("U", "undo your last card and judge it again"),
    ),
    "map": (
        ("← ↑ → ↓", "move the map, once you have clicked it or reached it with Tab"),
        ("+ and −", "zoom in and out"),
        ("0", "show the whole map"),
        ("Enter", "show the product in the middle"),
        ("Esc", "close it, then select nothing"),
    ),
}
"""Page -> its own keys and what they do. "Ctrl" is shown as the key that a Mac has in its place."""


def keys_of(module: str) -> Keys:
    """The keys of a page, its own first."""
    return (*KEYS.get(module, ()), *_EVERYWHERE)
