"""Annoy, guarded: the only module that touches it.

Annoy 1.17.3 crashes the process on a file that is truncated, flipped or read with the wrong dimension, takes NaN without
a word, and unlinks the old file before it writes the new one. So here every vector is checked and scaled to unit length
before it goes in, an index is built beside its final path, queried in a child process and only then renamed into place;
and a file is loaded only when its size and SHA-256 are those that were written down when it was built (`IndexInfo`,
kept in the release's manifest), from a private copy, and only when its nodes lead somewhere. A loaded index is never unloaded: drop the reference and open another.

Where Annoy is asked and where every vector is compared instead is decided, with figures, in `engine.release.arm_index`.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from annoy import AnnoyIndex
from numpy.typing import ArrayLike, NDArray

from engine.core.errors import DamagedFileError, IndexFileError
from engine.core.joined_rows import JoinedRows, Table
from engine.core.large_arrays import blocks, zeros
from engine.core.private_copies import PrivateCopy, private_copy
from engine.core.side_by_side import do_side_by_side
from engine.core.storage import fsync_directory
from engine.release.checksums import checked_sha256

__all__ = ["METRIC", "AnnIndex", "IndexInfo", "build_index", "indexable_rows", "unit_table"]

METRIC: Literal["angular"] = "angular"
SMOKE_SECONDS = 120
SCALED_AT_ONCE = 8_192  # rows, in double precision
_NODE_HEADER_BYTES = 12  # Annoy's angular node: descendants, two children (or the norm), then the vector
_MAX_INT32 = 2**31 - 1
_NODES_AT_ONCE = 1 << 15

# Runs in a child, so that a file that crashes Annoy takes no more than the child with it.
_SMOKE_QUERY = """
import sys
from annoy import AnnoyIndex
path, dim, n_items = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
index = AnnoyIndex(dim, "angular")
index.load(path)
assert index.get_n_items() == n_items, f"it holds {index.get_n_items()} items, not {n_items}"
for row in range(0, n_items, max(1, n_items // 50)):
    found = index.get_nns_by_vector(index.get_item_vector(row), min(10, n_items))
    assert found and all(0 <= other < n_items for other in found), f"a query for row {row} gave {found}"
print(index.get_n_trees())
"""


@dataclass(frozen=True)
class IndexInfo:
    """What must be true of an index file before it may be loaded; kept in the release's manifest."""

    dim: int
    metric: str
    n_items: int
    trees: int
    bytes: int
    sha256: str

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, values: object) -> IndexInfo:
        """Read the manifest's entry; `IndexFileError` naming the fact that is missing or makes no sense."""
        if not isinstance(values, dict):
            raise IndexFileError("The manifest has no facts about this index. Train a new release.")
        for name in ("dim", "n_items", "trees", "bytes"):
            value = values.get(name)
            if not isinstance(value, int) or isinstance(value, bool) or not 0 < value < 2**53:
                raise IndexFileError(f"The manifest gives {name} = {value!r} for an index. Train a new release.")
        if values.get("metric") != METRIC:
            raise IndexFileError(f"The manifest gives metric = {values.get('metric')!r}; only {METRIC!r} is served.")
        if not isinstance(values.get("sha256"), str):
            raise IndexFileError("The manifest gives no sha256 for an index. Train a new release.")
        return cls(*(values[name] for name in ("dim", "metric", "n_items", "trees", "bytes", "sha256")))


def build_index(vectors: ArrayLike | JoinedRows, path: Path, trees: int, seed: int) -> IndexInfo:
    """Build an Annoy index over unit-length `vectors` and put it at `path`, atomically.

    The same vectors, trees and seed give the same file, byte for byte (one build thread).

    Parameters
    ----------
    vectors : (n_items, dim) floats, finite. A zero row stays zero: it has similarity 0 with everything.
    path : where the index goes; an index already there stays until the new one has answered queries.
    trees : at least 1.
    seed : of Annoy's random splits.

    Raises `IndexFileError` for vectors that must not be indexed, or when the built file does not answer.
    """
    units = indexable_rows(vectors)
    n_items, dim = units.shape
    if n_items == 0 or dim == 0:
        raise IndexFileError(f"{path.name}: an index needs at least one vector; got an array of shape {units.shape}.")
    if not 1 <= trees <= 10_000:
        raise IndexFileError(f"{path.name}: an index has 1 to 10000 trees, not {trees}.")
    index = AnnoyIndex(dim, METRIC)
    index.set_seed(int(seed) & _MAX_INT32)
    for row in range(n_items):
        index.add_item(row, units[row].tolist())
    index.build(int(trees), n_jobs=1)

    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
    os.close(handle)
    part = Path(name)
    try:
        try:
            index.save(str(part))
        except OSError as exc:
            raise IndexFileError(f"{path.name} could not be written: {exc}. Is the disk full?") from exc
        _fsync(part)
        built_trees = _smoke_query(part, path.name, dim, n_items)
        info = IndexInfo(dim, METRIC, n_items, built_trees, part.stat().st_size, checked_sha256(part))
        os.chmod(part, 0o644)
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)
    fsync_directory(path.parent)
    return info


class AnnIndex:
    """A verified index, mapped from a private copy of its file. Queries may run in any number of threads."""

    def __init__(self, index: AnnoyIndex, info: IndexInfo, name: str, copy: PrivateCopy):
        self._index, self.info, self.name = index, info, name
        self._copy = copy  # other processes find it while this one holds it

    @classmethod
    def open(cls, path: Path, info: IndexInfo) -> AnnIndex:
        """Copy the file and check it against `info`, then map the copy; `IndexFileError` says which fact does not hold."""
        try:
            return cls.of_copy(private_copy(path, info.bytes, info.sha256), info, path.name)
        except DamagedFileError as exc:
            raise IndexFileError(f"{path.name} {exc}.") from exc
        except OSError as exc:
            raise IndexFileError(f"{path.name} cannot be read: {exc.strerror or exc}.") from exc

    @classmethod
    def of_copy(cls, copy: PrivateCopy, info: IndexInfo, name: str) -> AnnIndex:
        """Map an index of which there is a private copy; errors as `open`. `name` is what errors call the file."""
        if info.metric != METRIC:
            raise IndexFileError(f"{name} is a {info.metric!r} index; only {METRIC!r} is served.")
        node_bytes = _NODE_HEADER_BYTES + 4 * info.dim
        if info.dim < 1 or info.n_items < 1 or info.trees < 1 or info.bytes < node_bytes * info.n_items:
            raise IndexFileError(f"{name}: its facts contradict one another ({info}). Train a new release.")
        if info.bytes % node_bytes or copy.size != info.bytes:
            raise IndexFileError(f"{name}: {info.bytes} bytes cannot hold vectors of {info.dim} numbers.")
        if not copy.shared:
            _check_nodes(copy, info, name)
        index = AnnoyIndex(info.dim, METRIC)
        try:
            index.load(str(copy.path))
        except OSError as exc:
            raise IndexFileError(f"{name} cannot be read: {exc.strerror or exc}.") from exc
        if index.get_n_items() != info.n_items or index.get_n_trees() != info.trees:
            raise IndexFileError(
                f"{name} holds {index.get_n_items()} items in {index.get_n_trees()} trees, "
                f"not {info.n_items} in {info.trees}."
            )
        return cls(index, info, name, copy)

    def query(self, vector: ArrayLike, n: int, search_k: int = -1) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """The `n` stored vectors nearest to `vector`, best first, as far as Annoy finds them.

        Parameters
        ----------
        vector : (dim,) finite floats, not all zero; its length does not matter.
        n : 1 to n_items.
        search_k : nodes to inspect; -1 is Annoy's own choice, n x trees.

        Returns positions (<= n,) int64 and cosine similarities (<= n,) float32.
        """
        if not isinstance(n, int | np.integer) or not 1 <= n <= self.info.n_items:
            raise IndexFileError(f"{self.name}: ask for 1 to {self.info.n_items} neighbours, not {n!r}.")
        if not isinstance(search_k, int | np.integer) or search_k < -1 or search_k == 0:
            raise IndexFileError(f"{self.name}: search_k is -1 or at least 1, not {search_k!r}.")
        units = indexable_rows(np.atleast_2d(np.asarray(vector)))
        if units.shape != (1, self.info.dim):
            raise IndexFileError(f"{self.name}: a query has {self.info.dim} numbers, not shape {np.shape(vector)}.")
        if not units.any():
            raise IndexFileError(f"{self.name}: a query of zeros has no neighbours.")
        # More than every leaf of every tree cannot be inspected; the cap also keeps Annoy's int from overflowing.
        search_k = min(int(search_k), self.info.n_items * self.info.trees, _MAX_INT32)
        positions, distances = self._index.get_nns_by_vector(
            units[0].tolist(), int(n), search_k, include_distances=True
        )
        similarities = 1.0 - np.square(np.asarray(distances, dtype=np.float64)) / 2.0
        return np.asarray(positions, dtype=np.int64), similarities.astype(np.float32)


def indexable_rows(vectors: ArrayLike | JoinedRows) -> NDArray[np.float32]:
    """(n, dim) vectors scaled to length 1, as contiguous float32; zero rows stay zero.

    Raises `IndexFileError` naming the first row that is not finite, or when there are not two dimensions.
    """
    array = vectors if isinstance(vectors, JoinedRows) else np.asarray(vectors)
    if array.ndim != 2 or array.dtype.kind not in "fiu":
        raise IndexFileError(f"Vectors must be a table of numbers; got {array.dtype} of shape {array.shape}.")
    units = zeros(array.shape)

    def scale(rows: slice) -> None:
        wide = array[rows].astype(np.float64)
        finite = np.isfinite(wide).all(axis=1)
        if not finite.all():
            row = rows.start + int(np.flatnonzero(~finite)[0])
            raise IndexFileError(f"The vector in row {row} holds a NaN or an infinity.")
        # Scaling by the largest entry first keeps squares of very large and very small numbers in range.
        peak = np.abs(wide).max(axis=1, initial=0.0, keepdims=True)
        wide = np.divide(wide, peak, out=np.zeros_like(wide), where=peak > 0)
        norm = np.linalg.norm(wide, axis=1, keepdims=True)
        np.divide(wide, norm, out=wide, where=norm > 0)
        units[rows] = wide

    do_side_by_side(scale, blocks(len(array), SCALED_AT_ONCE))
    return units


def unit_table(table: Table) -> Table:
    """The same of a table that may be joined: unit rows, zero rows stay zero. Raises what `indexable_rows` does."""
    if not isinstance(table, JoinedRows):
        return indexable_rows(table)
    inverse = np.empty(len(table), dtype=np.float32)

    def measure(rows: slice) -> None:
        lengths = np.linalg.norm(table[rows].astype(np.float64), axis=1)
        if not np.isfinite(lengths).all():
            row = rows.start + int(np.flatnonzero(~np.isfinite(lengths))[0])
            raise IndexFileError(f"The vector in row {row} holds a NaN or an infinity.")
        inverse[rows] = np.divide(1.0, lengths, out=np.zeros_like(lengths), where=lengths > 0)

    do_side_by_side(measure, blocks(len(table), SCALED_AT_ONCE))
    return table.times(inverse)


def _check_nodes(copy: PrivateCopy, info: IndexInfo, name: str) -> None:
    """Refuse an index whose nodes lead anywhere but to items and to nodes before them: Annoy follows them unchecked.

    A node is n_descendants, then two children and a vector. Up to `most` descendants it lists them instead; items are the first
    nodes, with themselves as their only descendant. A node is written after those below it, so nothing can go round in
    circles (Annoy 1.17.3, annoylib.h, `_make_tree` and `_get_all_nns`).
    """
    most, n_nodes = info.dim + 2, copy.size // (_NODE_HEADER_BYTES + 4 * info.dim)
    nodes = copy.array("<i4", (n_nodes, info.dim + 3))
    for start in range(0, n_nodes, _NODES_AT_ONCE):
        block = np.asarray(nodes[start : start + _NODES_AT_ONCE])
        places, count, below = np.arange(start, start + len(block)), block[:, 0], block[:, 1:]
        items = places < info.n_items
        lists = ~items & (count <= most)
        listed = np.arange(most) < count[lists, None]
        bad = (items & (count != 1)) | (count < 1) | (count > info.n_items)
        outside = listed & ((below[lists] < 0) | (below[lists] >= info.n_items))
        bad[lists] |= outside.any(axis=1)
        splits = ~items & ~lists
        bad[splits] |= ((below[splits, :2] < 0) | (below[splits, :2] >= places[splits, None])).any(axis=1)
        if bad.any():
            raise IndexFileError(f"{name}: its node {int(places[bad][0])} leads nowhere. Train a new release.")


def _smoke_query(part: Path, name: str, dim: int, n_items: int) -> int:
    """Load and query a fresh file in a child process; its number of trees."""
    command = [sys.executable, "-c", _SMOKE_QUERY, str(part), str(dim), str(n_items)]
    try:
        child = subprocess.run(command, capture_output=True, text=True, timeout=SMOKE_SECONDS, check=False)
    except subprocess.TimeoutExpired as exc:
        raise IndexFileError(f"{name} was built but did not answer within {SMOKE_SECONDS} s. Train again.") from exc
    if child.returncode != 0:
        reason = child.stderr.strip().splitlines()[-1:] or [f"the process ended with {child.returncode}"]
        raise IndexFileError(f"{name} was built but does not answer: {reason[0]}. Is the disk full? Train again.")
    return int(child.stdout)


def _fsync(path: Path) -> None:
    with path.open("rb") as stream:
        os.fsync(stream.fileno())
