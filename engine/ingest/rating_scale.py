"""The scale of a column of ratings, found from its numbers, and the lowest rating that is interest."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["RatingScale", "rating_scale"]

_TOPS = (1.0, 5.0, 10.0, 100.0)
# From so many ratings on, somebody gave the best.
_MANY = 100


@dataclass(frozen=True)
class RatingScale:
    """From the worst to the best rating; ratings below the middle are no interest."""

    worst: float
    best: float

    @property
    def lowest(self) -> float:
        """The middle of the scale."""
        return (self.worst + self.best) / 2.0


def rating_scale(smallest: float, largest: float, n: int) -> RatingScale:
    """The scale of `n` ratings between these two: thumbs (-1 and 1, 0 and 1), stars from 1 (or 0.5, or 0), or up to 10 or 100.

    Few ratings need not contain the best, so the next usual one is taken for it.
    """
    size = max(abs(smallest), abs(largest))
    usual = next((top for top in _TOPS if top >= size), size)
    best = size if n >= _MANY and size > 1.0 else usual
    if smallest < 0.0:
        return RatingScale(-best, best)
    if best <= 1.0 or smallest < 0.5:
        return RatingScale(0.0, best)
    return RatingScale(min(smallest, 1.0), best)
