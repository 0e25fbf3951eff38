"""What files of events say of all events at once: their texts from Parquet's dictionaries, and extremes from its statistics."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

__all__ = ["DistinctTexts", "distinct_texts", "extremes"]

_AT_ONCE = 2_000_000


@dataclass(frozen=True)
class DistinctTexts:
    """The texts of a column, each once, (n,) string; how many rows have none, and how many an empty one."""

    texts: pa.Array
    n_null: int
    n_empty: int


def distinct_texts(files: Sequence[Path], column: str) -> DistinctTexts:
    """Those of one column of Parquet files. A text is looked at once for a row group, and memory holds each of them a few times."""
    known = pa.array([], pa.string())
    waiting: list[pa.Array] = []
    n_null = n_empty = 0
    for file in files:
        with pq.ParquetFile(file, read_dictionary=[column]) as parquet:
            for group in range(parquet.num_row_groups):
                for chunk in parquet.read_row_group(group, columns=[column], use_threads=False)[column].chunks:
                    n_null += chunk.null_count
                    n_empty += _n_empty(chunk)
                    waiting.append(_used(chunk))
                if sum(map(len, waiting)) > max(len(known), _AT_ONCE):
                    known, waiting = pa.chunked_array([known, *waiting]).unique(), []
    return DistinctTexts(pa.chunked_array([known, *waiting]).unique(), n_null, n_empty)


def extremes(files: Sequence[Path], column: str) -> tuple[Any, Any] | tuple[None, None]:
    """The least and the greatest value of a column of numbers in Parquet files; None where it has no value.

    Only groups of rows without statistics are read.
    """
    found: list[Any] = []
    for file in files:
        with pq.ParquetFile(file) as parquet:
            position = parquet.schema_arrow.get_field_index(column)
            for group in range(parquet.num_row_groups):
                rows = parquet.metadata.row_group(group)
                told = rows.column(position).statistics
                if told is not None and told.has_min_max:
                    found += [told.min, told.max]
                elif told is None or not told.has_null_count or told.null_count < rows.num_rows:
                    read = parquet.read_row_group(group, columns=[column], use_threads=False)[column]
                    found += [value for value in pc.min_max(read).as_py().values() if value is not None]
    return (min(found), max(found)) if found else (None, None)


def _used(chunk: pa.DictionaryArray) -> pa.Array:
    """The texts of the dictionary that a row has: some writers put others there too."""
    used = np.zeros(len(chunk.dictionary), bool)
    used[chunk.indices.drop_null().to_numpy()] = True
    return (chunk.dictionary if used.all() else chunk.dictionary.filter(pa.array(used))).cast(pa.string())


def _n_empty(chunk: pa.DictionaryArray) -> int:
    place = pc.index(chunk.dictionary, "").as_py()
    return 0 if place < 0 else int(pc.sum(pc.equal(chunk.indices, place)).as_py() or 0)
