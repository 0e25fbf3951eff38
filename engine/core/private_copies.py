"""Private copies of files that are served: nobody can change them, shorten them, or end the process through them.

A file that is mapped from disk belongs to everybody who can write to it. Truncated in place, it ends the process that maps
it with SIGBUS, without a line in the log; overwritten in place, its new bytes are served. So a served file is read
once, its SHA-256 worked out from the very bytes that were copied, and kept in memory that the kernel seals (memfd_create(2),
F_ADD_SEALS): what was checked is what is served, whatever becomes of the file.

Processes of one user share these copies. A link named by the SHA-256, in a folder that only this user can enter, leads to
the memory of the process that made the copy (/proc/<pid>/fd/<n>). Who follows it believes the kernel, not the link: the name
given to the memory, its size, and that it is sealed. The memory goes with the last process that holds it, killed or not.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import stat
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from io import BufferedReader
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import DTypeLike, NDArray

from engine.core.errors import DamagedFileError
from engine.core.reading import open_regular

__all__ = [
    "PrivateArray",
    "PrivateCopy",
    "is_offered",
    "meeting_place",
    "private_copy",
    "private_folder",
    "private_result",
]

_BLOCK = 1 << 20
_SEALS = ("F_SEAL_SEAL", "F_SEAL_SHRINK", "F_SEAL_GROW", "F_SEAL_WRITE")


class PrivateCopy:
    """A file's bytes, which stay as they are while this object lives.

    Attributes
    ----------
    path : opens the copy, for libraries that want a path; valid in this process while this object lives.
    size : in bytes. sha256 : hex digits of these bytes.
    shared : whether another process, or an earlier opening in this one, made the copy.
    """

    def __init__(self, handle: int, size: int, sha256: str, *, shared: bool) -> None:
        self._handle, self.size, self.sha256, self.shared = handle, size, sha256, shared
        self.path = Path(f"/proc/self/fd/{handle}")

    def __del__(self) -> None:
        with suppress(OSError):
            os.close(self._handle)

    def open(self) -> BufferedReader:
        """The bytes as a file of its own, at its beginning."""
        return self.path.open("rb")

    def read(self) -> bytes:
        """All bytes."""
        return os.pread(self._handle, self.size, 0) if self.size < 1 << 30 else self.open().read()

    def array(
        self, dtype: DTypeLike, shape: tuple[int, ...], offset: int = 0, *, writable: bool = False
    ) -> PrivateArray:
        """The bytes from `offset` on as an array, without copying them.

        Parameters
        ----------
        writable : what is written stays with this one array, page by page; the copy does not change.
        """
        array = PrivateArray(self.path, dtype=dtype, mode="c" if writable else "r", offset=offset, shape=shape)
        array.private_copy = self
        return array

    def offer(self) -> None:
        """Let other processes of this user have the copy; whoever looks for its SHA-256 finds it from now on."""
        with suppress(OSError):
            folder = meeting_place()
            if self.shared or folder is None:
                return
            for link in folder.iterdir():
                if not link.exists():  # left by a process that is gone
                    link.unlink(missing_ok=True)
            fresh = folder / f".{self.sha256}.{os.getpid()}.{self._handle}"
            fresh.symlink_to(f"/proc/{os.getpid()}/fd/{self._handle}")
            fresh.replace(folder / self.sha256)


class PrivateArray(np.memmap[Any, Any]):
    """An array over a private copy, which it keeps; views of it know nothing of the copy."""

    private_copy: PrivateCopy | None = None

    def changed(self, rows: NDArray[np.int64], values: NDArray[Any]) -> NDArray[Any]:
        """The same array with other rows; only the pages that these lie in take memory of their own."""
        if self.private_copy is None or self.mode != "r":
            fresh: NDArray[Any] = np.array(self)
        else:
            fresh = self.private_copy.array(self.dtype, self.shape, self.offset, writable=True)
        fresh[rows] = values
        return fresh


def meeting_place() -> Path | None:
    """The folder in which processes of this user find each other's copies, and which only this user can enter; None where there can be none."""
    if not hasattr(os, "memfd_create"):
        return None
    folder = Path(tempfile.gettempdir()) / f"longtail-{os.getuid()}"
    with suppress(OSError):
        folder.mkdir(mode=0o700, exist_ok=True)
        facts = folder.lstat()
        if stat.S_ISDIR(facts.st_mode) and facts.st_uid == os.getuid() and not facts.st_mode & 0o077:
            return folder
    return None


def is_offered(sha256: str, size: int) -> bool:
    """Whether a process of this user holds a copy of these bytes, in which others can take part."""
    return _offered(sha256, size) is not None


def private_copy(file: Path, size: int | None = None, sha256: str | None = None) -> PrivateCopy:
    """Copy a file, or take part in the copy that another process made of the same bytes.

    Parameters
    ----------
    size, sha256 : what the file must have; None for any.

    Raises `DamagedFileError` where it has something else, `OSError` where it cannot be read.
    """
    if sha256 is not None and size is not None and (found := _offered(sha256, size)) is not None:
        return found
    with open_regular(file) as source:
        there = os.fstat(source.fileno()).st_size
        if size is not None and there != size:
            raise DamagedFileError(f"has {there} bytes, not {size}")
        digest = hashlib.sha256()
        target = _anonymous_memory(sha256 or "unchecked")
        try:
            copied = _copy(source, target, there, digest)
            if copied != there:
                raise DamagedFileError(f"had {there} bytes, and changed while it was read")
            if sha256 is not None and digest.hexdigest() != sha256:
                raise DamagedFileError("does not match its checksum")
            return PrivateCopy(_sealed(target), there, digest.hexdigest(), shared=False)
        finally:
            os.close(target)


def private_result(key: str, write: Callable[[BinaryIO], None]) -> PrivateCopy:
    """What `write` makes of something, worked out by the first process of this user that asks for it and shared by all.

    Parameters
    ----------
    key : says what it is, of which bytes (their SHA-256), and what was checked.
    write : writes the result; whatever it raises is raised.
    """
    name = hashlib.sha256(key.encode()).hexdigest()
    if (found := _offered(name, None)) is not None:
        return found
    target = _anonymous_memory(name)
    try:
        with os.fdopen(os.dup(target), "wb") as stream:
            write(stream)
        size = os.fstat(target).st_size
        result = PrivateCopy(_sealed(target), size, name, shared=False)
    finally:
        os.close(target)
    result.offer()
    return result


@contextmanager
def private_folder(files: Mapping[str, PrivateCopy]) -> Iterator[Path]:
    """A folder in which private copies lie under these names, for loaders that want a folder.

    It is gone when the block ends; what loaders read or mapped stays. `/` in a name makes a folder within it.
    """
    with tempfile.TemporaryDirectory(prefix="longtail-") as folder:
        for name, copy in files.items():
            place = Path(folder) / name
            place.parent.mkdir(parents=True, exist_ok=True)
            place.symlink_to(copy.path)
        yield Path(folder)


def _copy(source: BufferedReader, target: int, size: int, digest: Any) -> int:
    """Copy at most `size` bytes, and say how many there were; one more where the file has more by now."""
    copied, buffer = 0, memoryview(bytearray(_BLOCK))
    while copied <= size and (count := source.readinto(buffer[: min(_BLOCK, size + 1 - copied)])):
        digest.update(buffer[:count])
        written = 0
        while written < count:
            written += os.write(target, buffer[written:count])
        copied += count
    return copied


def _anonymous_memory(name: str) -> int:
    """A handle on memory without a name that anybody could open; on systems that have none, a file without a name."""
    if hasattr(os, "memfd_create"):
        return os.memfd_create(f"longtail-{name}", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    handle, path = tempfile.mkstemp()
    os.unlink(path)
    return handle


def _sealed(target: int) -> int:
    """Seal the memory, and return a handle that can only read."""
    if hasattr(os, "memfd_create"):
        fcntl.fcntl(target, fcntl.F_ADD_SEALS, sum(getattr(fcntl, seal) for seal in _SEALS))
    return os.open(f"/proc/self/fd/{target}", os.O_RDONLY | os.O_CLOEXEC)


def _offered(sha256: str, size: int | None) -> PrivateCopy | None:
    """The copy by this name that a process of this user holds; None where there is none, or it is not what it says."""
    if (folder := meeting_place()) is None:
        return None
    try:
        handle = os.open(folder / sha256, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError:
        return None
    with suppress(OSError):
        wanted = sum(getattr(fcntl, seal) for seal in _SEALS)
        name = os.readlink(f"/proc/self/fd/{handle}")
        sealed = fcntl.fcntl(handle, fcntl.F_GET_SEALS) & wanted == wanted
        there = os.fstat(handle).st_size
        if name.startswith(f"/memfd:longtail-{sha256}") and sealed and size in (None, there):
            return PrivateCopy(handle, there, sha256, shared=True)
    os.close(handle)
    return None
