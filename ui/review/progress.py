"""Who has judged how much, counted no oftener than anybody would notice."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass

from engine.curation import queue
from engine.curation.campaigns import progress
from engine.store import Database

__all__ = ["Progress", "ProgressBoard"]

COUNTED_SECONDS = (
    2.0  # how old a figure may be: two dozen curators ask with every card, and may judge at another dashboard too
)


@dataclass(frozen=True)
class Progress:
    """How far a campaign is: cards judged by one person, products judged by anyone, and how many products are wanted."""

    mine: int
    done: int
    target: int


class ProgressBoard:
    """Progress of people and of the team in campaigns. Safe to share between threads."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._turn = threading.Lock()
        self._mine: dict[tuple[str, str], tuple[float, int]] = {}
        self._team: dict[str, tuple[float, int, int]] = {}

    def progress(self, campaign_id: str, rater: str) -> Progress:
        """How far this rater and the team are."""
        return Progress(self._count(campaign_id, rater), *self._counts(campaign_id))

    def counted(self, campaign_id: str, rater: str, mine: int) -> None:
        """This rater decided something and now has so many cards."""
        with self._turn:
            self._mine[campaign_id, rater] = time.monotonic(), mine

    def _count(self, campaign_id: str, rater: str) -> int:
        with self._turn:
            counted, known = self._mine.get((campaign_id, rater), (-COUNTED_SECONDS, 0))
        if time.monotonic() - counted >= COUNTED_SECONDS:
            with self._database.reading() as session:
                known = queue.judged_by(session, campaign_id, rater)
            self.counted(campaign_id, rater, known)
        return known

    def _counts(self, campaign_id: str) -> tuple[int, int]:
        """Products judged by anyone, and how many are wanted."""
        with self._turn:
            counted, done, target = self._team.get(campaign_id, (-COUNTED_SECONDS, 0, 0))
        if time.monotonic() - counted >= COUNTED_SECONDS:
            table = progress(self._database, campaign_id)
            done, target = int(table["done"].sum()), int(table["target"].sum())
            with self._turn:
                self._team[campaign_id] = time.monotonic(), done, target
        return done, target
