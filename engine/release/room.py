"""Whether memory holds a release that is about to be opened, asked before any of it is read."""

from __future__ import annotations

from collections.abc import Iterable

from engine.core.errors import NoRoomError
from engine.core.memory import free_memory
from engine.core.private_copies import is_offered
from engine.release.manifest import Manifest

__all__ = ["check_room"]


def check_room(release: Manifest, names: Iterable[str] | None = None) -> None:
    """Raises `NoRoomError` where opening a release, or these of its files alone, takes more memory than is free.

    What is open takes about as much as its files. One that some process holds already, be it of another release, is held once.
    """
    files = release.files if names is None else {name: release.files[name] for name in names if name in release.files}
    sizes = {file["sha256"]: int(file["bytes"]) for file in files.values()}
    wanted = sum(size for sha256, size in sizes.items() if not is_offered(sha256, size))
    free = free_memory()
    if wanted > free:
        raise NoRoomError(
            f"Opening {release.label.lower()} takes about {wanted / 1e9:,.1f} GB of memory, and {free / 1e9:,.1f} GB are free. "
            "Close other programs, or use a machine with more memory."
        )
