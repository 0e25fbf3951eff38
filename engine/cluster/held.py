"""Parts of data on a Spark cluster, and what is worked out from them.

A part is one partition of an RDD that stays with the executors. An executor that is lost takes its partitions along; Spark makes them again from what the driver
sent, and runs again what was running there. Sums go up a tree whose shape depends on the number of parts alone, so a lost executor
changes no bit of them.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from pyspark import RDD, SparkContext

__all__ = ["SparkHeld", "SparkWorkers"]

STRAIGHT = 8
"""So many partial sums are added up by the driver; of more, the workers make one."""
FAN_IN = 4
"""As many are added up at a time: a sum may be as large as a hundred thousand products times hundreds of numbers, and whoever adds holds as many."""


class SparkWorkers:
    """The workers of one Spark application.

    Parameters
    ----------
    context : of the application.
    told : a block in which what Spark raises becomes a `ClusterError`.
    """

    def __init__(self, context: SparkContext, told: Callable[[], AbstractContextManager[None]]):
        self.context, self.told = context, told

    def hold(self, parts: Sequence[Any]) -> SparkHeld:
        """One partition for each part."""
        from pyspark import StorageLevel

        with self.told():
            rdd = self.context.parallelize(list(enumerate(parts)), max(1, len(parts)))
            rdd.persist(StorageLevel.MEMORY_AND_DISK)
        return SparkHeld(self, rdd, len(parts))


class SparkHeld:
    """Parts that the executors keep, until this object goes."""

    def __init__(self, workers: SparkWorkers, rdd: RDD[tuple[int, Any]], n_parts: int):
        self._workers, self._rdd, self._n_parts = workers, rdd, n_parts
        weakref.finalize(self, _let_go, rdd)

    def each(self, work: Callable[..., Any], *shared: Any) -> Iterator[Any]:
        """See `engine.core.workers.Held`."""
        found = self._collected(lambda rdd, sent: rdd.map(_Applied(work, sent)), shared)
        return (result for _, result in found)

    def total(self, work: Callable[..., Sequence[np.ndarray]], *shared: Any) -> tuple[np.ndarray, ...]:
        """See `engine.core.workers.Held`."""

        def summed(rdd: RDD[Any], sent: Any) -> RDD[Any]:
            sums, left = rdd.map(_Applied(work, sent)), self._n_parts
            while left > 1 and self._n_parts > STRAIGHT:
                left = -(-left // FAN_IN)
                sums = sums.map(_grouped).partitionBy(left, _itself).mapPartitions(_added)
            return sums

        return _in_order(self._collected(summed, shared))

    def _collected(self, plan: Callable[[RDD[Any], Any], RDD[Any]], shared: tuple[Any, ...]) -> list[tuple[int, Any]]:
        """What a plan gives, by number."""
        with self._workers.told():
            sent = self._workers.context.broadcast(shared)
            try:
                return sorted(plan(self._rdd, sent).collect(), key=_number)
            finally:
                sent.destroy()


class _Applied:
    """Runs `work` on a numbered part, with what was sent to all."""

    def __init__(self, work: Callable[..., Any], sent: Any):
        self._work, self._sent = work, sent

    def __call__(self, numbered: tuple[int, Any]) -> tuple[int, Any]:
        number, part = numbered
        return number, self._work(part, *self._sent.value)


def _grouped(numbered: tuple[int, Any]) -> tuple[int, tuple[int, Any]]:
    """A numbered sum with the number of its group, which are neighbours."""
    return numbered[0] // FAN_IN, numbered


def _itself(group: int) -> int:
    """The partition of a group. `groupByKey` would write what it groups to the disk, packed, from 512 MB on, and pack for longer than workers add."""
    return group


def _added(group: Iterator[tuple[int, tuple[int, Any]]]) -> Iterator[tuple[int, tuple[np.ndarray, ...]]]:
    """The sum of a group, which is alone in its partition, by the group's number."""
    numbers, members = zip(*group, strict=True)
    yield numbers[0], _in_order(members)


def _number(numbered: tuple[int, Any]) -> int:
    return numbered[0]


def _in_order(numbered: Any) -> tuple[np.ndarray, ...]:
    """Sums in the order of the numbers."""
    ordered = [arrays for _, arrays in sorted(numbered, key=_number)]
    totals = [np.array(array, dtype=np.float64) for array in ordered[0]]
    for arrays in ordered[1:]:
        for total, array in zip(totals, arrays, strict=True):
            total += array
    return tuple(totals)


def _let_go(rdd: RDD[Any]) -> None:
    """The application may have ended before."""
    if rdd.ctx._jsc is not None:
        rdd.unpersist()
