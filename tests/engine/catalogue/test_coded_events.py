from __future__ import annotations

from collections import namedtuple

import numpy as np
import pandas as pd
import pytest

from engine.catalogue import coded_events, room
from engine.catalogue.coded_events import PairKeys
from engine.catalogue.interactions import Interactions, read_interactions
from engine.catalogue.snapshot import write_snapshot
from engine.core.errors import LongtailError, StorageError, TrainingError
from engine.core.settings import InteractionSettings
from engine.core.workspace import Workspace

ITEMS = [f"p{number}" for number in range(9)]


def some_shop(workspace: Workspace) -> None:
    rng = np.random.default_rng(0)
    n = 400
    events = pd.DataFrame(
        {
            "user_id": [f"é{number}" for number in rng.integers(0, 50, n)],
            "item_id": [ITEMS[row] for row in rng.integers(0, len(ITEMS), n)],
            "event": rng.choice(np.array(["view", "purchase", None], object), n),
            "value": rng.integers(1, 9, n).astype(float),
            "timestamp": pd.array(rng.integers(1, 10**6, n), "Int64"),
        }
    )
    write_snapshot(workspace, pd.DataFrame({"item_id": ITEMS}), events, {"value_kind": "quantity"}, {})


def read(workspace: Workspace) -> Interactions:
    return read_interactions(workspace, ITEMS[:7], InteractionSettings(half_life_days=3.0))


def test_many_small_blocks_give_the_very_matrix_of_one(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    some_shop(workspace)
    whole = read(workspace)
    monkeypatch.setattr(coded_events, "_BLOCK_ROWS", 60)
    monkeypatch.setattr(coded_events, "_PART_ROWS", 100)
    parts = read(workspace)
    assert parts.user_ids.tolist() == whole.user_ids.tolist() == sorted(whole.user_ids)
    assert (parts.user_items != whole.user_items).nnz == 0
    assert whole.first_timestamps is not None
    assert parts.first_timestamps is not None
    assert parts.first_timestamps.tolist() == whole.first_timestamps.tolist()


def test_the_order_of_keys_is_that_of_shoppers_then_products_then_kinds() -> None:
    keys = PairKeys.of(n_items=5, n_kinds=3)
    users, items, kinds = (part.ravel() for part in np.meshgrid([0, 1, 7], np.arange(5), np.arange(3), indexing="ij"))
    numbers = keys.of_shoppers(users) | keys.of_items(items) | kinds
    assert (np.diff(numbers) > 0).all()
    assert keys.kinds(numbers).tolist() == kinds.tolist()
    assert [part.tolist() for part in keys.split(keys.pairs(numbers))] == [users.tolist(), items.tolist()]
    assert (keys.of_items(np.array([-1, 2])) | np.array([1, -1]) < 0).all()


def test_products_and_kinds_take_more_room_where_there_are_very_many() -> None:
    assert PairKeys.of(n_items=2**20, n_kinds=2**11).below_type == np.int32
    many = PairKeys.of(n_items=2**21, n_kinds=2**11)
    assert many.below_type == np.int64
    assert many.of_items(np.array([2**21 - 1]))[0] == (2**21 - 1) << 11


Usage = namedtuple("Usage", "free")


@pytest.mark.parametrize(
    ("place", "error", "words"), [("disk_usage", StorageError, "TMPDIR"), ("free_memory", TrainingError, "memory")]
)
def test_too_little_room_is_said_before_anything_is_read(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, place: str, error: type[LongtailError], words: str
) -> None:
    some_shop(workspace)
    monkeypatch.setattr(room, place, lambda *_: Usage(free=5_000) if place == "disk_usage" else 5_000)
    with pytest.raises(error, match=words) as told:
        read(workspace)
    assert "400 events" in str(told.value)
