"""Cards that browsers of one network address hold: where nobody signs in one person may give any number of names.

The queue counts by name. This counts by address, in this process: no more than half of what is left of a campaign.
"""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable

from engine.curation.leases import AHEAD

__all__ = ["AddressLeases"]

UNASKED = 2 * AHEAD  # cards of one address that are given without a look at how many are left


class AddressLeases:
    """Safe between threads.

    Parameters
    ----------
    clock : seconds since the epoch, as leases are written.
    """

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock, self._lock = clock, threading.Lock()
        self._until: defaultdict[tuple[str, str], dict[str, float]] = defaultdict(dict)

    def room(self, address: str, campaign_id: str, want: int, left: Callable[[], int]) -> int:
        """How many of the wanted cards of a campaign the address may hold beside those that it holds.

        Parameters
        ----------
        left : counts the products of the campaign that nobody has judged; asked where it matters.
        """
        with self._lock:
            holding = self._holding(address, campaign_id)
        if holding + want <= UNASKED:
            return want
        return max(min(want, max(left() // 2, UNASKED) - holding), 0)

    def given(self, address: str, campaign_id: str, cards: Iterable[tuple[str, float]]) -> None:
        """Cards, by id and end of lease, went to this address."""
        with self._lock:
            self._until[address, campaign_id].update(cards)

    def answered(self, address: str, campaign_id: str, card_ids: Iterable[str]) -> None:
        """Cards were decided from this address."""
        with self._lock:
            own = self._until.get((address, campaign_id), {})
            for card_id in card_ids:
                own.pop(card_id, None)

    def _holding(self, address: str, campaign_id: str) -> int:
        now = self._clock()
        for key in list(self._until):
            alive = {card: until for card, until in self._until[key].items() if until > now}
            if alive:
                self._until[key] = alive
            else:
                del self._until[key]
        return len(self._until.get((address, campaign_id), {}))
