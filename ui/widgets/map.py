"""The map's component: two panels over the same products, drawn by the browser from what `ui.products.map_routes` sends it.

Places and groups travel as bytes beside the page, so that a hundred thousand products are no message of Streamlit's. Only what people do comes back:
a product to open, one to highlight, and what was selected.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np
import streamlit as st

from ui.widgets.addresses import base_path
from ui.widgets.scripts import served_component

__all__ = ["Panel", "chosen_rows", "draw_map"]

SCRIPTS = ("common.js", "map_geometry.js", "map_points.js", "map_look.js", "map_shop.js", "map_find.js", "map_view.js", "map_hands.js", "map.js")  # fmt: skip
MOST_CHOSEN = 5_000
LOADING = '<div class="loading" style="min-height: min(66vh, 34rem); margin-top: 8.5rem; border-radius: 16px; background: rgb(128 128 128 / 8%)"></div>'


@dataclass(frozen=True)
class Panel:
    """Words of a panel: its title, a quiet note beside it, and what a screen reader says of it."""

    title: str
    note: str
    label: str


def draw_map(
    *,
    key: str,
    version: str,
    n: int,
    panels: Sequence[Panel],
    choices: Mapping[str, str],
    by: str,
    on_by: Callable[[str], None],
    ringed: Sequence[int],
    near: str,
    on_near: Callable[[str], None],
    chosen: Sequence[int],
    on_chosen: Callable[[list[int], str], None],
) -> str | None:
    """Draw both panels; the id of a product to open, or None.

    Parameters
    ----------
    version, n : of the places (`engine.maps.places`), and how many there are.
    panels : by behaviour, by Longtail.
    choices, by : what colours may mean (for the route, and for people), and which of it they do.
    on_by : called before the page runs again with what they shall mean from now on.
    ringed : rows that are ringed in both panels, the product asked for first.
    near : the title of the product asked for; empty where there is none.
    on_near : called before the page runs again with the id of a product to highlight; empty for none.
    chosen : rows that are selected.
    on_chosen : called before the page runs again with the rows that shall be selected, and the panel on which they were.
    """

    def highlighted() -> None:
        if item_id := st.session_state[key].get("near"):
            on_near("" if item_id == "-" else str(item_id))

    def coloured() -> None:
        if (name := st.session_state[key].get("by")) in choices:
            on_by(str(name))

    def selected() -> None:
        if isinstance(answer := st.session_state[key].get("chosen"), Mapping):
            on_chosen(chosen_rows(answer, version, n), str(answer.get("panel")))

    result = served_component("longtail_map", SCRIPTS, "map.css", LOADING)(
        key=key,
        data={
            "version": version,
            "urls": _urls(),
            "panels": [asdict(panel) for panel in panels],
            "by": by,
            "choices": [[name, words] for name, words in choices.items()],
            "ringed": list(ringed),
            "near": near,
            "most_chosen": MOST_CHOSEN,
            "chosen": _bits(chosen, n) if chosen else "",
        },
        on_near_change=highlighted,
        on_by_change=coloured,
        on_open_change=_nothing,
        on_stale_change=_nothing,
        on_chosen_change=selected,
    )
    opened = result.get("open")
    return str(opened) if opened else None


def chosen_rows(chosen: object, version: str, n: int) -> list[int]:
    """The rows that the browser says are selected; none where it speaks of another version, makes no sense, or there are more than `MOST_CHOSEN`.

    Parameters
    ----------
    chosen : {version, panel, bits}: base64 of a bit for each row, the first in the highest bit of the first byte.
    """
    if not isinstance(chosen, Mapping) or chosen.get("version") != version:
        return []
    bits = chosen.get("bits")
    if not isinstance(bits, str) or len(bits) > (n + 7) // 8 * 4 // 3 + 4:
        return []
    try:
        raw = base64.b64decode(bits, validate=True)
    except (binascii.Error, ValueError):
        return []
    found = np.unpackbits(np.frombuffer(raw, dtype=np.uint8))[:n]
    rows = np.flatnonzero(found)
    return [] if len(rows) > MOST_CHOSEN else [int(row) for row in rows]


def _bits(rows: Sequence[int], n: int) -> str:
    """Rows as `chosen_rows` reads them."""
    flags = np.zeros(n, dtype=bool)
    flags[list(rows)] = True
    return base64.b64encode(np.packbits(flags).tobytes()).decode("ascii")


def _urls() -> dict[str, str]:
    names = ("points", "colours", "regions", "products")
    return {name: f"{base_path()}/map-data/{name}" for name in names} | {"find": f"{base_path()}/find"}


def _nothing() -> None:
    """The page runs again; there is nothing to do before."""
