"""Texts as Python sees a sequence, in the memory that Arrow or other processes hold: a million of them cost no objects."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

__all__ = ["Texts", "text_arrays", "texts_in"]


class Texts(Sequence[str]):
    """Texts that become Python's when somebody asks for one."""

    def __init__(self, array: pa.Array) -> None:
        self.array = array

    def __len__(self) -> int:
        return len(self.array)

    def __getitem__(self, place):  # type: ignore[no-untyped-def]
        return self.array[place].to_pylist() if isinstance(place, slice) else self.array[int(place)].as_py()

    def take(self, places: NDArray[np.integer] | Iterable[int]) -> list[str]:
        """The texts in these places."""
        taken: list[str] = self.array.take(pa.array(places, pa.int64())).to_pylist()
        return taken


def text_arrays(name: str, texts: pa.Array) -> dict[str, NDArray[Any]]:
    """Texts without gaps as two arrays, their letters and where each begins, under names that begin with `name`."""
    whole = texts.cast(pa.large_binary())
    starts = np.frombuffer(whole.buffers()[1], np.int64)[whole.offset : whole.offset + len(whole) + 1]
    letters = np.frombuffer(whole.buffers()[2] or b"", np.uint8)[starts[0] : starts[-1]]
    return {f"{name}_starts": starts - starts[0], f"{name}_letters": letters}


def texts_in(arrays: Mapping[str, NDArray[Any]], name: str) -> Texts:
    """The texts that `text_arrays` put there under this name."""
    starts, letters = arrays[f"{name}_starts"], arrays[f"{name}_letters"]
    return Texts(pa.LargeStringArray.from_buffers(len(starts) - 1, pa.py_buffer(starts), pa.py_buffer(letters)))
