"""Two ways to do the same, measured in turns in one run, so that a busy machine harms both alike."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

__all__ = ["Turns", "in_turns"]


@dataclass(frozen=True)
class Turns:
    """CPU seconds of each round, of Longtail's way and of the other."""

    ours: Sequence[float]
    theirs: Sequence[float]

    @property
    def times_as_fast(self) -> float:
        """How many times as fast Longtail's way is: the median over rounds of the ratio within a round."""
        return round(statistics.median(their / our for our, their in zip(self.ours, self.theirs, strict=True)), 2)

    @property
    def times_as_long(self) -> float:
        """How many times as long Longtail's way takes."""
        return round(statistics.median(our / their for our, their in zip(self.ours, self.theirs, strict=True)), 3)

    def details(self, **more: Any) -> Mapping[str, Any]:
        """Every round, for the results file."""
        return {
            "cpu_seconds": [round(one, 3) for one in self.ours],
            "against_cpu_seconds": [round(one, 3) for one in self.theirs],
            **more,
        }


def in_turns(rounds: int, ours: Callable[[], object], theirs: Callable[[], object]) -> Turns:
    """Both, one after the other, `rounds` times; the seconds are those that the processor worked, on all its cores."""
    found: tuple[list[float], list[float]] = ([], [])
    for _ in range(rounds):
        for seconds, work in zip(found, (ours, theirs), strict=True):
            began = time.process_time()
            work()
            seconds.append(time.process_time() - began)
    return Turns(*found)
