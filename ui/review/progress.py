"""Who has judged how much, counted no oftener than anybody would notice."""

from __future__ import annotations

import threading
import time

from engine.curation import queue
from engine.curation.campaigns import progress
from engine.store import Database

__all__ = ["ProgressBoard"]

TEAM_SECONDS = 2.0  # how old the team's figure may be: two dozen curators ask for it with every card


class ProgressBoard:
    """Progress of people and of the team in campaigns. Safe to share between threads."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._turn = threading.Lock()
        self._mine: dict[tuple[str, str], int] = {}
        self._team: dict[str, tuple[float, dict[str, int]]] = {}

    def progress(self, campaign_id: str, rater: str) -> dict[str, int]:
        """Cards of this rater, products judged by anyone, and how many are wanted: mine, done, target."""
        return {"mine": self._count(campaign_id, rater), **self._counts(campaign_id)}

    def counted(self, campaign_id: str, rater: str, mine: int) -> None:
        """This rater decided something and now has so many cards."""
        with self._turn:
            self._mine[campaign_id, rater] = mine

    def _count(self, campaign_id: str, rater: str) -> int:
        with self._turn:
            known = self._mine.get((campaign_id, rater))
        if known is None:
            with self._database.reading() as session:
                known = queue.judged_by(session, campaign_id, rater)
            with self._turn:
                self._mine[campaign_id, rater] = known
        return known

    def _counts(self, campaign_id: str) -> dict[str, int]:
        with self._turn:
            counted, found = self._team.get(campaign_id, (-TEAM_SECONDS, {}))
        if time.monotonic() - counted >= TEAM_SECONDS:
            table = progress(self._database, campaign_id)
            found = {"done": int(table["done"].sum()), "target": int(table["target"].sum())}
            with self._turn:
                self._team[campaign_id] = time.monotonic(), found
        return found
