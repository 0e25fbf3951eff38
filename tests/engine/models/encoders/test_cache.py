"""The feature cache, with an encoder that counts what it is asked to encode."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from engine.core.workspace import Workspace
from engine.models.encoders.base import ContentEncoder, Features, encode_contents_of
from engine.models.encoders.cache import MAX_SHARDS, encode_through_cache, remember

DIM = 5


class Counting:
    """Encodes a title as the lengths and codes of its letters, and remembers every title it saw."""

    modality = "text"
    dim = DIM

    def __init__(self, fingerprint: str = "f" * 64):
        self.fingerprint = fingerprint
        self.seen: list[str] = []

    def contents(self, items: pd.DataFrame) -> list[str | None]:
        return [None if pd.isna(title) else title for title in items["title"]]

    def encode_contents(
        self, contents: Sequence[str], workspace: Workspace, progress: Callable[[int], None]
    ) -> np.ndarray:
        self.seen += contents
        progress(len(contents))
        return np.array([[len(c), *c.encode()[:4].ljust(4)] for c in contents], dtype=np.float32)

    def encode(self, items: pd.DataFrame, workspace: Workspace) -> Features:
        return encode_contents_of(self, items, workspace)

    def save(self, directory: Path) -> None:
        raise NotImplementedError


def items(*titles: str | None) -> pd.DataFrame:
    return pd.DataFrame({"title": pd.Series(titles, dtype="str")})


def shards(workspace: Workspace) -> list[Path]:
    return sorted(workspace.features.rglob("*.npz"))


def test_only_what_changed_is_encoded_again(workspace: Workspace) -> None:
    encoder = Counting()
    first = encode_through_cache(encoder, items("red dress", "blue dress", None), workspace)
    assert sorted(encoder.seen) == ["blue dress", "red dress"]
    second = encode_through_cache(encoder, items("blue dress", "green dress", "red dress"), workspace)
    assert encoder.seen[2:] == ["green dress"]
    assert np.array_equal(first.values[1], second.values[0])
    assert np.array_equal(first.values[0], second.values[2])
    encode_through_cache(encoder, items("blue dress", "green dress", "red dress"), workspace)
    assert len(encoder.seen) == 3


def test_it_gives_what_the_encoder_gives(workspace: Workspace) -> None:
    encoder, table = Counting(), items("red dress", None, "blue dress", "red dress")
    direct = encoder.encode(table, workspace)
    for _ in range(2):
        cached = encode_through_cache(encoder, table, workspace)
        assert np.array_equal(cached.values, direct.values)
        assert cached.present.tolist() == [True, False, True, True]
    assert not direct.values[1].any()


def test_equal_contents_are_encoded_once(workspace: Workspace) -> None:
    encoder = Counting()
    encode_through_cache(encoder, items("same", "same", "same"), workspace)
    assert encoder.seen == ["same"]


def test_another_encoder_has_a_cache_of_its_own(workspace: Workspace) -> None:
    encode_through_cache(Counting("a" * 64), items("red dress"), workspace)
    other = Counting("b" * 64)
    encode_through_cache(other, items("red dress"), workspace)
    assert other.seen == ["red dress"]


@pytest.mark.parametrize("damage", ["cut", "flipped", "empty", "other"])
def test_a_damaged_shard_is_dropped_and_its_content_encoded_again(workspace: Workspace, damage: str) -> None:
    encoder, table = Counting(), items("red dress", "blue dress")
    expected = encode_through_cache(encoder, table, workspace)
    shard = shards(workspace)[0]
    data = bytearray(shard.read_bytes())
    if damage == "flipped":
        data[data.index(expected.values[0].tobytes())] ^= 0xFF
    shard.write_bytes({"cut": data[:-30], "flipped": data, "empty": b"", "other": b"not an archive"}[damage])
    again = encode_through_cache(encoder, table, workspace)
    assert np.array_equal(again.values, expected.values)
    assert len(encoder.seen) == 4
    encode_through_cache(encoder, table, workspace)
    assert len(encoder.seen) == 4


def test_no_flip_of_a_single_byte_changes_a_vector_or_stops_a_training(workspace: Workspace) -> None:
    encoder, table = Counting(), items("red dress", "blue dress")
    expected = encode_through_cache(encoder, table, workspace)
    data = shards(workspace)[0].read_bytes()
    rng = np.random.default_rng(0)
    for position in rng.choice(len(data), 150, replace=False):
        for shard in shards(workspace):
            shard.unlink()
        flipped = bytearray(data)
        flipped[position] ^= 1 << int(rng.integers(8))
        (shard.parent / "damaged.npz").write_bytes(flipped)
        assert np.array_equal(encode_through_cache(encoder, table, workspace).values, expected.values), position


def test_vectors_of_another_width_are_not_believed(workspace: Workspace) -> None:
    encoder = Counting()
    encode_through_cache(encoder, items("red dress"), workspace)
    encoder.dim = 6  # type: ignore[misc]
    with pytest.raises(ValueError, match="shape"):  # it does encode again, and the vectors are not what it promised
        encode_through_cache(encoder, items("red dress"), workspace)
    assert encoder.seen == ["red dress"] * 2


def test_many_small_additions_are_merged_into_few_files(workspace: Workspace) -> None:
    encoder = Counting()
    titles = [f"dress {number}" for number in range(3 * MAX_SHARDS)]
    for number in range(len(titles)):
        encode_through_cache(encoder, items(*titles[: number + 1]), workspace)
        assert len(shards(workspace)) <= MAX_SHARDS
    assert encoder.seen == titles
    encode_through_cache(encoder, items(*titles), workspace)
    assert len(encoder.seen) == len(titles)


def test_what_fitting_brought_along_is_not_encoded(workspace: Workspace) -> None:
    encoder = Counting()
    remember(encoder, ["red dress"], np.full((1, DIM), 7, dtype=np.float32), workspace)
    features = encode_through_cache(encoder, items("red dress"), workspace)
    assert encoder.seen == []
    assert features.values.tolist() == [[7] * DIM]


def test_progress_counts_cached_contents_as_done(workspace: Workspace) -> None:
    encoder = Counting()
    encode_through_cache(encoder, items("a", "b"), workspace)
    heard: list[tuple[int, int]] = []
    encode_through_cache(encoder, items("a", "b", "c"), workspace, lambda done, total: heard.append((done, total)))
    assert heard == [(2, 3), (3, 3)]


def test_nothing_to_encode_writes_nothing(workspace: Workspace) -> None:
    features = encode_through_cache(Counting(), items(None, None), workspace)
    assert features.values.shape == (2, DIM)
    assert not features.present.any()
    assert not workspace.root.exists()


def test_the_counting_encoder_is_a_content_encoder() -> None:
    assert isinstance(Counting(), ContentEncoder)


def test_a_killed_reading_keeps_the_parts_that_were_read(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.models.encoders.cache.AT_ONCE", 3)
    titles = [f"dress {number:03}" for number in range(8)]

    class Killed(Counting):
        def encode_contents(
            self, contents: Sequence[str], workspace: Workspace, progress: Callable[[int], None]
        ) -> np.ndarray:
            if len(self.seen) >= 6:
                raise KeyboardInterrupt
            return super().encode_contents(contents, workspace, progress)

    told: list[tuple[int, int]] = []
    with pytest.raises(KeyboardInterrupt):
        encode_through_cache(Killed(), items(*titles), workspace, lambda done, total: told.append((done, total)))
    assert told == [(0, 8), (3, 8), (6, 8)]
    encoder = Counting()
    found = encode_through_cache(encoder, items(*titles), workspace)
    assert encoder.seen == titles[6:]
    assert np.array_equal(found.values, Counting().encode(items(*titles), workspace).values)
