"""How often somebody may do something: token buckets, one for each client.

A bucket fills at a steady rate up to a size; what is done takes from it, and an empty one says how long to wait.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Hashable

__all__ = ["TokenBuckets"]

_MOST = 20_000  # clients that are remembered; those who came longest ago are forgotten, and start with a full bucket


class TokenBuckets:
    """Buckets by key. Not safe between threads: for the server's event loop.

    Parameters
    ----------
    rate : tokens a second.
    size : tokens in a full bucket.
    clock : seconds, monotonic.
    """

    def __init__(self, rate: float, size: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate, self._size, self._clock = rate, size, clock
        self._levels: OrderedDict[Hashable, tuple[float, float]] = OrderedDict()

    def wait(self, key: Hashable, tokens: float = 1.0) -> float:
        """Seconds until the bucket holds so many tokens; 0 where it does now."""
        return max(0.0, (min(tokens, self._size) - self._level(key)) / self._rate)

    def take(self, key: Hashable, tokens: float = 1.0) -> None:
        """Take tokens, down to a bucket that lacks as much as it can hold."""
        level = max(self._level(key) - tokens, -self._size)
        self._levels[key] = (level, self._clock())
        self._levels.move_to_end(key)
        while len(self._levels) > _MOST:
            self._levels.popitem(last=False)

    def _level(self, key: Hashable) -> float:
        level, at = self._levels.get(key, (self._size, 0.0))
        return min(level + (self._clock() - at) * self._rate, self._size)
