"""Many requests, one commit: what arrives while the disk is busy is stored together with the next commit.

A commit waits for the disk, some 20 ms on a plain one; two dozen curators at one judgement a second each would fill it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future

from engine.curation.judgements import Judgement
from engine.errors import LongtailError

__all__ = ["GroupWriter"]

MOST = 500  # judgements in one commit


class GroupWriter:
    """Stores what many threads bring.

    Parameters
    ----------
    add : stores all of a list durably or, raising, none of it: `JudgementStore.add`.
    """

    def __init__(self, add: Callable[[Sequence[Judgement]], int]) -> None:
        self._add = add
        self._disk = threading.Lock()
        self._waiting: list[tuple[list[Judgement], Future[None]]] = []
        self._list = threading.Lock()

    def add(self, judgements: Sequence[Judgement]) -> None:
        """Return once these are on the disk; raise what `add` raises for these, whatever became of the others."""
        outcome: Future[None] = Future()
        with self._list:
            self._waiting.append((list(judgements), outcome))
        with self._disk:
            # Whoever had the disk before may have taken these along.
            while not outcome.done():
                self._write(self._take())
        outcome.result()

    def _take(self) -> list[tuple[list[Judgement], Future[None]]]:
        with self._list:
            taken: list[tuple[list[Judgement], Future[None]]] = []
            count = 0
            while self._waiting and (not taken or count + len(self._waiting[0][0]) <= MOST):
                taken.append(self._waiting.pop(0))
                count += len(taken[-1][0])
            return taken

    def _write(self, group: list[tuple[list[Judgement], Future[None]]]) -> None:
        try:
            self._add([judgement for judgements, _ in group for judgement in judgements])
        except LongtailError as exc:
            if len(group) > 1:
                # One of them may be what is wrong: each by itself, so that it alone is refused.
                for one in group:
                    self._write([one])
            else:
                group[0][1].set_exception(exc)
        except BaseException as exc:
            for _, outcome in group:
                outcome.set_exception(exc)
        else:
            for _, outcome in group:
                outcome.set_result(None)
