from __future__ import annotations

import subprocess
import sys
import tempfile
import uuid
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from engine.core.shared_results import shared_arrays, shared_table


@pytest.fixture(autouse=True)
def _own_meeting_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


def never() -> dict[str, np.ndarray]:
    raise AssertionError("it was there already")


def test_arrays_come_as_they_were_made_and_are_made_once():
    made = {
        "numbers": np.arange(12, dtype=np.int32).reshape(3, 4),
        "none": np.empty((0, 5), np.float32),
        "ends": np.array([True, False]),
        "b\u00fc": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
    }
    key = uuid.uuid4().hex
    first = shared_arrays(key, lambda: made)
    again = shared_arrays(key, never)
    for found in (first, again):
        assert list(found) == list(made)
        for name, array in made.items():
            assert found[name].dtype == array.dtype
            assert np.array_equal(found[name], array)
            assert not found[name].flags.writeable
            assert found[name].ctypes.data % 64 == 0 or not array.size


def test_another_process_takes_what_this_one_made():
    key = uuid.uuid4().hex
    held = shared_arrays(key, lambda: {"a": np.arange(5)})
    code = (
        f"import tempfile\ntempfile.tempdir = {tempfile.gettempdir()!r}\n"
        "from engine.core.shared_results import shared_arrays\n"
        f"print(shared_arrays({key!r}, lambda: 1 / 0)['a'].sum())"
    )
    child = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert child.stdout.strip() == "10"
    assert held["a"].sum() == 10


def test_what_failed_is_tried_again_and_what_nobody_holds_is_gone():
    key = uuid.uuid4().hex
    with pytest.raises(AssertionError, match="already"):
        shared_arrays(key, never)
    held = shared_arrays(key, lambda: {"a": np.ones(3)})
    del held
    assert shared_arrays(key, lambda: {"a": np.zeros(3)})["a"].sum() == 0


def test_texts_of_a_table_are_in_one_piece_and_types_stay():
    table = pa.table({"text": ["a", None], "many": [["x"], None], "number": pa.array([1, 2], pa.int16())})
    pieces = pa.concat_tables([table, table])
    key = uuid.uuid4().hex
    found, held = shared_table(key, lambda: pieces)
    again, _ = shared_table(key, lambda: 1 / 0)
    assert found.to_pylist() == again.to_pylist() == pieces.to_pylist()
    assert [str(kind) for kind in found.schema.types] == ["large_string", "list<item: string>", "int16"]
    assert found["text"].num_chunks == 1
    assert held.size > 0
