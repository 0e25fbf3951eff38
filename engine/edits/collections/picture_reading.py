"""The pictures of a collection, read in the background while files are added and removed; each is read once."""

from __future__ import annotations

import io
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from engine.catalogue.images import is_cut_off
from engine.core.errors import ArchiveError, ImageError
from engine.untrusted.archives import count_archive, read_archive

__all__ = ["PictureFile", "PictureReading", "ReadingProgress"]

# Reading pauses after so long without a call (the tab is closed, another page is open); the next call resumes it.
_UNSEEN_SECONDS = 20.0
_FIRST_GUESS_SECONDS, _FIRST_GUESS_PICTURES = 2.0, 8


@dataclass(frozen=True)
class PictureFile:
    """A picture, or a zip of pictures: `key` differs for every file, `data` returns its bytes."""

    key: str
    name: str
    data: Callable[[], bytes]


@dataclass(frozen=True)
class ReadingProgress:
    """Pictures read or refused so far, out of `total` (None until the zips were counted), and an estimate of the time left."""

    done: int
    total: int | None
    seconds_left: float | None


@dataclass
class _Read:
    """The state of one file; `count` is how many pictures it holds, once that is known."""

    count: int | None = None
    stored: dict[str, str] = field(default_factory=dict)
    skipped: list[tuple[str, str]] = field(default_factory=list)
    cut: list[str] = field(default_factory=list)
    complete: bool = False


class PictureReading:
    """Reads pictures on a thread of its own; every method may be called from any other.

    Parameters
    ----------
    store : bytes and name of a picture -> its content hash, or `ImageError`.
    """

    def __init__(self, store: Callable[[bytes, str], str]) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._quiet = threading.Event()  # nothing is being read
        self._quiet.set()
        self._working = self._stopped = False
        self._files: tuple[PictureFile, ...] = ()
        self._read: dict[str, _Read] = {}
        self._failure: Exception | None = None
        self._seen = self._began = time.monotonic()
        self._before = 0

    @property
    def key(self) -> tuple[str, ...]:
        """The keys of the files; the same files give the same pictures."""
        return tuple(file.key for file in self._files)

    def want(self, files: Sequence[PictureFile]) -> None:
        """Set the files; those that were not read yet are read in the background."""
        with self._lock:
            self._files, self._seen = tuple(files), time.monotonic()
            self._read = {file.key: self._read.get(file.key) or _Read() for file in self._files}
            if self._stopped or self._working or not self._waiting():
                return
            self._working = True
            self._quiet.clear()
            self._began, self._before = time.monotonic(), self._done()
        threading.Thread(target=self._work, name="reading a collection's pictures", daemon=True).start()

    def wait(self, seconds: float) -> bool:
        """Whether everything was read within so many seconds. Raises the error that stopped the reading."""
        self._seen = time.monotonic()
        if not self._quiet.wait(seconds):
            return False
        failure, self._failure = self._failure, None
        if failure:
            raise failure
        with self._lock:
            left = bool(self._waiting()) and not self._stopped
        if left:  # the reading had paused
            self.want(self._files)
        return not left

    def stop(self) -> None:
        """Stop after the picture that is being read."""
        self._stopped = True

    @property
    def progress(self) -> ReadingProgress:
        """How far the reading is."""
        with self._lock:
            counts = [read.count for read in self._read.values()]
            done = self._done()
        total = None if None in counts else sum(count or 0 for count in counts)
        spent, fresh = time.monotonic() - self._began, done - self._before
        if total is None or fresh < _FIRST_GUESS_PICTURES or spent < _FIRST_GUESS_SECONDS:
            return ReadingProgress(done, total, None)
        return ReadingProgress(done, total, spent / fresh * (total - done))

    @property
    def pictures(self) -> dict[str, str]:
        """Name -> content hash of every picture that was stored; of two with one name the first."""
        return self._together()[0]

    @property
    def skipped(self) -> list[tuple[str, str]]:
        """Files that are not used, each with the reason."""
        return self._together()[1]

    @property
    def cut(self) -> list[str]:
        """Names of pictures that are used though the end of their file is missing."""
        with self._lock:
            return [name for read in self._read.values() for name in read.cut]

    def _together(self) -> tuple[dict[str, str], list[tuple[str, str]]]:
        pictures: dict[str, str] = {}
        skipped: list[tuple[str, str]] = []
        with self._lock:
            for read in self._read.values():
                skipped += read.skipped
                for name, image in read.stored.items():
                    if pictures.setdefault(name, image) != image:
                        skipped.append((name, "another picture has this name; only the first is used. Rename one."))
        return pictures, skipped

    def _done(self) -> int:
        return sum(len(read.stored) + len(read.skipped) for read in self._read.values())

    def _waiting(self) -> list[PictureFile]:
        return [file for file in self._files if not self._read[file.key].complete]

    def _work(self) -> None:
        try:
            while (todo := self._next()) is not None:
                self._one(*todo)
        except Exception as exc:  # raised by `wait`
            self._failure, self._working = exc, False
            self._quiet.set()

    def _next(self) -> tuple[PictureFile, _Read] | None:
        """The file to read next, once every zip was counted; None when the work is over."""
        while True:
            with self._lock:
                waiting = [] if self._over() else self._waiting()
                if not waiting:
                    self._working = False
                    self._quiet.set()
                    return None
                unknown = next((file for file in waiting if self._read[file.key].count is None), None)
                read = self._read[(unknown or waiting[0]).key]
            if unknown is None:
                return waiting[0], read
            read.count = _count(unknown)

    def _one(self, file: PictureFile, read: _Read) -> None:
        with self._lock:
            read.skipped.clear()  # a zip whose reading was interrupted is read from its start
        try:
            for name, data in _pictures(file, lambda name, why: self._skip(read, name, why)):
                if self._over() or file.key not in self._read:
                    return
                if name not in read.stored:
                    self._keep(read, name, data)
        except ArchiveError as exc:
            self._skip(read, file.name, str(exc))
        read.complete = True

    def _keep(self, read: _Read, name: str, data: bytes) -> None:
        try:
            image = self._store(data, name)
        except ImageError as exc:
            self._skip(read, name, str(exc))
            return
        with self._lock:
            read.stored[name] = image
            if is_cut_off(data) and name not in read.cut:
                read.cut.append(name)

    def _skip(self, read: _Read, name: str, why: str) -> None:
        with self._lock:
            read.skipped.append((name, why))

    def _over(self) -> bool:
        return self._stopped or time.monotonic() - self._seen > _UNSEEN_SECONDS


def _is_zip(file: PictureFile) -> bool:
    return file.name.lower().endswith(".zip")


def _count(file: PictureFile) -> int:
    try:
        return count_archive(io.BytesIO(file.data()), name=file.name) if _is_zip(file) else 1
    except ArchiveError:
        return 1  # the sentence that says it cannot be read


def _pictures(file: PictureFile, on_skip: Callable[[str, str], None]) -> Iterator[tuple[str, bytes]]:
    if _is_zip(file):
        yield from read_archive(io.BytesIO(file.data()), name=file.name, on_skip=on_skip)
    else:
        yield file.name, file.data()
