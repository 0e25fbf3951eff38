"""The sets of products that Today's lines are about, for whoever opens one: `/similar_items?show=today:hubs`."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from engine.overview.findings import CatalogueFindings
from ui.app.resources import recommender, served, shop_words
from ui.comparison.results import list_length
from ui.products.shown_sets import ShownSet, register
from ui.today import placed
from ui.today.lines import SETS, Line, catalogue_lines, judged_lines
from ui.today.results import Results, results

__all__ = ["PREFIX", "ids_in", "lines_of", "offer_sets", "today_set"]

PREFIX = "today"
WAIT_SECONDS = 10.0  # for whoever opens a set by its address on a server that has just started
LOOK_AGAIN_SECONDS = 0.1


def offer_sets() -> None:
    """Let Similar items find the sets of lines; calling it again changes nothing."""
    register(PREFIX, today_set)


def lines_of(found: Results) -> list[Line]:
    """The lines about products, in no order, as far as they are worked out."""
    facade, word, k = recommender(), shop_words().interaction_word, list_length()
    counts = facade.items["interaction_count"].to_numpy()
    lines = []
    if found.judged is not None:
        lines += judged_lines(found.judged, counts, k)
    if found.catalogue is not None:
        lines += catalogue_lines(_without_placed(found.catalogue), counts, word, k)
    return lines


def _without_placed(found: CatalogueFindings) -> CatalogueFindings:
    """Products that hold a fixed place are on lists, whatever the release says."""
    facade, places = recommender(), served().places
    placed = [facade.row(one) for one in places.active if one in facade and places.guaranteed(one)]
    return replace(found, orphans=found.orphans[~np.isin(found.orphans, placed)]) if placed else found


def today_set(name: str) -> ShownSet | None:
    """The set with this name, empty where nothing is left of it; None where there is no such set."""
    if name == placed.SET:
        return placed.placed_set() or ShownSet(f"{PREFIX}:{name}", placed.TITLE, ())
    if name not in SETS:
        return None
    until = time.monotonic() + WAIT_SECONDS
    while not (found := results()).done and time.monotonic() < until:
        time.sleep(LOOK_AGAIN_SECONDS)
    line = next((one for one in lines_of(found) if one.name == name), None)
    if line is None:
        return ShownSet(f"{PREFIX}:{name}", SETS[name], ())
    return ShownSet(f"{PREFIX}:{name}", SETS[name], ids_in(line), line.why)


def ids_in(line: Line) -> Sequence[str]:
    """The products of a line, rows until somebody asks for one."""
    from ui.products.finding import FoundIds, catalogue_to_search  # with the words of search, which Today does without

    return FoundIds(catalogue_to_search(), line.rows)
