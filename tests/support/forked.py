"""Work done in a forked child that is killed at a point of its own: no imports are paid for, and no other process is hurt."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

__all__ = ["count_events", "killed_at", "run_forked"]

# What changes a disk, as Python's audit hooks name it; "open" is told from reading by its mode or flags.
CHANGES = {
    "os.rename",
    "os.remove",
    "os.mkdir",
    "os.rmdir",
    "os.link",
    "os.truncate",
    "shutil.rmtree",
    "shutil.move",
    "open",
}


def run_forked(work: Callable[[], None], prepare: Callable[[], None] = lambda: None) -> int:
    """The exit status of `work` in a child: 0, or minus the signal that ended it, or 1 where it raised."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            prepare()
            work()
            status = 0
        except BaseException as exc:
            print(f"{type(exc).__name__}: {exc}", file=sys.stderr, flush=True)
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def killed_at(work: Callable[[], None], root: Path, count: int) -> bool:
    """Do `work` in a child that gets SIGKILL just before its `count`th change below `root`; whether it came so far."""
    return (
        run_forked(work, lambda: _watch(root, lambda seen: seen == count and os.kill(os.getpid(), signal.SIGKILL)))
        == -9
    )


def count_events(work: Callable[[], None], root: Path) -> int:
    """How many changes below `root` the work makes, done in a child."""
    reader, writer = os.pipe()

    def counted() -> None:
        seen = [0]
        _watch(root, lambda number: seen.__setitem__(0, number))
        work()
        os.write(writer, str(seen[0]).encode())

    status = run_forked(counted)
    os.close(writer)
    with os.fdopen(reader, "rb") as stream:
        found = stream.read()
    assert status == 0, "the work failed without being killed"
    return int(found)


def _watch(root: Path, tell: Callable[[int], object]) -> None:
    seen = 0

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal seen
        if event in CHANGES and str(root) in str(arguments) and (event != "open" or _writes(arguments)):
            seen += 1
            tell(seen)

    sys.addaudithook(hook)


def _writes(arguments: tuple[object, ...]) -> bool:
    _path, mode, flags = arguments
    return bool(set(str(mode or "")) & set("wax+")) or (
        isinstance(flags, int) and bool(flags & (os.O_WRONLY | os.O_RDWR))
    )
