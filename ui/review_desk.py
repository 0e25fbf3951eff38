"""The desk that hands out review cards: which product is judged next, by whom, and what lies on the card.

Products are grouped by how many interactions they have, in groups that double; the group with the fewest judged comes
next. On a card lie up to ten of what any arm returns for the product, drawn by chance and shuffled: nobody sees who
returned what, and every pair of the pool is as likely to be drawn. A share of the cards is given to a second person.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd

from engine.errors import InputError
from engine.serving.recommender import Recommender

__all__ = ["CARD_SIZE", "LEASE_SECONDS", "TARGET_PER_GROUP", "Desk", "ReviewCard"]

LEASE_SECONDS = 10 * 60
CARD_SIZE = 10
DEPTH = 10  # the pool of a product: the ten best of every arm
TARGET_PER_GROUP = 30  # products of a group that an interval needs
SECOND_OPINIONS = 0.15


@dataclass(frozen=True)
class ReviewCard:
    """A product, its neighbours in the order shown, and what of each is recorded: {arm: rank}, nowhere on screen.

    `drawn` is the probability with which each pair of the pool came onto the card.
    """

    release_id: str
    anchor_id: str
    anchor_count: int
    neighbours: tuple[tuple[str, dict[str, int]], ...]
    drawn: float

    def to_content(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_content(cls, content: dict[str, Any]) -> ReviewCard:
        """The card again; raises `InputError` where the content is not a card's."""
        try:
            pairs = tuple((str(neighbour), dict(places)) for neighbour, places in content["neighbours"])
            return cls(**{**content, "neighbours": pairs})
        except (TypeError, KeyError, ValueError) as exc:
            raise InputError("this card is not of this version; the next ones are", field="card") from exc


class Desk:
    """Hands out cards of one release; what has been judged is told to it. Safe to share between threads.

    Leases are kept in memory: they hold within one process, and after a restart a card may be with two people, whose
    judgements are then both stored.

    Parameters
    ----------
    judged : `JudgementStore.current()`, read once.
    """

    def __init__(
        self,
        facade: Recommender,
        judged: pd.DataFrame,
        *,
        clock: Callable[[], float] = time.time,
        seed: int | None = None,
    ) -> None:
        self._facade = facade
        self._clock = clock
        self._rng = np.random.default_rng(seed)
        self._turn = threading.RLock()
        self._leases: dict[str, tuple[str, float]] = {}
        self._skipped: dict[str, set[str]] = {}
        self._raters: dict[str, set[str]] = {}
        reviewed = judged[judged["source"] == "review"]
        for anchor, rater in zip(reviewed["anchor_id"], reviewed["rater"], strict=True):
            self._raters.setdefault(str(anchor), set()).add(str(rater))
        counts = facade.items["interaction_count"].to_numpy()
        self._group = dict(zip(facade.items["item_id"], _groups(counts).tolist(), strict=True))
        self._members = {int(g): [a for a, of in self._group.items() if of == g] for g in set(self._group.values())}
        self._empty: set[str] = set()

    def draw(self, rater: str, want: int, *, size: int = CARD_SIZE) -> list[tuple[ReviewCard, float]]:
        """Up to `want` cards nobody else holds and this rater has not had, each with when its lease ends (epoch)."""
        cards: list[tuple[ReviewCard, float]] = []
        with self._turn:
            while len(cards) < want and (anchor := self._next(rater)) is not None:
                card = self._card(anchor, size)
                if card is None:
                    self._empty.add(anchor)
                    continue
                expires = self._clock() + LEASE_SECONDS
                self._leases[anchor] = (rater, expires)
                cards.append((card, expires))
        return cards

    def judged(self, anchor: str, rater: str) -> None:
        """A decision of this rater on the product is stored."""
        with self._turn:
            self._raters.setdefault(anchor, set()).add(rater)
            self._give_back(anchor, rater)

    def skipped(self, anchor: str, rater: str) -> None:
        """This rater does not want to judge the product; others may."""
        with self._turn:
            self._skipped.setdefault(anchor, set()).add(rater)
            self._give_back(anchor, rater)

    def undone(self, anchor: str, rater: str) -> None:
        """This rater took the decision back and looks at the product again."""
        with self._turn:
            self._raters.get(anchor, set()).discard(rater)
            self._skipped.get(anchor, set()).discard(rater)
            self._leases[anchor] = (rater, self._clock() + LEASE_SECONDS)

    def progress(self, rater: str) -> dict[str, int]:
        """Cards of this rater, products judged by anyone, and how many are wanted."""
        with self._turn:
            mine = sum(rater in raters for raters in self._raters.values())
            done = sum(bool(raters) for raters in self._raters.values())
        target = sum(min(TARGET_PER_GROUP, len(members)) for members in self._members.values())
        return {"mine": mine, "done": done, "target": target}

    def _next(self, rater: str) -> str | None:
        now = self._clock()
        held: Collection[str] = {anchor for anchor, (_, expires) in self._leases.items() if expires > now}
        mine = {a for a, raters in self._raters.items() if rater in raters}
        mine |= {a for a, raters in self._skipped.items() if rater in raters}
        out = mine | set(held) | self._empty
        if self._rng.random() < SECOND_OPINIONS:
            once = sorted(
                a for a, raters in self._raters.items() if len(raters) == 1 and a in self._group and a not in out
            )
            if once:
                return str(self._rng.choice(once))
        taken = {a for a, raters in self._raters.items() if raters} | set(held)
        order = sorted(self._members, key=lambda group: (sum(a in taken for a in self._members[group]), group))
        for group in order:
            free = [a for a in self._members[group] if a not in out and a not in taken]
            if free:
                return str(free[int(self._rng.integers(len(free)))])
        return None

    def _card(self, anchor: str, most: int) -> ReviewCard | None:
        pool = sorted(self._facade.arms_returning(anchor, DEPTH).items())
        if not pool:
            return None
        size = min(most, len(pool))
        chosen = self._rng.permutation(len(pool))[:size]
        count = int(self._facade.items["interaction_count"].iloc[self._facade.row(anchor)])
        neighbours = tuple(pool[position] for position in chosen)
        return ReviewCard(self._facade.release_id, anchor, count, neighbours, size / len(pool))

    def _give_back(self, anchor: str, rater: str) -> None:
        if self._leases.get(anchor, ("", 0.0))[0] == rater:
            del self._leases[anchor]


def _groups(counts: np.ndarray) -> np.ndarray:
    """0, 1, 2, 3-4, 5-8, ...: the groups of the Irrelevance chart, (n,) int64."""
    return np.where(counts <= 0, -1, np.ceil(np.log2(np.maximum(counts, 1)))).astype(np.int64)
