"""Reading files that anybody may have put there: a pipe that never answers, a device without end, gigabytes of one letter.

Who reads a small file of a workspace says how large it may be, and gets an `OSError` for everything that is no such file.
"""

from __future__ import annotations

import errno
import json
import os
import stat
from io import BufferedReader
from pathlib import Path
from typing import Any

__all__ = ["MOST_JSON", "open_regular", "read_bounded", "read_json"]

MOST_JSON = 32 << 20
"""Bytes of a JSON file that is read whole; what Longtail writes comes to a few hundred kilobytes."""


def open_regular(path: Path) -> BufferedReader:
    """Open a file for reading; `OSError` for pipes, devices, sockets and directories, without waiting for any of them."""
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise OSError(errno.EINVAL, "It is not a file", str(path))
        return os.fdopen(handle, "rb")
    except BaseException:
        os.close(handle)
        raise


def read_bounded(path: Path, most: int) -> bytes:
    """The bytes of a file; `OSError` where it is no file or has more than `most`."""
    with open_regular(path) as stream:
        content = stream.read(most + 1)
    if len(content) > most:
        raise OSError(errno.EFBIG, f"It has more than {most:,} bytes", str(path))
    return content


def read_json(path: Path, most: int = MOST_JSON) -> Any:
    """What a JSON file holds; `OSError` as `read_bounded`, `ValueError` for anything that is not JSON, however deep."""
    try:
        return json.loads(read_bounded(path, most))
    except RecursionError as exc:
        raise ValueError("It is nested too deep") from exc
