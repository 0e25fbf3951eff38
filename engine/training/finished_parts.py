"""Finished parts of trainings: what was fitted from the same inputs is not fitted again, and a training that was killed goes on after its last part.

    training/<part>-<digest of its inputs>/    files of the part, and sums.json with the SHA-256 of each

A part is a function of its inputs, so reading one gives what fitting it again would give, bit by bit. Whatever is missing or damaged is fitted
again; the folder may be removed at any time. Parts that the last complete training did not use are removed.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from engine.core.errors import LongtailError
from engine.core.reading import read_json
from engine.core.storage import atomic_directory, atomic_write_json, file_sha256, remove_whatever_it_is

__all__ = ["FinishedParts"]

T = TypeVar("T")

logger = logging.getLogger(__name__)
SUMS = "sums.json"
DIGITS = 32


class FinishedParts:
    """The parts in a folder, which need not exist. `reused` names those that were read."""

    def __init__(self, folder: Path):
        self._folder = folder
        self._used: set[str] = set()
        self.reused: list[str] = []

    def made(
        self,
        name: str,
        digest: str,
        make: Callable[[], T],
        save: Callable[[T, Path], None],
        load: Callable[[Path], T],
    ) -> T:
        """The part as it was kept, or made and kept now.

        Parameters
        ----------
        digest : hex, of everything that `make` depends on (`engine.core.digests`).
        save, load : write a part into an empty folder, and read one from it. What cannot be kept is made again the next time.
        """
        folder = self._folder / f"{name}-{digest[:DIGITS]}"
        self._used.add(folder.name)
        if (found := _read(folder, load)) is not None:
            self.reused.append(name)
            return found[0]
        value = make()
        _keep(folder, value, save)
        return value

    def forget_others(self) -> None:
        """Remove every part that was not asked for."""
        if self._folder.is_dir():
            for path in self._folder.iterdir():
                if path.name not in self._used:
                    remove_whatever_it_is(path)


def _read(folder: Path, load: Callable[[Path], T]) -> tuple[T] | None:
    if not folder.is_dir():
        return None
    try:
        if read_json(folder / SUMS) == _sums(folder):
            return (load(folder),)
        logger.warning("%s is not what was written; it is made again", folder.name)
    except (LongtailError, OSError, ValueError, KeyError, TypeError, IndexError) as exc:
        logger.warning("%s cannot be read and is made again: %s", folder.name, exc)
    remove_whatever_it_is(folder)
    return None


def _keep(folder: Path, value: T, save: Callable[[T, Path], None]) -> None:
    try:
        with atomic_directory(folder) as part:
            save(value, part)
            atomic_write_json(part / SUMS, _sums(part))
    except (LongtailError, OSError) as exc:
        logger.warning("%s is not kept for the next training: %s", folder.name, exc)


def _sums(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): file_sha256(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path != folder / SUMS
    }
