"""Arrays and tables that are worked out from a file once, and then shared by all processes of a user, without a copy of their own."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from engine.core.private_copies import PrivateCopy, private_result

__all__ = ["shared_arrays", "shared_table"]

_ALIGNED = 64
_LENGTH = 8


def shared_arrays(key: str, make: Callable[[], Mapping[str, NDArray[Any]]]) -> dict[str, NDArray[Any]]:
    """Arrays by name, read-only; `make` is called where no process has them yet. `key` as for `private_result`."""
    copy = private_result(f"arrays {key}", lambda stream: _write_arrays(stream, make()))
    with copy.open() as stream:
        head = json.loads(stream.read(int.from_bytes(stream.read(_LENGTH), "little")))
    return {name: copy.array(np.dtype(dtype), tuple(shape), start) for name, dtype, shape, start in head}


def shared_table(key: str, make: Callable[[], pa.Table]) -> tuple[pa.Table, PrivateCopy]:
    """A table, and what others find it by while it is held; texts are large_string, so that pandas need not copy them."""
    copy = private_result(f"table {key}", lambda stream: _write_table(stream, make()))
    return pa.ipc.open_file(pa.memory_map(str(copy.path))).read_all(), copy


def _write_arrays(stream: BinaryIO, arrays: Mapping[str, NDArray[Any]]) -> None:
    """How long the head is, the head, and every array at a multiple of `_ALIGNED` bytes."""
    room = _up(_LENGTH + sum(200 + len(name) for name in arrays) + 100)
    starts, end = [], room
    for array in arrays.values():
        starts.append(end)
        end = _up(end + max(array.nbytes, 1))
    head = [
        [name, array.dtype.str, array.shape, start] for (name, array), start in zip(arrays.items(), starts, strict=True)
    ]
    text = json.dumps(head).encode()
    stream.write(len(text).to_bytes(_LENGTH, "little") + text)
    for start, array in zip(starts, arrays.values(), strict=True):
        stream.seek(start)
        stream.write(np.ascontiguousarray(array).data)
    stream.truncate(end)


def _write_table(stream: BinaryIO, table: pa.Table) -> None:
    schema = pa.schema(
        [field.with_type(pa.large_string()) if pa.types.is_string(field.type) else field for field in table.schema],
        table.schema.metadata,
    )
    whole = table.cast(schema).combine_chunks()
    with pa.ipc.new_file(pa.PythonFile(stream, "w"), schema) as writer:
        writer.write_table(whole)


def _up(size: int) -> int:
    return -(-size // _ALIGNED) * _ALIGNED
