"""How many threads a computation uses: one for each free core, because threads that share a core mostly wait for each other."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import joblib
import psutil
import torch
from threadpoolctl import threadpool_limits

from engine.core.side_by_side import with_threads

__all__ = ["bounded_threads", "free_cores"]

SAMPLE_SECONDS = 0.2
NEARLY = 0.75
"""A core counts as free if it is idle for at least this share of the time."""


@contextmanager
def bounded_threads(wanted: int | None = None) -> Iterator[int]:
    """Inside, networks, ALS, maps and work on parts use `wanted` threads (`free_cores()` unless given), and BLAS uses one in each.

    What BLAS computes depends on its number of threads in the last bits; the results of the others do not. So the same
    data, settings and seed give the same release on busy and on idle machines.
    """
    count, before = wanted or free_cores(), torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        with threadpool_limits(limits=1, user_api="blas"), with_threads(count):
            yield count
    finally:
        torch.set_num_threads(before)


def free_cores() -> int:
    """Cores that nobody else uses now, at least 1: of those that affinity and the container's quota allow this process.

    Watches the machine for `SAMPLE_SECONDS`.
    """
    allowed = int(joblib.cpu_count())
    if allowed == 1:
        return 1
    try:
        idle = _idle_cores()
    except (OSError, IndexError, psutil.Error):  # a container may hide the machine's cores, or number its own
        return allowed
    return min(allowed, max(1, int(idle + 1.0 - NEARLY)))


def _idle_cores() -> float:
    """Cores' worth of time in which the cores of this process were idle, or working for it."""
    process = psutil.Process()
    cores = process.cpu_affinity() if hasattr(process, "cpu_affinity") else range(psutil.cpu_count() or 1)
    began, own, before = time.monotonic(), sum(process.cpu_times()[:2]), psutil.cpu_times(percpu=True)
    time.sleep(SAMPLE_SECONDS)
    after, passed = psutil.cpu_times(percpu=True), time.monotonic() - began
    idle = sum(after[core].idle - before[core].idle for core in cores)
    return float((idle + sum(process.cpu_times()[:2]) - own) / passed)
