"""Rows that a database streams -> one Parquet file, batch by batch, with the types that the values have.

A database may say one type and send another (SQLite always may), and a column may be empty for a million rows, so types are
taken from the values: each batch is written with its own, and where batches differ they are brought together at the end.
"""

from __future__ import annotations

import datetime
import json
import math
from collections.abc import Iterable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from engine.core.errors import InputError

__all__ = ["RowWriter"]

_UTC = pa.timestamp("us", tz="UTC")
_INT64 = 2**63


class RowWriter:
    """Writes batches of rows beside `target`; `finish` joins them there.

    Parameters
    ----------
    columns : their names.
    name : what to call the database in a message.
    """

    def __init__(self, columns: Sequence[str], target: Path, name: str) -> None:
        twice = next((column for column in columns if list(columns).count(column) > 1), None)
        if twice is not None:
            raise InputError(
                "two columns of the result have this name. Give one another name in the query, e.g. o.id AS order_id.",
                file=name,
                field=twice,
            )
        self._columns, self._target, self._name = list(columns), target, name
        self._parts: list[Path] = []
        self._schema: pa.Schema | None = None
        self._writer: pq.ParquetWriter | None = None
        self.n_rows = 0

    def write(self, rows: Sequence[Sequence[Any]]) -> None:
        """Add rows, of which there is at least one. Raises `InputError` naming the column that cannot be stored."""
        cells = zip(*rows, strict=True)
        arrays = [self._array(name, values) for name, values in zip(self._columns, cells, strict=True)]
        batch = pa.Table.from_arrays(arrays, names=self._columns)
        if self._writer is None or not batch.schema.equals(self._schema):
            self._open(batch.schema)
        assert self._writer is not None
        self._writer.write_table(batch)
        self.n_rows += len(rows)

    def finish(self) -> Path:
        """Close and join; the path of the whole."""
        self.close()
        if len(self._parts) == 1:
            return self._parts[0].rename(self._target)
        schema = _joined_schema([pq.read_schema(part) for part in self._parts])
        with pq.ParquetWriter(self._target, schema, compression="lz4") as writer:
            for part in self._parts:
                with pq.ParquetFile(part) as file:
                    for batch in file.iter_batches():
                        writer.write_batch(_cast(batch, schema))
                part.unlink()
        return self._target

    def close(self) -> None:
        """Close the part that is being written, if one is."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    def _open(self, schema: pa.Schema) -> None:
        self.close()
        path = self._target.with_name(f".{self._target.stem}-{len(self._parts)}.parquet")
        self._parts.append(path)
        self._schema = schema
        self._writer = pq.ParquetWriter(path, schema, compression="lz4")

    def _array(self, column: str, values: Sequence[Any]) -> pa.Array:
        kinds = set(map(type, values)) - {type(None)}
        if kinds & {bytes, bytearray, memoryview}:
            raise InputError(
                "this column holds bytes, which are neither text nor numbers. Leave it out: name the columns in the query.",
                file=self._name,
                field=column,
            )
        return _as_array(values, kinds)


def _as_array(values: Sequence[Any], kinds: set[type]) -> pa.Array:
    if kinds == {Decimal}:
        values, kinds = _without_decimals(values)
    if kinds == {datetime.datetime}:
        return _times(values)
    if kinds == {int} and all(value is None or -_INT64 <= value < _INT64 for value in values):
        return pa.array(values, pa.int64())
    if kinds and kinds <= {int, float}:
        return pa.array([None if value is None else float(value) for value in values], pa.float64())
    if len(kinds) <= 1 and kinds <= {str, bool, float, datetime.date}:
        return pa.array(values)
    return pa.array(list(map(_text, values)), pa.string())


def _without_decimals(values: Sequence[Decimal | None]) -> tuple[list[Any], set[type]]:
    """Whole numbers, which may be ids, where none has a decimal point; else floats."""
    present = [value for value in values if value is not None]
    if all(value.is_finite() and value.as_tuple().exponent == 0 for value in present):
        whole = [None if value is None else int(value) for value in values]
        fits = all(value is None or -_INT64 <= value < _INT64 for value in whole)
        return (whole, {int}) if fits else ([None if value is None else str(value) for value in whole], {str})
    return [None if value is None else float(value) for value in values], {float}


def _times(values: Sequence[datetime.datetime | None]) -> pa.Array:
    """Times with zones in UTC, others as they are; a column that has both is text."""
    zones = {value.tzinfo is not None for value in values if value is not None}
    if len(zones) > 1:
        return pa.array(list(map(_text, values)), pa.string())
    return pa.array(values, _UTC if zones == {True} else pa.timestamp("us"))


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, dict | list | tuple):
        return json.dumps(value, ensure_ascii=False, default=str)
    if isinstance(value, datetime.datetime):
        return value.isoformat(sep=" ")
    if isinstance(value, float) and value.is_integer() and math.isfinite(value):
        return str(int(value))
    return str(value)


def _joined_schema(schemas: Iterable[pa.Schema]) -> pa.Schema:
    """The narrowest types that hold all: any for an empty column, float for whole numbers and others, else text."""
    first, *rest = schemas
    types = list(first.types)
    for schema in rest:
        types = [_joined_type(*pair) for pair in zip(types, schema.types, strict=True)]
    return pa.schema(list(zip(first.names, types, strict=True)))


def _joined_type(one: pa.DataType, other: pa.DataType) -> pa.DataType:
    if one == other or pa.types.is_null(other):
        return one
    if pa.types.is_null(one):
        return other
    numbers = {pa.int64(), pa.float64()}
    return pa.float64() if {one, other} <= numbers else pa.string()


def _cast(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    arrays = [
        column if column.type == field.type else _recast(column, field.type)
        for column, field in zip(batch.columns, schema, strict=True)
    ]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def _recast(column: pa.Array, kind: pa.DataType) -> pa.Array:
    if pa.types.is_string(kind):
        return pa.array(list(map(_text, column.to_pylist())), pa.string())
    return column.cast(kind, safe=False)
