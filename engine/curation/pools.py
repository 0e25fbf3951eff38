"""What the judged lists of a product hold, of one release or of two that are compared: the pool its cards are drawn from."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

__all__ = ["DEPTH", "Pool", "joined", "pool_of_release"]

DEPTH = 10  # how many of every arm's list are in the pool

Ranks = Mapping[str, int]  # arm -> rank, the first is 1
RanksByRelease = Mapping[str, Ranks]


@dataclass(frozen=True)
class Pool:
    """What lies beside a product.

    Attributes
    ----------
    ranks : neighbour -> {release: {arm: rank}}, the lists in which it is.
    lengths : release -> {arm: length of its list}.
    """

    ranks: Mapping[str, RanksByRelease]
    lengths: Mapping[str, Mapping[str, int]]


def pool_of_release(release_id: str, returned: Mapping[str, Ranks], arms: Sequence[str]) -> Pool:
    """The pool of a product in one release.

    Parameters
    ----------
    returned : `Recommender.arms_returning` down to `DEPTH`.
    arms : those that are judged.
    """
    ranks: dict[str, RanksByRelease] = {}
    lengths: dict[str, int] = {}
    for neighbour, found in returned.items():
        judged = {arm: int(rank) for arm, rank in found.items() if arm in arms}
        if judged:
            ranks[neighbour] = {release_id: judged}
            for arm in judged:
                lengths[arm] = lengths.get(arm, 0) + 1
    return Pool(ranks, {release_id: lengths})


def joined(pools: Iterable[Pool], shown: Callable[[str], bool]) -> Pool:
    """The pools of one product in several releases as one.

    Parameters
    ----------
    shown : whether a neighbour can be put on a card.
    """
    ranks: dict[str, dict[str, Ranks]] = {}
    lengths: dict[str, Mapping[str, int]] = {}
    for pool in pools:
        lengths |= pool.lengths
        for neighbour, by_release in pool.ranks.items():
            if shown(neighbour):
                ranks.setdefault(neighbour, {}).update(by_release)
    return Pool(ranks, lengths)
