from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from engine.catalogue import event_facts
from engine.catalogue.event_facts import distinct_texts, extremes


def written(folder: Path, values: pa.Array, **options: object) -> Path:
    path = folder / f"{len(list(folder.iterdir()))}.parquet"
    pq.write_table(pa.table({"other": pa.nulls(len(values), pa.int64()), "column": values}), path, **options)
    return path


@pytest.mark.parametrize("at_once", [1, 1_000])
def test_texts_of_several_files_and_groups_are_found_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    monkeypatch.setattr(event_facts, "_AT_ONCE", at_once)
    files = [
        written(tmp_path, pa.array(["a", None, "b", "", "a", ""]), row_group_size=4),
        written(tmp_path, pa.array(["c", "a", None]), use_dictionary=False),
        written(tmp_path, pa.array([], pa.string())),
    ]
    found = distinct_texts(files, "column")
    assert found.texts.to_pylist() == ["a", "b", "", "c"]
    assert (found.n_null, found.n_empty) == (2, 2)


def test_a_text_of_the_dictionary_that_no_row_has_is_not_there(tmp_path: Path) -> None:
    column = pa.DictionaryArray.from_arrays(pa.array([0, 2, None], pa.int32()), pa.array(["a", "unused", "b"]))
    found = distinct_texts([written(tmp_path, column)], "column")
    assert found.texts.to_pylist() == ["a", "b"]
    assert found.n_null == 1


def test_extremes_are_those_of_all_files_with_statistics_or_without(tmp_path: Path) -> None:
    told = written(tmp_path, pa.array([5, None, 3, 4]), row_group_size=2)
    silent = written(tmp_path, pa.array([9, -2, None]), write_statistics=False)
    nothing = written(tmp_path, pa.nulls(3, pa.int64()))
    assert extremes([told], "column") == (3, 5)
    assert extremes([told, nothing, silent], "column") == (-2, 9)
    assert extremes([nothing], "column") == (None, None)
    assert extremes([written(tmp_path, pa.array([0.5, 2.5]))], "column") == (0.5, 2.5)


def test_groups_with_statistics_are_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = [written(tmp_path, pa.array([5, 3])), written(tmp_path, pa.nulls(2, pa.int64()))]
    monkeypatch.setattr(pq.ParquetFile, "read_row_group", lambda *_, **__: pytest.fail("a group was read"))
    assert extremes(files, "column") == (3, 5)
