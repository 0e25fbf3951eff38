"""The command palette and the keyboard map: any page, set, product or action by a few letters, on every page."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from engine.access.acting import Actor
from engine.core.errors import LongtailError
from engine.core.visible_text import visible
from engine.edits.sets.store import SetStore
from ui.app.keys import keys_of
from ui.app.navigation import NAVIGATION, go_to
from ui.app.palette_actions import actions_for
from ui.app.resources import database
from ui.app.tour import take_tour
from ui.widgets.addresses import base_path
from ui.widgets.scripts import served_component

__all__ = ["PaletteEntry", "action_entries", "draw_palette", "page_entries"]

LOADING = '<div class="loading" aria-hidden="true" style="width: 34px; height: 34px"></div>'
MOST_SETS = 50


@dataclass(frozen=True)
class PaletteEntry:
    """A place to go, or something to do: `kind` says what it is, `page` and `query` where it is.

    Attributes
    ----------
    also : other words that find it. act : as `PaletteAction.act`.
    """

    kind: str
    label: str
    page: str
    query: Mapping[str, str | list[str]] = field(default_factory=dict)
    also: str = ""
    act: str = ""


def draw_palette(actor: Actor, module: str) -> None:
    """Draw the palette's button, and go where somebody chose to.

    Parameters
    ----------
    module : of the page that is open, whose keys are shown.
    """
    result = _component()(
        key="palette",
        data={
            "entries": [_sent(one) for one in [*page_entries(actor), *action_entries(actor), *_set_entries()]],
            "find": f"{base_path()}/find",
            "keys": keys_of(module),
        },
        on_go_change=lambda: None,
        width="content",
    )
    wanted = result.get("go")
    if wanted:
        if wanted.get("act") == "tour":
            take_tour()
        go_to(str(wanted["page"]), dict(wanted["query"]))


def _sent(entry: PaletteEntry) -> dict[str, Any]:
    """What the script gets: it goes out with every run, so without what is empty."""
    return {name: value for name, value in asdict(entry).items() if value}


def page_entries(actor: Actor) -> list[PaletteEntry]:
    """The pages that somebody may see."""
    return [
        PaletteEntry("Page", entry.title, entry.module)
        for group in NAVIGATION.values()
        for entry in group
        if actor.may(entry.needs)
    ]


def action_entries(actor: Actor) -> list[PaletteEntry]:
    """What somebody may do now."""
    return [
        PaletteEntry("Action", one.label, one.page, dict(one.query), one.also, one.act) for one in actions_for(actor)
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


def _component() -> Callable[..., Any]:
    return served_component("longtail_palette", ("common.js", "palette.js"), "palette.css", LOADING)
