"""The files of one release, read so that nothing in them can harm who reads: every byte is checked before anybody uses it.

What is read was copied before (`engine.core.private_copies`), and its SHA-256 is the manifest's. That is what protects from
accidents: a disk that lies, a copy that broke off, a file that somebody edits in place while it is served.

The manifest lies in the same directory. Who can write there can make one that fits whatever they put beside it, and so
decide what the shop shows; no checksum tells such a release from a true one. What they cannot do is end the process or fill
its memory: sizes and shapes are checked against one another before anything is unpacked, objects are never unpickled, numbers
are finite, rows exist, and every parser's complaint becomes a `ReleaseContentError` that names the file.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray
from scipy import sparse

from engine.core.arrays import npy_header, read_npz, unpacked_at_most
from engine.core.errors import DamagedFileError, LongtailError, ReleaseContentError, ReleaseError
from engine.core.private_copies import PrivateArray, PrivateCopy, private_copy, private_folder
from engine.core.reading import MOST_JSON
from engine.core.shared_results import shared_arrays, shared_table
from engine.release.manifest import Manifest

__all__ = ["ReleaseFiles", "making_sense_of"]

_CELL_BYTES = 20_000  # of text, for each row of a table on average


@contextmanager
def making_sense_of(name: str) -> Iterator[None]:
    """Turn whatever a parser says of a file into a `ReleaseContentError` that names it.

    The bytes are those that the manifest describes, so whoever wrote the release made them so. Parsers of forged bytes raise
    almost anything (BadZipFile, TypeError, ArrowInvalid, TokenError, MemoryError, ...), so nothing is left out here.
    """
    try:
        yield
    except LongtailError:
        raise
    except Exception as exc:
        said = str(exc).strip().splitlines()[:1] or [type(exc).__name__]
        raise ReleaseContentError(f"{name} makes no sense ({said[0][:200]})") from exc


class ReleaseFiles:
    """Reads the files of a release; errors are `ReleaseError` where a file is damaged, `ReleaseContentError` where it is
    what the manifest says and makes no sense."""

    def __init__(self, directory: Path, manifest: Manifest) -> None:
        self.directory, self.manifest = directory, manifest
        self._arrays: dict[str, PrivateArray] = {}
        self._held: dict[str, PrivateCopy] = {}  # so that other processes find them

    def __contains__(self, name: str) -> bool:
        """Whether the manifest names this file."""
        return name in self.manifest.files

    def copy(self, name: str) -> PrivateCopy:
        """A private copy of a file, whose SHA-256 is the manifest's."""
        digest = self.sha256(name)
        try:
            return private_copy(self.directory / name, self.manifest.files[name]["bytes"], digest)
        except FileNotFoundError as exc:
            raise ReleaseError(f"{name} is missing") from exc
        except DamagedFileError as exc:
            raise ReleaseError(f"{name} {exc}") from exc
        except OSError as exc:
            raise ReleaseError(f"{name} cannot be read ({exc.strerror or exc})") from exc

    def vectors(self, name: str, n_rows: int) -> NDArray[np.float32]:
        """A .npy file as (n_rows, d) float32, finite; the same array each time."""
        if name not in self._arrays:
            copy = self.copy(name)
            with making_sense_of(name), copy.open() as stream:
                shape, fortran, dtype = npy_header(stream)
                start, size = stream.tell(), math.prod(shape) * 4
                if dtype != np.dtype("<f4") or fortran or len(shape) != 2 or start + size != copy.size or not size:
                    raise ReleaseContentError(f"{name} holds {dtype} of shape {shape}, no table of float32 numbers")
                array = copy.array("<f4", shape, start)
                if not copy.shared and not np.isfinite(array.sum(dtype=np.float64)):
                    raise ReleaseContentError(f"{name} holds a NaN or an infinity")
            copy.offer()
            self._arrays[name] = array
        found = self._arrays[name]
        if found.shape[0] != n_rows:
            raise ReleaseContentError(f"{name} has {found.shape[0]} rows, not {n_rows}")
        return found

    def archive(self, name: str) -> dict[str, NDArray[Any]]:
        """The arrays of an .npz file, by name; none of objects, together no larger than such a file may come to."""
        copy = self.copy(name)
        with making_sense_of(name):
            return read_npz(copy.path)

    def arrays(
        self, name: str, kind: str, make: Callable[[Mapping[str, NDArray[Any]]], Mapping[str, NDArray[Any]]]
    ) -> dict[str, NDArray[Any]]:
        """Arrays that are made of those of an .npz file, by name, read-only; the processes of a user share them.

        Parameters
        ----------
        kind : says what `make` makes, and of what the checks in it depend beside the file.
        make : checks them, too; whoever comes first calls it.
        """
        return shared_arrays(f"{self.sha256(name)} {kind}", lambda: make(self.archive(name)))

    def csr(self, name: str, shape: tuple[int, int]) -> sparse.csr_matrix:
        """A sparse matrix as `scipy.sparse.save_npz` writes it, of this shape, finite, every index in range; do not change it."""

        def checked(parts: Mapping[str, NDArray[Any]]) -> Mapping[str, NDArray[Any]]:
            with making_sense_of(name):
                if tuple(parts["shape"].tolist()) != shape or parts["format"].item() != b"csr":
                    raise ReleaseContentError(f"{name} is no matrix of {shape[0]} x {shape[1]} by rows")
                data, indices, indptr = parts["data"], parts["indices"], parts["indptr"]
                if data.dtype.kind not in "fiu" or indices.dtype.kind != "i" or indptr.dtype.kind != "i":
                    raise ReleaseContentError(
                        f"{name} holds {data.dtype}, {indices.dtype} and {indptr.dtype}, no numbers by rows"
                    )
                matrix = sparse.csr_matrix((data, indices, indptr), shape=shape)
                matrix.check_format(full_check=True)
                if not np.isfinite(data.sum(dtype=np.float64)):
                    raise ReleaseContentError(f"{name} holds a NaN or an infinity")
            return {"data": matrix.data, "indices": matrix.indices, "indptr": matrix.indptr}

        parts = self.arrays(name, f"csr {shape}", checked)
        return sparse.csr_matrix((parts["data"], parts["indices"], parts["indptr"]), shape=shape)

    def table(
        self,
        name: str,
        columns: Sequence[str] = (),
        n_rows: int | None = None,
        check: Callable[[pa.Table], object] | None = None,
        kind: str = "",
    ) -> pa.Table:
        """A Parquet file, whose texts are large_string and in one piece; the processes of a user share it.

        Raises `ReleaseContentError` where it lacks one of `columns`, or has other than `n_rows` rows, and what `check` raises.

        Parameters
        ----------
        check : called by whoever comes first; depends on nothing but the table. kind : says what is checked.
        """

        def make() -> pa.Table:
            table = self._table(name)
            if check is not None:
                check(table)
            return table

        table, held = shared_table(f"{self.sha256(name)} {kind}", make)
        self._held[name] = held
        if n_rows is not None and table.num_rows != n_rows:
            raise ReleaseContentError(f"{name} has {table.num_rows} rows, not {n_rows}")
        if missing := [column for column in columns if column not in table.column_names]:
            raise ReleaseContentError(f"{name} lacks the column {missing[0]}")
        return table

    def _table(self, name: str) -> pa.Table:
        copy = self.copy(name)
        with making_sense_of(name):
            source = pa.memory_map(str(copy.path))
            facts = pq.read_metadata(source)
            unpacked = sum(facts.row_group(group).total_byte_size for group in range(facts.num_row_groups))
            if not 0 <= unpacked <= unpacked_at_most(copy.size):
                raise ReleaseContentError(f"{name} would unpack to {unpacked:,} bytes")
            schema = pq.read_schema(source)
            texts = [
                field.name for field in schema if pa.types.is_string(field.type) or pa.types.is_large_string(field.type)
            ]
            table = pq.read_table(source, read_dictionary=texts)
            _check_texts(name, table, unpacked_at_most(0) + min(_CELL_BYTES * facts.num_rows, 500 * copy.size))
            return table.cast(schema.remove_metadata()).replace_schema_metadata(schema.metadata)

    def sha256(self, name: str) -> str:
        """A file's SHA-256 by the manifest."""
        facts = self.manifest.files.get(name)
        if facts is None:
            raise ReleaseContentError(f"manifest.json names no file {name[:200]!r}")
        return str(facts["sha256"])

    def json(self, name: str) -> dict[str, Any]:
        """A JSON object."""
        content = self.copy(name)
        with making_sense_of(name):
            if content.size > MOST_JSON:
                raise ReleaseContentError(f"{name} has {content.size:,} bytes, more than {MOST_JSON:,}")
            value = json.loads(content.read())
            if not isinstance(value, dict):
                raise ReleaseContentError(f"{name} is no JSON object")
            return value

    @contextmanager
    def folder(self, *parts: str) -> Iterator[Path]:
        """A folder that holds private copies of the release's files under `parts`, for loaders that want a folder.

        It is gone, and its paths with it, when the block ends; what loaders read or mapped stays.
        """
        names = [name for name in self.manifest.files if name.split("/")[0] in parts]
        with private_folder({name: self.copy(name) for name in names}) as folder:
            yield folder


def _check_texts(name: str, table: pa.Table, most: int) -> None:
    """Refuse texts that stand once in the file and come to more than `most` bytes where they are written out."""
    total = 0
    for column in table.columns:
        for chunk in column.chunks:
            if pa.types.is_dictionary(chunk.type) and len(chunk.dictionary):
                total += pc.sum(pc.take(pc.binary_length(chunk.dictionary), chunk.indices)).as_py() or 0
            else:
                total += chunk.nbytes
    if total > most:
        raise ReleaseContentError(f"{name} would unpack to {total:,} bytes")
