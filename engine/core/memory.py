"""How much memory is free, of the machine and of what a container or a service may take."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import psutil

__all__ = ["free_memory"]

GROUPS = Path("/sys/fs/cgroup")
OWN_GROUP = Path("/proc/self/cgroup")


def free_memory() -> int:
    """Bytes that this process may still take before the system ends one: swap counts, and pages of files that can be read again count as free.

    A limit of a group of processes holds too (Linux, cgroup v2), which is how containers and services are limited.
    """
    free = psutil.virtual_memory().available + psutil.swap_memory().free
    return int(min([free, *_left_to_groups()]))


def _left_to_groups() -> list[int]:
    """Bytes that the own group, and each that it lies in, has left; of those with a limit."""
    left: list[int] = []
    with suppress(OSError):
        named = next((line[3:] for line in OWN_GROUP.read_text().splitlines() if line.startswith("0::")), "/")
        own = GROUPS / named.lstrip("/")
        for group in (own, *own.parents):
            if group.is_relative_to(GROUPS):
                left += _left_to(group)
    return left


def _left_to(group: Path) -> list[int]:
    with suppress(OSError, ValueError, KeyError):
        most = int((group / "memory.max").read_text())  # "max" where there is no limit
        facts = dict(line.split() for line in (group / "memory.stat").read_text().splitlines())
        files = int(facts["active_file"]) + int(facts["inactive_file"])
        return [max(most - int((group / "memory.current").read_text()) + files, 0)]
    return []
