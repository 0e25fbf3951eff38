"""Vectors of products that a release was not trained on, kept on disk: worked out once, read by every process without torch.

One small file a product under features/described/<release>/, named by a hash of what is said of the product. A file that
is gone or damaged is worked out again; all of them may be thrown away at any time.
"""

from __future__ import annotations

import hashlib
import io
import json
import logging
import threading
import zipfile
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from engine.core.errors import LongtailError
from engine.core.progress import Progress, silent
from engine.core.storage import atomic_write
from engine.core.workspace import Workspace

__all__ = ["Arrays", "VectorCache", "cache_key"]

Arrays = dict[str, np.ndarray]
BATCH = 16
STEP = "Finding their place"

_turn = threading.Lock()  # two threads never work out the same products side by side

logger = logging.getLogger(__name__)


class VectorCache:
    """The vectors that one release gives to described products."""

    def __init__(self, workspace: Workspace, release_id: str) -> None:
        self._folder = workspace.features / "described" / release_id

    def read(self, key: str) -> Arrays | None:
        """What was kept under this key; None where there is nothing, or nothing whole."""
        file = self._folder / key[:2] / f"{key}.npz"
        try:
            # Through memory: of a damaged file NumPy would leave the handle open.
            with np.load(io.BytesIO(file.read_bytes()), allow_pickle=False) as archive:
                return {name: archive[name] for name in archive.files}
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, NotImplementedError):
            file.unlink(missing_ok=True)
            return None

    def fill(
        self, keys: Sequence[str], work: Callable[[list[int]], Sequence[Arrays]], progress: Progress = silent
    ) -> list[Arrays | None]:
        """What is kept under these keys, the missing worked out and kept; None for a product that cannot be read.

        Parameters
        ----------
        work : the arrays of the products at these positions. Where it raises a `LongtailError` for several, they are tried
            one by one, so that one product that cannot be read does not stop the others.
        """
        found = [self.read(key) for key in keys]
        missing = [place for place, arrays in enumerate(found) if arrays is None]
        for start in range(0, len(missing), BATCH):
            some = missing[start : start + BATCH]
            progress(STEP, start / len(missing), f"{start:,} of {len(missing):,} products")
            with _turn:
                self._fill_batch(keys, some, found, work)
        if missing:
            progress(STEP, 1.0, f"{len(missing):,} of {len(missing):,} products")
        return found

    def _fill_batch(
        self,
        keys: Sequence[str],
        places: list[int],
        found: list[Arrays | None],
        work: Callable[[list[int]], Sequence[Arrays]],
    ) -> None:
        for place in places:  # another thread may have been here meanwhile
            found[place] = self.read(keys[place])
        still = [place for place in places if found[place] is None]
        for place, arrays in zip(still, _worked_out(work, still) if still else [], strict=True):
            found[place] = arrays
            if arrays is not None:
                self._write(keys[place], arrays)

    def _write(self, key: str, arrays: Mapping[str, np.ndarray]) -> None:
        stream = io.BytesIO()
        np.savez(stream, allow_pickle=False, **arrays)
        atomic_write(self._folder / key[:2] / f"{key}.npz", stream.getvalue())


def cache_key(*parts: Any) -> str:
    """A key, 64 hex digits, for what can be written as JSON."""
    text = json.dumps(parts, sort_keys=True, ensure_ascii=False, default=list)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _worked_out(work: Callable[[list[int]], Sequence[Arrays]], places: list[int]) -> list[Arrays | None]:
    try:
        return list(work(places))
    except LongtailError:
        if len(places) == 1:
            logger.warning("a product cannot be read, so it is not served", exc_info=True)
            return [None]
    return [arrays for place in places for arrays in _worked_out(work, [place])]
