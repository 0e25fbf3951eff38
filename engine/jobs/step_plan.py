"""The steps of every kind of run, in their order, and how much of a run each is: what one bar for the whole run needs."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

__all__ = ["share_done", "step_key", "typical_seconds"]

# Seconds on two cores for a shop of 2,000 products with pictures; only their proportions matter.
_DEMO = {
    "Drawing dresses": 30.0,
    "Writing titles and descriptions": 1.0,
    "Sending shoppers through the shop": 2.0,
    "Saving the shop": 1.0,
}
_INGEST = {
    "Reading the products": 4.0,
    "Reading the events": 4.0,
    "Fetching the pictures": 30.0,
    "Reading the pictures": 20.0,
    "Saving the shop": 1.0,
}
_TRAIN = {
    "Reading the shop": 1.0,
    "Learning what pictures show": 30.0,
    "Reading texts": 15.0,
    "Looking at pictures": 3.0,
    "Reading attributes": 0.5,
    "Choosing settings": 45.0,
    "Measuring quality": 8.0,
    "Learning from": 3.0,
    "Predicting behaviour from content": 12.0,
    "Carrying behaviour over to look-alikes": 1.0,
    "Learning from judgements": 0.5,
    "Drawing the maps": 4.0,
    "Building the neighbour index": 2.0,
    "Listing neighbours": 1.0,
    "Publishing": 2.0,
}


def typical_seconds(kind: str, *, trains: bool) -> dict[str, float]:
    """Step key -> seconds that it typically takes, in the order of the steps; `trains` says that a training follows."""
    own = {"demo": _DEMO, "ingest": _INGEST}.get(kind, {})
    return own | _TRAIN if trains or kind not in ("demo", "ingest") else dict(own)


def step_key(name: str) -> str:
    """A step's name without what differs from shop to shop: its numbers, and what interactions are called."""
    key = re.sub(r"[\d,.]+ ?", "", name)
    return "Learning from" if re.match(r"Learning from \d", name) else key


def share_done(steps: Sequence[tuple[str, float]], seconds: Mapping[str, float]) -> float:
    """How much of a run is done, 0 to 1: it never falls while steps begin in the order of `seconds` and their shares grow.

    Parameters
    ----------
    steps : name and share done of the steps that have begun; a step of an unknown name counts for nothing.
    seconds : step key -> seconds that it takes, in order. A step that was skipped counts as done once a later one begins.
    """
    order = list(seconds)
    begun = [(order.index(key), share) for name, share in steps if (key := step_key(name)) in seconds]
    if not begun or not (total := sum(seconds.values())):
        return 0.0
    last, share = max(begun)
    return (sum(seconds[key] for key in order[:last]) + share * seconds[order[last]]) / total
