"""What lists are made of."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Neighbour"]


@dataclass(frozen=True)
class Neighbour:
    """One product in a list.

    Attributes
    ----------
    rank : 1 is the best.
    score : the cosine for similar items; for a shopper higher is better, nothing more.
    """

    item_id: str
    row: int
    rank: int
    score: float
