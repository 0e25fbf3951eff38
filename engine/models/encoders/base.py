"""What every content encoder offers, and how its module declares it; imports no torch."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
import pandas as pd

from engine.catalogue.snapshot import Shop
from engine.core.large_arrays import blocks, zeros
from engine.core.progress import Progress
from engine.core.settings import Settings
from engine.core.workspace import Workspace

__all__ = [
    "ContentEncoder",
    "Encoder",
    "Features",
    "LeftOut",
    "Modality",
    "content_key",
    "encode_contents_of",
    "first_use",
    "images_of",
    "missing",
]

first_use = threading.RLock()
"""Held while a network is loaded: torch, timm and transformers import parts of themselves on first use, and fail when two
threads do so at once."""


@dataclass(frozen=True)
class Features:
    """One encoder's output for n items.

    Attributes
    ----------
    values : (n, dim) float32, finite; zero rows for items that lack the content.
    present : (n,) bool.
    """

    values: np.ndarray
    present: np.ndarray

    def __post_init__(self) -> None:
        if self.values.ndim != 2 or self.present.shape != (len(self.values),):
            raise ValueError(f"values {self.values.shape} and present {self.present.shape} do not match")

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
        """Features of `items`; columns that they lack count as missing."""
        ...

    def save(self, directory: Path) -> None:
        """Write the files that `load_encoders` needs into an existing directory."""
        ...


@runtime_checkable
class ContentEncoder(Encoder, Protocol):
    """An encoder whose vectors can be cached: it reads one string of each item (its text, or its picture's hash)."""

    def contents(self, items: pd.DataFrame) -> list[str | None]:
        """The content of each item; None if it has none."""
        ...

    def encode_contents(
        self, contents: Sequence[str], workspace: Workspace, progress: Callable[[int], None]
    ) -> np.ndarray:
        """(len(contents), dim) float32 of distinct contents; `progress` is called with the number of completed ones."""
        ...


@dataclass(frozen=True)
class LeftOut:
    """Why a modality is not used although products have it: `reason` is a sentence for people."""

    reason: str


@dataclass(frozen=True)
class Modality:
    """One kind of content: its words, and how its encoder is made. `registry.MODALITIES` lists all of them.

    Attributes
    ----------
    name : in files, figures and views of the hybrid, e.g. "image".
    step : what a progress bar says while the catalogue is encoded, e.g. "Looking at pictures".
    example : the least a product needs to have it, with its article, e.g. "a picture".
    likeness : what look-alikes share, e.g. "similar pictures".
    fit : `fit(shop, workspace, settings, seed, progress)` learns an encoder from a catalogue; None where the catalogue has
        nothing to read, `LeftOut` where it is not read for another reason.
    load : reads what the encoder's `save` wrote into a directory; `ReleaseError` where a file is missing or damaged.
    """

    name: str
    step: str
    example: str
    likeness: str
    fit: Callable[[Shop, Workspace, Settings, int, Progress], Encoder | LeftOut | None]
    load: Callable[[Path], Encoder]


def encode_contents_of(
    encoder: ContentEncoder,
    items: pd.DataFrame,
    workspace: Workspace,
    lookup: Callable[[Sequence[str]], np.ndarray] | None = None,
) -> Features:
    """`encode` of a content encoder: each distinct content is encoded once, and its vector given to all items that have it.

    Parameters
    ----------
    lookup : returns the vectors of distinct contents, e.g. from a cache; without it, the encoder computes them.
    """
    contents = encoder.contents(items)
    distinct = sorted({content for content in contents if content is not None})
    position = {content: row for row, content in enumerate(distinct)}
    present = np.array([content is not None for content in contents], dtype=bool)
    values = zeros((len(contents), encoder.dim))
    if distinct:
        vectors = lookup(distinct) if lookup else encoder.encode_contents(distinct, workspace, lambda done: None)
        having, places = np.flatnonzero(present), [position[content] for content in contents if content is not None]
        for some in blocks(len(having)):
            values[having[some]] = vectors[places[some]]
    return Features(values, present)


def content_key(content: str) -> bytes:
    """The key of a content in the cache: 32 bytes."""
    return hashlib.sha256(content.encode("utf-8", "surrogatepass")).digest()


def images_of(items: pd.DataFrame) -> list[str | None]:
    """The content hash of each item's picture; None if it has none."""
    if "image" not in items.columns:
        return [None] * len(items)
    return [None if missing(image) else str(image) for image in items["image"]]


def missing(value: object) -> bool:
    """Whether a cell of the catalogue is empty: null, NaN, or blank text."""
    if value is None or value is pd.NA or value is pd.NaT:
        return True
    if isinstance(value, float | np.floating):
        return bool(np.isnan(value))
    return isinstance(value, str) and not value.strip()
