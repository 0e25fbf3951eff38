"""An encoder as somebody who adds one would write it: how long a product's title is."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from engine.catalogue.snapshot import Shop
from engine.core.progress import Progress
from engine.core.settings import Settings
from engine.core.workspace import Workspace
from engine.models.encoders import Features, Modality

__all__ = ["TITLE_LENGTH"]


@dataclass(frozen=True)
class _TitleLength:
    modality: str = "title_length"
    dim: int = 2
    fingerprint: str = "title length 1"

    def encode(self, items: pd.DataFrame, workspace: Workspace) -> Features:
        titles = items["title"].tolist() if "title" in items else [None] * len(items)
        present = np.array([isinstance(title, str) for title in titles], dtype=bool)
        lengths = np.array([len(title) if isinstance(title, str) else 0 for title in titles])
        values = np.stack([np.cos(lengths / 9.0), np.sin(lengths / 9.0)], axis=1) * present[:, None]
        return Features(values.astype(np.float32), present)

    def save(self, directory: Path) -> None:
        """It has nothing to keep."""


def _fit(shop: Shop, workspace: Workspace, settings: Settings, seed: int, progress: Progress) -> _TitleLength:
    return _TitleLength()


TITLE_LENGTH = Modality(
    "title_length",
    "Measuring titles",
    "a title",
    "titles of the same length",
    fit=_fit,
    load=lambda directory: _TitleLength(),
)
