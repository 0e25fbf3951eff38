"""What the operating system says when it refuses a file, in a sentence that a person can act on."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from shutil import disk_usage

from engine.core.errors import LongtailError, StorageError

__all__ = ["SENTENCES", "disk_error", "file_errors_said"]

_FULL = {errno.ENOSPC, errno.EDQUOT}
_FORBIDDEN_ALONE = {errno.EACCES, errno.EPERM}
_TROUBLES = (*_FULL, errno.EROFS, *_FORBIDDEN_ALONE, errno.EFBIG, errno.EIO)
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
    """Turn what the system says of a full, read-only or failing disk into a `StorageError`, whichever library passes it on.

    Other errors go through. `path` is what was being written, where the error does not say.
    """
    try:
        yield
    except LongtailError:
        raise
    except Exception as exc:
        number = _number(exc, path)
        if number is None:
            raise
        raise disk_error(exc, path) from exc


def disk_error(exc: Exception, path: Path | None = None) -> StorageError:
    """The sentence for whatever the system said."""
    if isinstance(exc, StorageError):
        return exc
    number = _number(exc, path) or getattr(exc, "errno", None)
    place = getattr(exc, "filename", None) or path
    said = getattr(exc, "strerror", None) or str(exc) or type(exc).__name__
    sentence = SENTENCES.get(number or 0, "The system refused a file.")
    return StorageError(sentence, f"{place}: {said}" if place else said, number)


def _number(exc: Exception, path: Path | None) -> int | None:
    """Which of the disk's troubles it is; libraries that write files themselves have its words alone."""
    number = getattr(exc, "errno", None) if isinstance(exc, OSError) else None
    if number in _TROUBLES:
        return int(number)
    text = str(exc)
    for trouble in _TROUBLES:
        if os.strerror(trouble) in text and trouble not in _FORBIDDEN_ALONE:
            return trouble
    short_write = "requested and" in text and "written" in text  # NumPy's words
    return errno.ENOSPC if number is None and isinstance(exc, OSError) and (short_write or _is_full(path)) else None


def _is_full(path: Path | None) -> bool:
    with suppress(OSError):
        return (
            path is not None and disk_usage(next(one for one in (path, *path.parents) if one.exists())).free < _LITTLE
        )
    return False
