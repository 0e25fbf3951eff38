"""Vectors of products that a release was not trained on, cached on disk: computed once, read by every process without torch.

One small file for each product under features/edits/<edition of the release>/, named by a hash of the product. A file that is gone or
damaged is computed again; all of them may be deleted at any time.
"""

from __future__ import annotations

import hashlib
import io
import json
import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from engine.core.arrays import read_npz
from engine.core.errors import LongtailError
from engine.core.progress import Progress, silent
from engine.core.storage import atomic_write, remove_whatever_it_is
from engine.core.workspace import Workspace

__all__ = ["Arrays", "VectorCache", "cache_key"]

Arrays = dict[str, np.ndarray]
BATCH = 16
_OWN = "_name"  # beside a product's arrays: whose they are
STEP = "Reading new and changed products"

_turn = threading.Lock()  # two threads never compute the same products at the same time

logger = logging.getLogger(__name__)


class VectorCache:
    """The vectors that one release gives to new and changed products."""

    def __init__(self, workspace: Workspace, edition: str) -> None:
        self._folder = workspace.features / "edits" / edition

    def read(self, key: str) -> Arrays | None:
        """The arrays of this key; None where there are none, or the file is damaged."""
        file = self._folder / key[:2] / f"{key}.npz"
        try:
            arrays = read_npz(file)
            if arrays.pop(_OWN).tobytes() != self._name_of(key):
                raise ValueError("it is the file of another product or release")
            return arrays
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError):
            remove_whatever_it_is(file)
            return None

    def fill(
        self, keys: Sequence[str], compute: Callable[[list[int]], Sequence[Arrays]], progress: Progress = silent
    ) -> list[Arrays | None]:
        """The arrays of these keys, computed and stored where they are missing; None for a product that cannot be read.

        Parameters
        ----------
        compute : gives the arrays of the products at these positions. Where it raises a `LongtailError` for several, they
            are tried one by one, so that one product that cannot be read does not stop the others.
        """
        found = [self.read(key) for key in keys]
        missing = [position for position, arrays in enumerate(found) if arrays is None]
        for start in range(0, len(missing), BATCH):
            batch = missing[start : start + BATCH]
            progress(STEP, start / len(missing), f"{start:,} of {len(missing):,} products")
            with _turn:
                self._fill_batch(keys, batch, found, compute)
        if missing:
            progress(STEP, 1.0, f"{len(missing):,} of {len(missing):,} products")
        return found

    def _fill_batch(
        self,
        keys: Sequence[str],
        positions: list[int],
        found: list[Arrays | None],
        compute: Callable[[list[int]], Sequence[Arrays]],
    ) -> None:
        for position in positions:  # another thread may have computed some by now
            found[position] = self.read(keys[position])
        missing = [position for position in positions if found[position] is None]
        for position, arrays in zip(missing, _compute_each(compute, missing) if missing else [], strict=True):
            found[position] = arrays
            if arrays is not None:
                self._write(keys[position], arrays)

    def _name_of(self, key: str) -> bytes:
        """What a file says it is, so that one that was put in another's place is not taken for it."""
        return hashlib.sha256(f"{self._folder.name}/{key}".encode()).digest()

    def _write(self, key: str, arrays: Mapping[str, np.ndarray]) -> None:
        stream = io.BytesIO()
        own = np.frombuffer(self._name_of(key), dtype=np.uint8)
        np.savez(stream, allow_pickle=False, **{_OWN: own}, **arrays)
        atomic_write(self._folder / key[:2] / f"{key}.npz", stream.getvalue())


def cache_key(*parts: Any) -> str:
    """A key, 64 hex digits, for what can be written as JSON."""
    text = json.dumps(parts, sort_keys=True, ensure_ascii=False, default=list)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _compute_each(compute: Callable[[list[int]], Sequence[Arrays]], positions: list[int]) -> list[Arrays | None]:
    try:
        return list(compute(positions))
    except LongtailError:
        if len(positions) == 1:
            logger.warning("a product cannot be read, so it is not served", exc_info=True)
            return [None]
    return [arrays for position in positions for arrays in _compute_each(compute, [position])]
