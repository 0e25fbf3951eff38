"""The command palette and the keyboard map: going to any page, set or product by a few letters, on every page."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import streamlit as st

from engine.access.acting import Actor
from engine.core.errors import LongtailError
from engine.core.visible_text import visible
from engine.edits.sets.store import SetStore
from ui.app.navigation import NAVIGATION, go_to
from ui.app.resources import database
from ui.widgets.addresses import base_path

__all__ = ["PaletteEntry", "draw_palette", "page_entries"]

ASSETS = Path(__file__).resolve().parents[2] / "assets"
MOST_SETS = 50
KEYS: Mapping[str, Sequence[tuple[str, str]]] = {
    "": (("Ctrl K", "go to any product, page or set"), ("?", "these keys")),
    "similar_items": (
        ("X", "mark the product under the pointer, or the selected ones, as irrelevant; again takes it back"),
        ("Shift click", "select all between two boxes"),
        ("Ctrl A", "select everything on the page, with a card in focus"),
        ("Esc", "select nothing"),
    ),
}
"""Page -> its keys and what they do; those under "" work everywhere."""


@dataclass(frozen=True)
class PaletteEntry:
    """A place to go: `kind` says what it is, `page` and `query` where it is."""

    kind: str
    label: str
    page: str
    query: Mapping[str, str | list[str]] = field(default_factory=dict)


def draw_palette(actor: Actor, module: str) -> None:
    """Draw the palette's button, and go where somebody chose to.

    Parameters
    ----------
    module : of the page that is open, whose keys are shown. Review shows its own.
    """
    keys = [] if module == "review" else [*KEYS.get(module, ()), *KEYS[""]]
    result = _component()(
        key="palette",
        data={
            "entries": [asdict(one) for one in [*page_entries(actor), *_set_entries()]],
            "find": f"{base_path()}/find",
            "keys": keys,
        },
        on_go_change=lambda: None,
        width="content",
    )
    wanted = result.get("go")
    if wanted:
        go_to(str(wanted["page"]), dict(wanted["query"]))


def page_entries(actor: Actor) -> list[PaletteEntry]:
    """The pages that somebody may see."""
    return [
        PaletteEntry("Page", entry.title, entry.module)
        for group in NAVIGATION.values()
        for entry in group
        if actor.may(entry.needs)
    ]


def _set_entries() -> list[PaletteEntry]:
    """Saved sets; none while the database cannot be read, which pages say."""
    try:
        sets = SetStore(database()).named(MOST_SETS)
    except LongtailError:
        return []
    return [
        PaletteEntry("Set", visible(name), "similar_items", _address(search or {"show": [f"set:{set_id}"]}))
        for set_id, name, search in sets
    ]


def _address(query: Mapping[str, Sequence[str]]) -> dict[str, str | list[str]]:
    return {name: list(values) for name, values in query.items()}


@functools.cache
def _component() -> Callable[..., Any]:
    js = "\n".join((ASSETS / name).read_text("utf-8") for name in ("common.js", "palette.js"))
    return st.components.v2.component("longtail_palette", css=(ASSETS / "palette.css").read_text("utf-8"), js=js)
