"""An encoder that remembers what it read last, so that editing a product reads only the content that changed."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence

import numpy as np
import pandas as pd

from engine.core.workspace import Workspace
from engine.models.encoders.base import ContentEncoder, Features, encode_contents_of

__all__ = ["RecentContents"]

REMEMBERED = 256


class RecentContents:
    """Encodes as `encoder` does, with the vectors of its latest contents in memory. Threads may share it."""

    def __init__(self, encoder: ContentEncoder, remembered: int = REMEMBERED) -> None:
        self._encoder, self._remembered = encoder, remembered
        self._vectors: OrderedDict[str, np.ndarray] = OrderedDict()
        self._lock = threading.Lock()

    def encode(self, items: pd.DataFrame, workspace: Workspace) -> Features:
        """As `Encoder.encode`."""
        return encode_contents_of(self._encoder, items, workspace, lambda contents: self._lookup(contents, workspace))

    def _lookup(self, contents: Sequence[str], workspace: Workspace) -> np.ndarray:
        """(len(contents), dim) float32."""
        with self._lock:
            known = {content: self._vectors[content] for content in contents if content in self._vectors}
        new = [content for content in contents if content not in known]
        if new:
            encoded = self._encoder.encode_contents(new, workspace, lambda done: None)
            known |= dict(zip(new, encoded, strict=True))
        with self._lock:
            for content in contents:
                self._vectors[content] = known[content]
                self._vectors.move_to_end(content)
            while len(self._vectors) > self._remembered:
                self._vectors.popitem(last=False)
        return np.stack([known[content] for content in contents])
