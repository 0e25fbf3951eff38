"""A folder in an object store (s3://, gs://, az://) or on a disk that machines share, in which files are never changed but for pointers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

import pyarrow as pa
from fsspec.implementations.arrow import ArrowFSWrapper
from pyarrow.fs import FileType, LocalFileSystem

from engine.core.errors import InputError
from engine.ingest.locations.objects import PORTION, StoredObject, download, listed, refuse_credentials, store_sentence
from engine.ingest.locations.stores import CREDENTIALS, open_store

__all__ = ["Elsewhere"]

_POINTER_BYTES = 100


class Elsewhere:
    """The folder at an address. Every method raises `InputError` naming the address, with what the store said.

    Parameters
    ----------
    address : scheme://bucket/folder, or a folder of this machine.
    """

    def __init__(self, address: str):
        refuse_credentials(address)
        scheme, found, path = address.partition("://")
        self.address, self._scheme = address.rstrip("/"), scheme.lower() if found else ""
        if self._scheme and self._scheme not in CREDENTIALS:
            raise InputError(f"Give {', '.join(f'{one}://' for one in CREDENTIALS)} or a folder.", file=address)
        with self._told():
            self._store = open_store(self._scheme) if self._scheme else ArrowFSWrapper(LocalFileSystem())
        self._base = path.strip("/") if self._scheme else str(Path(address).absolute())

    def objects(self, folder: str) -> dict[str, StoredObject]:
        """Path below `folder` -> what lies there, nothing where there is no such folder; a name that leads out of it is refused."""
        base = f"{self._base}/{folder}"
        with self._told():
            found = listed(self._store, base, below=True, may_lack=True)
        return {str(one.local): one for one in found}

    def send(self, name: str, file: Path) -> None:
        """Copy a file there; it is whole, or not there."""
        with self._told(), file.open("rb") as source:
            self._write(name, lambda: source.read(PORTION))
            arrived = self._store.fs.get_file_info([self._path(name)])[0].size
            if arrived != file.stat().st_size:
                self._store.fs.delete_file(self._path(name))
                raise InputError(f"{name} arrived with {arrived} bytes. Send it again.", file=self.address)

    def point(self, name: str, text: str) -> None:
        """Write a line."""
        portions = iter([f"{text}\n".encode()])
        with self._told():
            self._write(name, lambda: next(portions, b""))

    def pointer(self, name: str) -> str | None:
        """The line in a file; None where there is none."""
        with self._told():
            if self._store.fs.get_file_info([self._path(name)])[0].type != FileType.File:
                return None
            with self._store.fs.open_input_stream(self._path(name), compression=None) as stream:
                return bytes(stream.read(_POINTER_BYTES)).decode("utf-8", "replace").strip()

    def read(self, one: StoredObject) -> bytes:
        """The bytes of what is small."""
        with self._told(), self._store.fs.open_input_stream(one.path, compression=None) as stream:
            return bytes(stream.read())

    def fetch(self, one: StoredObject, target: Path, progress: Callable[[int], None] = lambda done: None) -> None:
        """Download to `target`, which appears when it is whole; what broke off goes on."""
        target.parent.mkdir(parents=True, exist_ok=True)
        with self._told():
            download(self._store, one, target, progress)

    def _path(self, name: str) -> str:
        return f"{self._base}/{name}"

    def _write(self, name: str, portions: Callable[[], bytes]) -> None:
        """What `portions` gives until it gives nothing. In a store an object appears when it is whole; a file is written beside its place first."""
        path = self._path(name)
        beside = path if self._scheme else f"{path}.part"
        if not self._scheme:
            self._store.fs.create_dir(str(PurePosixPath(path).parent), recursive=True)
        with self._store.fs.open_output_stream(beside, compression=None) as stream:
            while portion := portions():
                stream.write(portion)
        if beside != path:
            self._store.fs.move(beside, path)

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except InputError:
            raise
        except (OSError, pa.ArrowException, ValueError) as exc:
            raise InputError(store_sentence(self._scheme, exc), file=self.address) from exc
