"""Which two sides are compared: releases and what their lists are made by, as the page's address holds them."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from engine.arms import registry
from engine.arms.registry import SERVED
from engine.comparison.list_gains import Side
from engine.release.publish import Manifest, list_releases
from engine.release.top_lists import LISTED_ARMS
from ui.app import resources
from ui.app.choices import menu
from ui.app.url import query, set_query

__all__ = ["Chosen", "chosen_sides", "draw_sides", "side_address"]

MOST_RELEASES = 12
ALONE = "als"


@dataclass(frozen=True)
class Chosen:
    """A side that was chosen: its address, and what it is called beside the other one."""

    address: str
    side: Side
    name: str


def draw_sides() -> tuple[str, str]:
    """Draw what is compared with what; the addresses of both sides."""
    live = resources.recommender().release_id
    choices = _choices(live)
    defaults = side_address(live, ALONE), side_address(live, SERVED)
    before, after = (
        query(name, default, allowed=choices) for name, default in zip(("before", "after"), defaults, strict=True)
    )
    with st.popover(
        _beside(before, after), icon=":material/tune:", key=f"compare_{before}_{after}"
    ):  # another one after each choice: a new one is closed
        menu("Before", "before", choices, key="compare_before", default=defaults[0], width=290)
        menu("After", "after", choices, key="compare_after", default=defaults[1], width=290)
        st.button("Swap", icon=":material/swap_vert:", type="tertiary", on_click=_swap, args=(before, after))
    return before, after


def chosen_sides(before: str, after: str) -> tuple[Chosen, Chosen]:
    """Open both sides. Raises `NotFoundError` or `ReleaseError` where a release is gone or damaged."""
    one_release = before.split(".")[0] == after.split(".")[0]
    one_arm = before.split(".")[1] == after.split(".")[1]
    return _opened(before, one_release, one_arm), _opened(after, one_release, one_arm)


def side_address(release_id: str, arm: str) -> str:
    """A side as the address holds it."""
    return f"{release_id}.{arm}"


def _opened(address: str, one_release: bool, one_arm: bool) -> Chosen:
    release_id, arm = address.split(".")
    release = resources.listed_release(release_id)
    title, label = registry.title_of(arm), Manifest(release_id).label
    name = title if one_release else label if one_arm else f"{title}, {label.lower()}"
    return Chosen(address, Side(release, arm), name)


def _beside(before: str, after: str) -> str:
    """Both sides in few words: `Behaviour → Longtail, release 2`."""
    names = [one.split(".") for one in (before, after)]
    labels = [Manifest(release_id).label.lower() for release_id, _ in names]
    titles = [registry.title_of(arm) for _, arm in names]
    if labels[0] == labels[1]:
        return f"{titles[0]} → {titles[1]}, {labels[0]}"
    return f"{titles[0]}, {labels[0]} → {titles[1]}, {labels[1]}"


def _choices(live: str) -> dict[str, str]:
    """Address -> what it is called, the live release first and then the newest."""
    whole = [one.release_id for one in list_releases(resources.workspace(), verify=False) if one.damage is None]
    others = sorted((one for one in whole if one != live), reverse=True)[:MOST_RELEASES]
    return {
        side_address(release_id, arm): _called(release_id, arm, live)
        for release_id in [live, *others]
        for arm in LISTED_ARMS
    }


def _called(release_id: str, arm: str, live: str) -> str:
    state = " (live)" if release_id == live else ""
    return f"{registry.title_of(arm)}, {Manifest(release_id).label.lower()}{state}"


def _swap(before: str, after: str) -> None:
    """Callback: the other way round."""
    set_query(before=after, after=before)
