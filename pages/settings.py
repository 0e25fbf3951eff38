"""Settings: what people may change, in words, with what it is by default and when it takes effect."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import pandas as pd
import streamlit as st

from engine.access.acting import require
from engine.access.roles import Action
from engine.core.errors import LongtailError
from engine.core.settings import SettingLine, describe_settings, set_elsewhere
from engine.edits.settings_file import change_setting, is_written
from ui.app.notices import say
from ui.app.resources import settings, workspace
from ui.app.second_thoughts import offer_undo
from ui.widgets.formatting import plain, visible_cells

__all__ = ["OFFERED", "Offered", "page"]

Takes = Literal["at once", "with the next training"]


@dataclass(frozen=True)
class Offered:
    """A setting that the page offers: what it is called there, what it does, and when it takes effect."""

    name: str
    title: str
    says: str
    takes: Takes


OFFERED: dict[str, Sequence[Offered]] = {
    "The shop": (
        Offered("serving.shop_name", "Shop name", "What the shop is called on every page.", "at once"),
        Offered("serving.neighbours", "Products on a list", "How many similar items stand beside a product.", "at once"),
        Offered(
            "serving.favour", "Favour for the long tail",
            "How often a long-tail product's score counts when a shopper's list is filled; the Shopper page shows what it finds and costs.",
            "at once",
        ),
        Offered("serving.tour", "Tour for newcomers", "Whether people are shown around on their first visit, in four steps.", "at once"),
    ),
    "Judging": (
        Offered("curation.learn", "Learn from judgements", "Whether a training learns from what people judged.", "with the next training"),
        Offered(
            "curation.teaching_share", "Share that teaches",
            "How much of what is judged may teach; the rest measures, so that nothing is measured on what it learned from.",
            "with the next training",
        ),
    ),
    "Training": (
        Offered(
            "interactions.half_life_days", "Old interactions fade",
            "After so many days an interaction counts half. Empty: they never fade.", "with the next training",
        ),
        Offered("interactions.min_rating", "Lowest rating that is interest", "Ratings below do not count. Empty: as the shop's preset says.", "with the next training"),
        Offered("evaluation.enabled", "Measure quality", "Whether every training measures how good its lists are.", "with the next training"),
        Offered("selection.enabled", "Choose what suits the shop", "Whether every training compares ways to learn and takes the best.", "with the next training"),
    ),
}  # fmt: skip


def page() -> None:
    """The settings that people may change, and a table of all there are."""
    st.title("Settings", anchor=False)
    require(Action.EDIT_SETTINGS)
    lines = {line.name: line for line in describe_settings(settings())}
    for title, offered in OFFERED.items():
        st.subheader(plain(title), anchor=False)
        with st.container(border=True, key=f"settings_{title.lower().replace(' ', '_')}"):
            for one in offered:
                _draw(one, lines[one.name])
    with st.expander(f"All {len(lines)} settings"):
        st.caption(
            "The others are changed in settings.toml, by LONGTAIL_GROUP__NAME, or with --set. What is secret is not shown."
        )
        st.dataframe(visible_cells(_table(list(lines.values()))), hide_index=True, width="stretch")


def _draw(one: Offered, line: SettingLine) -> None:
    """A field for a setting, with what it does, and a way back to its default."""
    variable = set_elsewhere(one.name)
    value, default = json.loads(line.value), json.loads(line.default)
    help_text = plain(
        f"Set by the variable {variable}; change it there." if variable else f"{one.name}: {line.meaning}"
    )
    left, right = st.columns([3, 2], vertical_alignment="center")
    with left:
        st.markdown(f"**{plain(one.title)}**")
        changed = "" if line.value == line.default else f" By default: {_written(default)}."
        st.caption(plain(f"{one.says} Takes effect {one.takes}.{changed}"))
    with right, st.container(horizontal=True, vertical_alignment="center"):
        _field(one, value, default, help_text, disabled=variable is not None)
        if value != default and variable is None:
            st.button("Default", key=f"default_{one.name}", type="tertiary", on_click=_change, args=(one, value, None))


def _field(one: Offered, value: Any, default: Any, help_text: str, *, disabled: bool) -> None:
    key = f"setting_{one.name}"
    st.session_state[key] = value
    common: dict[str, Any] = {
        "key": key, "help": help_text, "disabled": disabled, "label_visibility": "collapsed", "on_change": _changed,
        "args": (one, value),
    }  # fmt: skip
    if isinstance(default, bool):
        st.toggle(plain(one.title), **common)
    elif isinstance(default, str) or one.name == "serving.shop_name":
        st.session_state[key] = value or ""
        st.text_input(plain(one.title), max_chars=80, placeholder="The loaded shop's own", **common)
    elif isinstance(default, int) and isinstance(value, int):
        st.number_input(plain(one.title), step=1, **common)
    else:
        st.session_state[key] = None if value is None else float(value)
        st.number_input(
            plain(one.title),
            step=0.1,
            format="%g",
            placeholder=("As training chose" if one.name == "serving.favour" else "Not set") if value is None else None,
            **common,
        )


def _changed(one: Offered, before: Any) -> None:
    """Callback: what somebody wrote."""
    wanted = st.session_state[f"setting_{one.name}"]
    _change(one, before, None if wanted == "" else wanted)


def _change(one: Offered, before: Any, wanted: Any) -> None:
    """Callback: change the setting, and offer to undo it: what the file did not say, it does not say afterwards."""
    try:
        earlier = before if is_written(workspace(), one.name) else None
        change_setting(workspace(), one.name, wanted)
    except LongtailError as exc:
        say(plain(exc), ":material/error:")
        return
    said = "as it is by default" if wanted is None else _written(wanted)
    offer_undo(f"{one.title}: {said}, {one.takes}", lambda: change_setting(workspace(), one.name, earlier))


def _written(value: Any) -> str:
    """A value in words."""
    if value is None:
        return "not set"
    return (
        {True: "yes", False: "no"}[value]
        if isinstance(value, bool)
        else f"{value:g}"
        if isinstance(value, float)
        else str(value)
    )


def _table(lines: Sequence[SettingLine]) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {"Setting": line.name, "Value": line.value, "Default": line.default, "What it does": line.meaning}
            for line in lines
        ]
    )
