"""Contents in memory, with an encoder that counts what it is asked to encode."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from engine.core.workspace import Workspace
from engine.models.encoders.base import Features, encode_contents_of
from engine.models.encoders.recent import RecentContents


class Counting:
    """Encodes a title as its length, and remembers every title it read."""

    modality, dim, fingerprint = "text", 1, "f" * 64

    def __init__(self) -> None:
        self.read: list[str] = []

    def contents(self, items: pd.DataFrame) -> list[str | None]:
        return [None if pd.isna(title) else title for title in items["title"]]

    def encode_contents(
        self, contents: Sequence[str], workspace: Workspace, progress: Callable[[int], None]
    ) -> np.ndarray:
        self.read += contents
        return np.array([[len(content)] for content in contents], dtype=np.float32)

    def encode(self, items: pd.DataFrame, workspace: Workspace) -> Features:
        return encode_contents_of(self, items, workspace)

    def save(self, directory: Path) -> None:
        raise NotImplementedError


def items(*titles: str | None) -> pd.DataFrame:
    return pd.DataFrame({"title": pd.Series(titles, dtype="str")})


def test_content_is_read_once_and_gives_what_the_encoder_gives(workspace: Workspace) -> None:
    encoder = Counting()
    recent = RecentContents(encoder)
    recent.encode(items("red", "navy"), workspace)
    again = recent.encode(items("navy", None, "green", "red"), workspace)
    assert encoder.read == ["navy", "red", "green"]
    expected = Counting().encode(items("navy", None, "green", "red"), workspace)
    assert np.array_equal(again.values, expected.values)
    assert np.array_equal(again.present, expected.present)


def test_what_was_used_longest_ago_is_forgotten_first(workspace: Workspace) -> None:
    encoder = Counting()
    recent = RecentContents(encoder, remembered=2)
    for title in ("a", "b", "a", "c", "a", "b"):
        recent.encode(items(title), workspace)
    assert encoder.read == ["a", "b", "c", "b"]


def test_more_contents_than_are_remembered_are_all_encoded(workspace: Workspace) -> None:
    recent = RecentContents(Counting(), remembered=1)
    assert recent.encode(items("a", "bb", "ccc"), workspace).values[:, 0].tolist() == [1, 2, 3]
    assert recent.encode(items(None), workspace).present.tolist() == [False]
