"""Events of string ids as numbers, in blocks on disk: memory holds the ids, some blocks, and never all events.

Arrow reads a text that repeats within a part of a Parquet file as a number into a dictionary, so that every text is looked up
once for a part, and not once for an event.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

__all__ = ["NO_TIME", "CodedEvents", "EventBlock", "PairKeys", "bytes_on_disk", "code_events"]

NO_TIME = np.iinfo(np.int64).max
_BLOCK_ROWS, _PART_ROWS = 2_000_000, 4_000_000
_AHEAD = 1
_TEXTS = ["user_id", "item_id", "event"]
_Groups = Sequence[tuple[Path, int]]


@dataclass(frozen=True)
class PairKeys:
    """A shopper, product and kind of event as one number, whose order is theirs: bits of the kind below those of the product."""

    item_bits: int
    kind_bits: int

    @classmethod
    def of(cls, n_items: int, n_kinds: int) -> PairKeys:
        return cls((n_items - 1).bit_length(), (n_kinds - 1).bit_length())

    def below(self, items: np.ndarray, kinds: np.ndarray) -> np.ndarray:
        """(n,) int64 of products and kinds; below 0 where either is."""
        below: np.ndarray = (items.astype(np.int64) << self.kind_bits) | kinds
        return below

    def of_shoppers(self, users: np.ndarray) -> np.ndarray:
        """(n,) int64, to be joined with `below`."""
        return users.astype(np.int64) << (self.item_bits + self.kind_bits)

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
    keys : (n,) int64, see `PairKeys`; shoppers, products and kinds are positions in `CodedEvents.user_ids` and in what was given.
    times : (n,) int64 seconds since 1970, `NO_TIME` where the event has none.
    values : (n,) float64, NaN where the event has none; None where values do not count.
    """

    keys: np.ndarray
    times: np.ndarray
    values: np.ndarray | None


@dataclass(frozen=True)
class CodedEvents:
    """Events in `n_blocks` blocks, read from disk one by one; `user_ids` are the shoppers, in the order in which they first appear."""

    directory: Path
    n_blocks: int
    keys: PairKeys
    user_ids: pa.Array
    valued: bool

    def block(self, position: int) -> EventBlock:
        """One of the blocks."""
        keys, times = (np.fromfile(_file(self.directory, position, name), np.int64) for name in ("keys", "times"))
        return EventBlock(
            keys, times, np.fromfile(_file(self.directory, position, "values"), np.float64) if self.valued else None
        )


@dataclass(frozen=True)
class _Part:
    """Some row groups' events: each one's shopper among `texts`, and the rest of it as a number."""

    texts: pa.Array
    users: np.ndarray
    below: np.ndarray
    columns: dict[str, np.ndarray]


def bytes_on_disk(files: Sequence[Path]) -> int:
    """What `code_events` writes at most."""
    return _n_rows(files) * 3 * 8


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
    n_blocks = max(1, -(-_n_rows(files) // _BLOCK_ROWS))
    keys = PairKeys.of(len(item_ids), len(kinds))
    items, known = pa.array(item_ids, pa.string()), pa.array(kinds, pa.string())
    users = pa.array([], pa.string())
    for position in range(n_blocks):
        for name in ("keys", "times", "values"):
            _file(directory, position, name).touch()

    def read(groups: _Groups) -> _Part:
        return _read(groups, items, known, keys, valued=valued)

    for part in _in_turn(pool, read, _parts(files)):
        numbers, users = _numbered(part.texts, users)
        shoppers = numbers[part.users]
        columns = {"keys": keys.of_shoppers(shoppers) | part.below, **part.columns}
        counted = part.below >= 0
        if not counted.all():
            shoppers, columns = shoppers[counted], {name: column[counted] for name, column in columns.items()}
        _add(shoppers, columns, n_blocks, directory)
    return CodedEvents(directory, n_blocks, keys, users, valued)


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
    if held:
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
    columns = [*_TEXTS, "timestamp", *(["value"] if valued else [])]
    tables = []
    for file in dict.fromkeys(file for file, _ in groups):
        with pq.ParquetFile(file, read_dictionary=_TEXTS) as parquet:
            wanted = [group for other, group in groups if other == file]
            tables.append(parquet.read_row_groups(wanted, columns=columns, use_threads=False))
    table = pa.concat_tables(tables)
    texts, users = _coded(table["user_id"])
    below = keys.below(_positions(table["item_id"], items), _positions(table["event"], kinds))
    plain = {"times": _plain(table["timestamp"], NO_TIME)}
    if valued:
        plain["values"] = _plain(table["value"], np.nan)
    return _Part(texts, users, below, plain)


def _coded(column: pa.ChunkedArray) -> tuple[pa.Array, np.ndarray]:
    """The column's distinct texts, and (n,) int32 positions among them; of a missing one, -1."""
    column = column.unify_dictionaries()
    if not len(column):
        return pa.array([], pa.string()), np.zeros(0, np.int32)
    codes = [chunk.indices.fill_null(-1).to_numpy(zero_copy_only=False) for chunk in column.chunks]
    return column.chunk(0).dictionary.cast(pa.string()), np.concatenate(codes).astype(np.int32, copy=False)


def _numbered(texts: pa.Array, known: pa.Array) -> tuple[np.ndarray, pa.Array]:
    """(n,) int32 positions of distinct texts among `known` and those of them that are new, which are put behind it."""
    found = pc.index_in(texts, value_set=known)
    numbers = found.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int32)
    new = numbers < 0
    numbers[new] = len(known) + np.arange(int(new.sum()), dtype=np.int32)
    return numbers, pa.concat_arrays([known, texts.filter(pa.array(new))])


def _positions(column: pa.ChunkedArray, known: pa.Array) -> np.ndarray:
    """(n,) positions of the column's texts among `known`, -1 where they are not; a missing text is found where `known` has one."""
    texts, codes = _coded(column)
    found = pc.index_in(pa.concat_arrays([texts, pa.nulls(1, pa.string())]), value_set=known)
    positions: np.ndarray = found.fill_null(-1).to_numpy(zero_copy_only=False)[codes]
    return positions


def _plain(column: pa.ChunkedArray, missing: float) -> np.ndarray:
    return np.asarray((column.fill_null(missing) if column.null_count else column).to_numpy())


def _add(users: np.ndarray, columns: dict[str, np.ndarray], n_blocks: int, directory: Path) -> None:
    """Append events to the blocks of their shoppers."""
    block = users % n_blocks if n_blocks > 1 else None
    for position in range(n_blocks):
        here = slice(None) if block is None else np.flatnonzero(block == position)
        for name, column in columns.items():
            with _file(directory, position, name).open("ab") as stream:
                column[here].tofile(stream)
