"""Two lists of the same product beside each other: what is new, moved and gone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

__all__ = ["Kind", "Move", "moves"]

Kind = Literal["same", "up", "down", "new", "gone"]


@dataclass(frozen=True)
class Move:
    """What became of a product on a list: `places` it went up or down, 0 otherwise."""

    item_id: str
    kind: Kind
    places: int = 0


def moves(before: Sequence[str], after: Sequence[str]) -> tuple[list[Move], list[Move]]:
    """Of ids by rank: the earlier list with what is gone from it, and the later list with what is new and what moved."""
    old = {item_id: rank for rank, item_id in enumerate(before)}
    kept = set(after)
    left = [Move(item_id, "same" if item_id in kept else "gone") for item_id in before]
    return left, [_move(item_id, rank, old.get(item_id)) for rank, item_id in enumerate(after)]


def _move(item_id: str, rank: int, was: int | None) -> Move:
    if was is None:
        return Move(item_id, "new")
    if was == rank:
        return Move(item_id, "same")
    return Move(item_id, "up" if rank < was else "down", abs(was - rank))
