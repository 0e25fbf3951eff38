"""Whether memory holds releases that are about to be opened, asked before any of them is read."""

from __future__ import annotations

from collections.abc import Sequence

from engine.core.errors import NoRoomError
from engine.core.memory import free_memory
from engine.core.private_copies import is_offered
from engine.release.manifest import Manifest

__all__ = ["check_room"]


def check_room(releases: Sequence[Manifest]) -> None:
    """Raises `NoRoomError` where opening these releases, in one process or several, takes more memory than is free.

    An open release takes about as much as its files. One that some process holds already, or that two releases share, is held once.
    """
    sizes = {file["sha256"]: int(file["bytes"]) for one in releases for file in one.files.values()}
    wanted = sum(size for sha256, size in sizes.items() if not is_offered(sha256, size))
    free = free_memory()
    if wanted > free:
        raise NoRoomError(
            f"Opening {' and '.join(one.label.lower() for one in releases)} takes about {wanted / 1e9:,.1f} GB of memory, and {free / 1e9:,.1f} GB are free. "
            "Close other programs, or use a machine with more memory."
        )
