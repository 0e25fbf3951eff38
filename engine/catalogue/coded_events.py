"""Events of string ids as numbers, in blocks on disk: memory holds the ids, some blocks, and never all events.

Arrow reads a text that repeats within a row group of a Parquet file as a number into a dictionary, so that every text is looked
up once for a row group, and not once for an event. Events are dealt out to their shoppers' blocks by counting, in one pass.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from itertools import groupby, pairwise
from operator import itemgetter
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

__all__ = ["NO_TIME", "CodedEvents", "EventBlock", "PairKeys", "bytes_on_disk", "code_events"]

NO_TIME = np.iinfo(np.int64).max
_BLOCK_ROWS, _PART_ROWS, _SLICE_ROWS = 1_000_000, 4_000_000, 1_000_000
_AHEAD = 1
_TEXTS = ["user_id", "item_id", "event"]
_COLUMNS = ("shoppers", "below", "times", "values")
_Groups = Sequence[tuple[Path, int]]


@dataclass(frozen=True)
class PairKeys:
    """A shopper, product and kind of event as one number, whose order is theirs: bits of the kind below those of the product."""

    item_bits: int
    kind_bits: int

    @classmethod
    def of(cls, n_items: int, n_kinds: int) -> PairKeys:
        return cls((n_items - 1).bit_length(), (n_kinds - 1).bit_length())

    @property
    def bits(self) -> int:
        """Those of products and kinds together."""
        return self.item_bits + self.kind_bits

    @property
    def below_type(self) -> np.dtype:
        """int32, or int64 where products and kinds do not fit."""
        return np.dtype(np.int32 if self.bits < 32 else np.int64)

    def of_items(self, items: np.ndarray) -> np.ndarray:
        """(n,) `below_type`, to be joined with kinds; below 0 where `items` is."""
        return np.asarray(items.astype(self.below_type) << self.kind_bits)

    def of_shoppers(self, shoppers: np.ndarray) -> np.ndarray:
        """(n,) int64, to be joined with products and kinds."""
        return shoppers.astype(np.int64) << self.bits

    def kinds(self, keys: np.ndarray) -> np.ndarray:
        return np.asarray(keys & ((1 << self.kind_bits) - 1))

    def pairs(self, keys: np.ndarray) -> np.ndarray:
        """Keys without the kind."""
        return keys >> self.kind_bits

    def split(self, pairs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(n,) int32 shoppers and products."""
        return (pairs >> self.item_bits).astype(np.int32), (pairs & ((1 << self.item_bits) - 1)).astype(np.int32)


@dataclass(frozen=True)
class EventBlock:
    """All events of some of the shoppers, in the order of the files.

    Attributes
    ----------
    user_numbers : (n_shoppers,) int32 positions of the block's shoppers in `CodedEvents.user_ids`.
    shoppers : (n,) int32 positions in `user_numbers`.
    below : (n,) int32 or int64, products and kinds of `PairKeys`; they are positions in what was given.
    times : (n,) int64 seconds since 1970, `NO_TIME` where the event has none.
    values : (n,) float64, NaN where the event has none; None where values do not count.
    """

    user_numbers: np.ndarray
    shoppers: np.ndarray
    below: np.ndarray
    times: np.ndarray
    values: np.ndarray | None


@dataclass(frozen=True)
class CodedEvents:
    """Events in `n_blocks` blocks, read from disk one by one; `user_ids` are the shoppers, in the order in which they first appear.

    Shoppers are dealt out to the blocks in turn.
    """

    directory: Path
    n_blocks: int
    keys: PairKeys
    user_ids: pa.Array
    valued: bool

    def block(self, position: int) -> EventBlock:
        """One of the blocks."""

        def column(name: str, kind: type | np.dtype) -> np.ndarray:
            return np.fromfile(_file(self.directory, position, name), kind)

        return EventBlock(
            user_numbers=np.arange(position, len(self.user_ids), self.n_blocks, dtype=np.int32),
            shoppers=column("shoppers", np.int32),
            below=column("below", self.keys.below_type),
            times=column("times", np.int64),
            values=column("values", np.float64) if self.valued else None,
        )


@dataclass(frozen=True)
class _Part:
    """Some row groups' events: each one's shopper among its chunk's texts, product and kind as a number, and the rest of it."""

    users: list[tuple[pa.Array, np.ndarray]]
    below: np.ndarray
    columns: dict[str, np.ndarray]


def bytes_on_disk(files: Sequence[Path]) -> int:
    """What `code_events` writes at most."""
    return _n_rows(files) * (4 + 3 * 8)


def code_events(
    files: Sequence[Path],
    item_ids: Sequence[str],
    kinds: Sequence[str | None],
    directory: Path,
    pool: Executor,
    *,
    valued: bool,
) -> CodedEvents:
    """Write the events of `item_ids` and `kinds` in Parquet files of `EVENT_SCHEMA` to `directory`; others are left out.

    Parameters
    ----------
    pool : reads one part ahead, while another is sorted into blocks.
    valued : whether values count.
    """
    block_bits = max(0, (-(-_n_rows(files) // _BLOCK_ROWS) - 1).bit_length())
    keys = PairKeys.of(len(item_ids), len(kinds))
    items, known = pa.array(item_ids, pa.string()), pa.array(kinds, pa.string())
    users = pa.array([], pa.string())
    for position in range(1 << block_bits):
        for name in _COLUMNS:
            _file(directory, position, name).touch()

    def read(groups: _Groups) -> _Part:
        return _read(groups, items, known, keys, valued=valued)

    for part in _in_turn(pool, read, _parts(files)):
        numbers, users = _numbered(part.users, users)
        columns = {"below": part.below, **part.columns}
        for start in range(0, len(numbers), _SLICE_ROWS):
            here = slice(start, start + _SLICE_ROWS)
            _add(numbers[here], {name: column[here] for name, column in columns.items()}, block_bits, directory)
    return CodedEvents(directory, 1 << block_bits, keys, users, valued)


def _n_rows(files: Sequence[Path]) -> int:
    return sum(pq.read_metadata(file).num_rows for file in files)


def _file(directory: Path, position: int, name: str) -> Path:
    return directory / f"{name}-{position}"


def _parts(files: Sequence[Path]) -> Iterator[_Groups]:
    """Row groups that are read together: the files and the groups' positions in them."""
    held: list[tuple[Path, int]] = []
    rows = 0
    for file in files:
        metadata = pq.read_metadata(file)
        for group in range(metadata.num_row_groups):
            held.append((file, group))
            rows += metadata.row_group(group).num_rows
            if rows >= _PART_ROWS:
                yield held
                held, rows = [], 0
    if rows:
        yield held


def _in_turn(pool: Executor, read: Callable[[_Groups], _Part], given: Iterable[_Groups]) -> Iterator[_Part]:
    """The parts in order, `_AHEAD` of them read ahead."""
    waiting: deque[Future[_Part]] = deque()
    for groups in given:
        waiting.append(pool.submit(read, groups))
        if len(waiting) > _AHEAD:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()


def _read(groups: _Groups, items: pa.Array, kinds: pa.Array, keys: PairKeys, *, valued: bool) -> _Part:
    below = _found(_column(groups, "item_id"), items, keys.of_items(np.arange(len(items))))
    below |= _found(_column(groups, "event"), kinds, np.arange(len(kinds), dtype=keys.below_type))
    plain = {"times": _plain(_column(groups, "timestamp"), NO_TIME)}
    if valued:
        plain["values"] = _plain(_column(groups, "value"), np.nan)
    return _Part(_chunks(_column(groups, "user_id")), below, plain)


def _column(groups: _Groups, name: str) -> pa.ChunkedArray:
    """One column of row groups, read one by one: the first touch of much memory costs more than the reading."""
    tables = []
    for file, those in groupby(groups, key=itemgetter(0)):
        with pq.ParquetFile(file, read_dictionary=_TEXTS) as parquet:
            tables += [parquet.read_row_group(group, columns=[name], use_threads=False) for _, group in those]
    return pa.concat_tables(tables)[name]


def _chunks(column: pa.ChunkedArray) -> list[tuple[pa.Array, np.ndarray]]:
    """Of every chunk its distinct texts, and (n,) int32 positions among them, the number of texts where one is missing."""
    return [
        (chunk.dictionary.cast(pa.string()), chunk.indices.fill_null(len(chunk.dictionary)).to_numpy())
        for chunk in column.chunks
    ]


def _found(column: pa.ChunkedArray, known: pa.Array, values: np.ndarray) -> np.ndarray:
    """(n,) `values` of the column's texts, which are those of `known`, -1 elsewhere; a missing text is found where `known` has one."""
    chunks = _chunks(column)
    missing = pa.nulls(1, pa.string())
    texts = pa.concat_arrays([array for texts, _ in chunks for array in (texts, missing)])
    places = pc.index_in(texts, value_set=known).fill_null(-1).to_numpy()
    return _looked_up(
        np.append(values, values.dtype.type(-1))[places], [(len(texts) + 1, codes) for texts, codes in chunks]
    )


def _looked_up(table: np.ndarray, chunks: Sequence[tuple[int, np.ndarray]]) -> np.ndarray:
    """(n,) entries of `table`, whose first ones are of the first chunk: how many these are, and positions among them."""
    found: np.ndarray = np.empty(sum(len(codes) for _, codes in chunks), table.dtype)
    start = done = 0
    for size, codes in chunks:
        np.take(table[start : start + size], codes, out=found[done : done + len(codes)], mode="clip")
        start, done = start + size, done + len(codes)
    return found


def _numbered(chunks: Sequence[tuple[pa.Array, np.ndarray]], known: pa.Array) -> tuple[np.ndarray, pa.Array]:
    """(n,) int32 positions of the chunks' texts among `known` and those of them that are new, which are put behind it."""
    unified = pa.chunked_array([_each_once(known), *(_each_once(texts) for texts, _ in chunks)]).unify_dictionaries()
    table = np.concatenate([chunk.indices.to_numpy() for chunk in unified.chunks[1:]])
    return _looked_up(table, [(len(texts), codes) for texts, codes in chunks]), unified.chunk(0).dictionary


def _each_once(texts: pa.Array) -> pa.DictionaryArray:
    return pa.DictionaryArray.from_arrays(np.arange(len(texts), dtype=np.int32), texts)


def _plain(column: pa.ChunkedArray, missing: float) -> np.ndarray:
    return np.asarray((column.fill_null(missing) if column.null_count else column).to_numpy())


def _add(shoppers: np.ndarray, columns: dict[str, np.ndarray], block_bits: int, directory: Path) -> None:
    """Append the events that count to the blocks of their shoppers."""
    counted = np.flatnonzero(columns["below"] >= 0)
    if len(counted) < len(shoppers):
        shoppers, columns = shoppers[counted], {name: column[counted] for name, column in columns.items()}
    blocks = (shoppers & ((1 << block_bits) - 1)).astype(np.uint16)
    # NumPy sorts so few bits by counting.
    order = np.argsort(blocks, kind="stable")
    bounds = [0, *np.cumsum(np.bincount(blocks, minlength=1 << block_bits))]
    for name, column in {"shoppers": shoppers >> block_bits, **columns}.items():
        dealt = column[order]
        for position, (start, end) in enumerate(pairwise(bounds)):
            with _file(directory, position, name).open("ab") as stream:
                stream.write(dealt[start:end].data)
