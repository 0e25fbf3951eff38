"""What the operating system says when it refuses a file, in a sentence that a person can act on."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from shutil import disk_usage

from engine.core.errors import StorageError

__all__ = ["disk_error", "file_errors_said"]

_FULL = {errno.ENOSPC, errno.EDQUOT}
_FORBIDDEN = {errno.EROFS, errno.EACCES, errno.EPERM}
_LITTLE = 64 * 1024
SENTENCES = {
    **dict.fromkeys(_FULL, "The disk is full. What was there before is unchanged; free some space and try again."),
    errno.EFBIG: "A file would be larger than the system allows. What was there before is unchanged; raise the limit and try again.",
    errno.EROFS: "The disk is read-only. Nothing was changed; put the workspace on a disk that can be written to.",
    **dict.fromkeys(
        (errno.EACCES, errno.EPERM),
        "Longtail may not write or read there. Nothing was changed; give the user that runs it the right to.",
    ),
    errno.EIO: "The disk fails. What was there before is unchanged as far as it can still be read; check the disk.",
    **dict.fromkeys(
        (errno.EMFILE, errno.ENFILE),
        "Too many files are open. Nothing was changed; raise the limit (`ulimit -n`) and try again.",
    ),
    errno.EISDIR: "There is a folder where a file should be. Nothing was changed; move it away.",
    errno.ENOTDIR: "There is a file where a folder should be. Nothing was changed; move it away.",
    errno.ENOENT: "A file or folder is missing.",
}


@contextmanager
def file_errors_said(path: Path) -> Iterator[None]:
    """Turn what the system says of a full, read-only or failing disk into a `StorageError`; other errors go through.

    `path` is what was being written, where the error does not say.
    """
    try:
        yield
    except StorageError:
        raise
    except OSError as exc:
        if exc.errno in _FULL | _FORBIDDEN | {errno.EFBIG, errno.EIO} or _is_full(exc, path):
            raise disk_error(exc, path) from exc
        raise


def disk_error(exc: OSError, path: Path | None = None) -> StorageError:
    """The sentence for whatever the system said."""
    if isinstance(exc, StorageError):
        return exc
    number = errno.ENOSPC if path is not None and _is_full(exc, path) else exc.errno
    place = exc.filename or path
    said = exc.strerror or str(exc) or type(exc).__name__
    sentence = SENTENCES.get(number or 0, "The system refused a file.")
    return StorageError(sentence, f"{place}: {said}" if place else said, number)


def _is_full(exc: OSError, path: Path) -> bool:
    """Libraries that write arrays report a short write without a number."""
    if exc.errno is not None:
        return False
    with suppress(OSError):
        return disk_usage(next(parent for parent in (path, *path.parents) if parent.exists())).free < _LITTLE
    return False
