"""Tables that lie in files while a training runs: as other tables, and gone with it."""

from __future__ import annotations

import errno
import gc
import os
from pathlib import Path

import numpy as np
import pytest

from engine.core import large_arrays
from engine.core.joined_rows import taken
from engine.core.large_arrays import blocks, large_arrays_in, zeros
from engine.core.vectors import unit_rows


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """A table of 1,000 bytes is large, and a block has 7 rows."""
    monkeypatch.setattr(large_arrays, "LARGE", 1_000)


def lies_in_a_file(table: np.ndarray) -> bool:
    while table is not None and not isinstance(table, np.memmap):
        table = table.base
    return table is not None


def test_a_large_table_lies_in_a_file_that_nobody_sees(small: None, tmp_path: Path) -> None:
    with large_arrays_in(tmp_path / "new"):
        table, other = zeros((50, 10)), zeros((5, 10))
        assert (lies_in_a_file(table), lies_in_a_file(other)) == (True, False)
        assert type(table) is np.ndarray
        assert not table.any()
        assert table.dtype == np.float32
        table[3] = 1.0
        assert list((tmp_path / "new").iterdir()) == []
    assert table.sum() == 10.0  # for as long as somebody has it
    assert not lies_in_a_file(zeros((50, 10)))
    del table
    gc.collect()


def test_a_full_disk_is_an_error_and_not_the_end_of_the_process(
    small: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(file: int, offset: int, size: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "posix_fallocate", full, raising=False)
    with large_arrays_in(tmp_path), pytest.raises(OSError, match="No space left"):
        zeros((50, 10))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("n", [0, 1, 6, 7, 8, 20])
def test_blocks_hold_every_row_once(n: int) -> None:
    rows = np.arange(n)
    assert np.array_equal(np.concatenate([rows[some] for some in blocks(n, 7)]), rows)


def test_units_are_the_same_block_by_block(monkeypatch: pytest.MonkeyPatch) -> None:
    vectors = np.random.default_rng(0).standard_normal((50, 6)).astype(np.float32)
    vectors[4] = 0
    whole = unit_rows(vectors)
    monkeypatch.setattr(large_arrays.blocks, "__defaults__", (7,))
    assert np.array_equal(unit_rows(vectors), whole)
    assert unit_rows(vectors[:0]).shape == (0, 6)


def test_some_rows_are_taken_into_a_table_of_their_own(small: None, tmp_path: Path) -> None:
    table = np.arange(500, dtype=np.float32).reshape(50, 10)
    some = np.array([49, 3, 3, *range(40)])
    with large_arrays_in(tmp_path):
        assert taken(table, np.ones(50, dtype=bool)) is table
        assert lies_in_a_file(taken(table, some))
        assert np.array_equal(taken(table, some), table[some])
        assert np.array_equal(taken(table, table[:, 0] > 100), table[table[:, 0] > 100])
