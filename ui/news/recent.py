"""What happened lately, kept in memory: after the first look only what came since is read, so asking every few seconds costs next to nothing."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from engine.access.audit import AuditEntry, AuditLog
from engine.core.errors import LongtailError
from engine.core.workspace import Workspace
from engine.jobs.status import RunStatus, active_run, run_ids, run_status
from engine.store import Database, database_url
from ui.app.resources import database, settings, workspace
from ui.news.notices import TOLD

__all__ = ["Happened", "Recent", "recent"]

MOST_DEEDS, MOST_RUNS = 300, 10
LOOKED_BACK = 20_000  # rows of the audit, most of them judgements, that are looked through at first
OVERLAP = 100  # on a server a row can be committed after one with a higher number


@dataclass(frozen=True)
class Happened:
    """The last deeds that people may hear about and the last runs, the newest first; the number of the audit's last row."""

    deeds: Sequence[AuditEntry]
    runs: Sequence[RunStatus]
    last_id: int

    @property
    def last_ended(self) -> str:
        """The id of the last run that has ended; "" where none has."""
        return max((run.run_id for run in self.runs if run.state != "running"), default="")


class Recent:
    """What happened lately in a workspace. Safe to share between threads."""

    def __init__(self, place: Workspace, store: Database) -> None:
        self._workspace, self._log = place, AuditLog(store)
        self._lock = threading.Lock()
        self._deeds: dict[int, AuditEntry] = {}
        self._ended: dict[str, RunStatus] = {}
        self._up_to = 0

    def get(self) -> Happened:
        """As it is now. Raises `StoreError` where the database refuses."""
        with self._lock:
            last = self._log.last_id()
            if last != self._up_to:
                self._read(last)
            return Happened([self._deeds[one] for one in sorted(self._deeds, reverse=True)], self._runs(), last)

    def _read(self, last: int) -> None:
        if last < self._up_to:  # another database stands there now
            self._deeds, self._up_to = {}, 0
        known = self._up_to - OVERLAP if self._up_to else last - LOOKED_BACK
        came = self._log.entries(
            actions=[str(one) for one in TOLD], after_id=max(known, 0), outcome="done", most=MOST_DEEDS
        )
        self._deeds |= {one.id: one for one in came}
        self._deeds = {one: self._deeds[one] for one in sorted(self._deeds)[-MOST_DEEDS:]}
        self._up_to = last

    def _runs(self) -> list[RunStatus]:
        """A run that has ended stays as it is, so its record is read once."""
        ids, active = run_ids(self._workspace)[:MOST_RUNS], active_run(self._workspace)
        for one in ids:
            if one not in self._ended and one != active:
                try:
                    status = run_status(self._workspace, one)
                except LongtailError:
                    continue  # it is being made, or its folder has just gone
                if status.state != "running":
                    self._ended[one] = status
        self._ended = {one: self._ended[one] for one in ids if one in self._ended}
        return list(self._ended.values())


def recent() -> Recent:
    """That of this server's workspace."""
    return _recent(str(workspace().root), database_url(workspace(), settings()))


@st.cache_resource(show_spinner=False, max_entries=4)
def _recent(root: str, url: str) -> Recent:
    return Recent(workspace(), database())
