"""What is behind a sentence on a card: the parts of the score as bars with words, and ranks without each of them."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from threading import Lock

import streamlit as st

from engine.arms import registry
from engine.arms.registry import SERVED
from engine.core.errors import LongtailError, NotFoundError
from engine.core.visible_text import visible
from engine.explain.facts import Facts
from engine.explain.without import BEHAVIOUR_ALONE, NO_BEHAVIOUR, Ranks, ranks_by_other_arms, ranks_without
from engine.models.recipe import CONTENT
from engine.recommend.neighbour import Neighbour
from engine.serving.served_shop import ServedShop
from ui.app.resources import served, words_of
from ui.products.why import facts_about, sentence_about
from ui.products.why_words import PART_NAMES, how_much, ordinal, part_words
from ui.widgets.formatting import plural

__all__ = ["Bar", "Panel", "RankLine", "why_panel"]

LEAST_SHARE = 0.02
KEPT, WAITING = 128, 8
PATIENCE = 0.05  # seconds that an answer waits for ranks that are nearly there
LABELS = {
    NO_BEHAVIOUR: "Without behaviour",
    BEHAVIOUR_ALONE: "By behaviour alone",
    "picture": "Without the picture",
    "text": "Without the text",
    "facts": "Without the details",
}


@dataclass(frozen=True)
class Bar:
    """A part of the score: its name, its share (0 to 1), how much that is, and what stands behind it."""

    name: str
    share: float
    much: str
    words: str


@dataclass(frozen=True)
class RankLine:
    """A list made without something, and the neighbour's rank on it in words; `moved` says how far that is from here."""

    name: str
    rank: str
    moved: str


@dataclass(frozen=True)
class Panel:
    """`pending` is whether more ranks are being worked out: ask again for them."""

    title: str
    sentence: str
    bars: list[Bar]
    ranks: list[RankLine]
    pending: bool
    note: str


def why_panel(item_id: str, arm: str, neighbour_id: str, rank: int) -> Panel:
    """What is behind a neighbour's place on a product's list. Raises `NotFoundError`.

    Parameters
    ----------
    rank : where the card stands; 0 where that is not known.
    """
    shop = served()
    release = shop.release
    if arm not in release.arms:
        raise NotFoundError(f"There is no list {arm!r}.")
    release.row(item_id)  # a product that is not there is refused, like a neighbour
    neighbour = Neighbour(neighbour_id, release.row(neighbour_id), rank, 0.0)
    facts = facts_about(shop, item_id, arm, [neighbour])[0]
    bars = _bars(facts, words_of(release).interaction_word)
    others = ranks_by_other_arms(shop, item_id, arm)
    note = _note(shop, item_id, arm)
    try:
        without = _background().ranks(shop, item_id, arm)
    except LongtailError as exc:  # what is known already is shown all the same
        without, note = {}, str(exc)
    found = {**others, **(without or {})}
    lines = [_line(LABELS[name], found[name], neighbour_id, rank) for name in LABELS if name in found]
    place = f"{ordinal(rank)} in" if rank else "in"
    title = f"Why it is {place} {registry.title_of(arm)}’s list"
    return Panel(title, sentence_about(shop, item_id, arm, facts), bars, lines, without is None, note)


def _bars(facts: Facts, word: str) -> list[Bar]:
    return [
        Bar(PART_NAMES[name], round(share, 3), how_much(share), part_words(facts, name, word))
        for name, share in facts.parts.items()
        if share >= LEAST_SHARE
    ]


def _note(shop: ServedShop, item_id: str, arm: str) -> str:
    """Which lists the ranks are of."""
    by_content = f"Without behaviour is the list of {registry.title_of(CONTENT)}."
    if arm == "als":
        return by_content
    name = visible(shop.release.product(item_id).title or item_id)[:60]
    made = f"Each list was made again as if “{name}” had no picture, no text or no details."
    return f"{made} {by_content}" if arm == SERVED else made


def _line(name: str, ranks: Ranks, neighbour_id: str, now: int) -> RankLine:
    rank = ranks.ranks.get(neighbour_id)
    if rank is None:
        said = f"not in the first {ranks.listed:,}" if ranks.listed else "no list at all"
        return RankLine(name, said, "")
    moved = rank - now
    how = "stays" if not moved else f"{plural(abs(moved), 'place')} {'lower' if moved > 0 else 'higher'}"
    return RankLine(name, ordinal(rank), how if now else "")


class _Background:
    """Works ranks out one after another in a thread of its own, and keeps the last ones."""

    def __init__(self) -> None:
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="why")
        self._futures: OrderedDict[tuple[str, str, str], Future[Mapping[str, Ranks]]] = OrderedDict()
        self._lock = Lock()

    def ranks(self, shop: ServedShop, item_id: str, arm: str) -> Mapping[str, Ranks] | None:
        """The ranks without each part; None while they are worked out. What went wrong is raised, and tried again next time."""
        key = (shop.version, item_id, arm)
        with self._lock:
            future = self._futures.get(key)
            if future is None:
                future = self._futures[key] = self._executor.submit(ranks_without, shop, item_id, arm)
                self._drop()
            self._futures.move_to_end(key)
        wait([future], PATIENCE)
        if not future.done():
            return None
        if future.cancelled() or future.exception() is not None:
            with self._lock:
                self._futures.pop(key, None)
        return None if future.cancelled() else future.result()

    def _drop(self) -> None:
        """Forget the oldest, and what nobody waits for any more."""
        waiting = [key for key, one in self._futures.items() if not one.done()]
        for key in waiting[: max(0, len(waiting) - WAITING)]:
            self._futures.pop(key).cancel()
        while len(self._futures) > KEPT:
            self._futures.popitem(last=False)


@st.cache_resource(show_spinner=False)
def _background() -> _Background:
    return _Background()
