"""Cached vectors: computed once, again where they are damaged, and never stopped by one product that cannot be read."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence

import numpy as np
import pytest

from engine.core.errors import InputError
from engine.core.workspace import Workspace
from engine.recommend.vector_cache import Arrays, VectorCache, cache_key

KEYS = [cache_key(number) for number in range(70)]


def working(asked: list[list[int]], bad: Sequence[int] = ()) -> Callable[[list[int]], list[Arrays]]:
    def work(positions: list[int]) -> list[Arrays]:
        asked.append(positions)
        if set(positions) & set(bad):
            raise InputError("no")
        return [{"a": np.array([position], dtype=np.float32)} for position in positions]

    return work


@pytest.fixture
def cache(tmp_path) -> VectorCache:
    return VectorCache(Workspace(tmp_path), "r0001")


def test_what_is_cached_is_not_computed_again_and_belongs_to_its_release(cache, tmp_path):
    asked: list[list[int]] = []
    cache.fill(KEYS[:2], working(asked))
    found = cache.fill(KEYS[:3], working(asked))
    assert asked == [[0, 1], [2]]
    assert [arrays["a"].tolist() for arrays in found if arrays] == [[0.0], [1.0], [2.0]]
    assert VectorCache(Workspace(tmp_path), "r0002").read(KEYS[0]) is None


@pytest.mark.parametrize("damage", [b"", b"PK", b"garbage" * 20])
def test_a_damaged_file_is_computed_again(cache, tmp_path, damage):
    cache.fill(KEYS[:1], working([]))
    (file,) = tmp_path.rglob("*.npz")
    file.write_bytes(file.read_bytes()[:40] + damage)
    assert cache.read(KEYS[0]) is None
    asked: list[list[int]] = []
    assert cache.fill(KEYS[:1], working(asked))[0] is not None
    assert asked == [[0]]


def test_a_file_in_the_place_of_another_is_not_taken_for_it(cache, tmp_path):
    cache.fill(KEYS[:2], working([]))
    first, second = (next(tmp_path.rglob(f"{key}.npz")) for key in KEYS[:2])
    shutil.copyfile(first, second)
    assert cache.read(KEYS[1]) is None
    other = VectorCache(Workspace(tmp_path), "r0002")
    other.fill(KEYS[:1], working([]))
    shutil.copyfile(first, tmp_path / "features" / "edits" / "r0002" / KEYS[0][:2] / first.name)
    assert other.read(KEYS[0]) is None
    assert cache.read(KEYS[0]) is not None


def test_one_that_cannot_be_read_does_not_stop_the_others_and_progress_reaches_the_end(cache):
    told: list[float] = []
    found = cache.fill(KEYS, working([], bad=[3, 50]), lambda step, done, message="": told.append(done))
    assert [position for position, arrays in enumerate(found) if arrays is None] == [3, 50]
    assert told == sorted(told)
    assert (told[0], told[-1]) == (0.0, 1.0)


def test_keys_depend_on_the_product_alone():
    assert cache_key("a", {"x": 1, "y": [1, 2]}) == cache_key("a", {"y": (1, 2), "x": 1})
    assert cache_key("a", {"x": 1}) != cache_key("a", {"x": 2})
