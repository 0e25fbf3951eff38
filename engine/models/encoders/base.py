"""What every content encoder offers, and how their outputs are put together; imports no torch."""

from __future__ import annotations

import hashlib
import math
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
import pandas as pd

from engine.core.vectors import unit_rows
from engine.core.workspace import Workspace

__all__ = [
    "MODALITIES",
    "ContentEncoder",
    "Encoder",
    "Features",
    "content_key",
    "content_vectors",
    "encode_contents_of",
    "first_use",
    "images_of",
    "missing",
]

MODALITIES = ("text", "image", "attributes")
"""Every modality there is, in the order in which vectors are concatenated."""

MAX_CONTENT_DIM = 1024
"""Wider blocks (many brands, many attributes) are projected to this width before they enter a content vector."""


first_use = threading.RLock()
"""Held while a network is loaded: torch, timm and transformers import parts of themselves when first used, and do not bear
two threads doing that at once."""


@dataclass(frozen=True)
class Features:
    """What one encoder says of n items.

    Attributes
    ----------
    values : (n, dim) float32, finite; zero rows where the item lacks what the encoder reads.
    present : (n,) bool.
    """

    values: np.ndarray
    present: np.ndarray

    def __post_init__(self) -> None:
        if self.values.ndim != 2 or self.present.shape != (len(self.values),):
            raise ValueError(f"values {self.values.shape} and present {self.present.shape} do not belong together")

    def take(self, rows: np.ndarray | Sequence[int]) -> Features:
        """The features of some of the rows."""
        return Features(self.values[rows], self.present[rows])


class Encoder(Protocol):
    """Turns items into numbers. Two encoders with the same fingerprint give the same numbers for the same item."""

    @property
    def modality(self) -> str: ...

    @property
    def dim(self) -> int: ...

    @property
    def fingerprint(self) -> str: ...

    def encode(self, items: pd.DataFrame, workspace: Workspace) -> Features:
        """Features of `items`, which may lack columns: what is not there is missing."""
        ...

    def save(self, directory: Path) -> None:
        """Write what `load_encoders` needs into an existing directory."""
        ...


@runtime_checkable
class ContentEncoder(Encoder, Protocol):
    """An encoder worth a cache: what it reads of an item is one string (its text, or its picture's hash)."""

    def contents(self, items: pd.DataFrame) -> list[str | None]:
        """What is read of each item; None where there is nothing to read."""
        ...

    def encode_contents(
        self, contents: Sequence[str], workspace: Workspace, progress: Callable[[int], None]
    ) -> np.ndarray:
        """(len(contents), dim) float32 of distinct contents; `progress` hears how many are done."""
        ...


def encode_contents_of(
    encoder: ContentEncoder,
    items: pd.DataFrame,
    workspace: Workspace,
    lookup: Callable[[Sequence[str]], np.ndarray] | None = None,
) -> Features:
    """`encode` of a content encoder: every distinct content once, then spread over the items that have it.

    Parameters
    ----------
    lookup : gives the vectors of distinct contents, e.g. through a cache; the encoder itself unless given.
    """
    contents = encoder.contents(items)
    distinct = sorted({content for content in contents if content is not None})
    position = {content: row for row, content in enumerate(distinct)}
    present = np.array([content is not None for content in contents], dtype=bool)
    values = np.zeros((len(contents), encoder.dim), dtype=np.float32)
    if distinct:
        vectors = lookup(distinct) if lookup else encoder.encode_contents(distinct, workspace, lambda done: None)
        values[present] = vectors[[position[content] for content in contents if content is not None]]
    return Features(values, present)


def content_key(content: str) -> bytes:
    """32 bytes that stand for one content in the cache."""
    return hashlib.sha256(content.encode("utf-8", "surrogatepass")).digest()


def content_vectors(features: Mapping[str, Features], weights: Mapping[str, float] | None = None) -> np.ndarray:
    """One unit vector per item from all modalities: their cosine is the weighted mean of the modalities' cosines.

    Parameters
    ----------
    features : by modality, all of n items.
    weights : what a modality counts; 1 unless given.

    Returns
    -------
    (n, d) float32: each modality at unit length, concatenated in the order of `MODALITIES`, at unit length again.
    Zero rows for items without any content.
    """
    blocks = [
        math.sqrt((weights or {}).get(modality, 1.0)) * unit_rows(_narrow(features[modality].values))
        for modality in MODALITIES
        if modality in features
    ]
    if not blocks:
        raise ValueError("content_vectors needs the features of at least one modality")
    return unit_rows(np.concatenate(blocks, axis=1))


def images_of(items: pd.DataFrame) -> list[str | None]:
    """The content hash of each item's picture; None where it has none."""
    if "image" not in items.columns:
        return [None] * len(items)
    return [None if missing(image) else str(image) for image in items["image"]]


def missing(value: object) -> bool:
    """Whether a cell of the catalogue holds nothing: null, NaN, or blank text."""
    if value is None or value is pd.NA or value is pd.NaT:
        return True
    if isinstance(value, float | np.floating):
        return bool(np.isnan(value))
    return isinstance(value, str) and not value.strip()


def _narrow(values: np.ndarray) -> np.ndarray:
    """A fixed random projection of a very wide block, which keeps cosines to about 1/sqrt(width) (Achlioptas 2003).

    It depends on the width alone, so that a product uploaded later is projected as the catalogue was.
    """
    width = values.shape[1]
    if width <= MAX_CONTENT_DIM:
        return values
    signs = np.random.default_rng(width).integers(0, 2, size=(width, MAX_CONTENT_DIM), dtype=np.int8)
    projected: np.ndarray = values @ (2.0 * signs - 1.0).astype(np.float32)
    return projected
