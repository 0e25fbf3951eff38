"""Who has a workspace open: any number of dashboards and commands, or one restore alone.

The lock is on the workspace's own folder and belongs to the open folder, so the kernel frees it with the process, however that ends.
Nothing is written, so a workspace that is read-only can be opened too.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from engine.core.errors import WorkspaceBusyError

__all__ = ["RESTORE_JOURNAL", "alone_in", "open_together", "opened"]

RESTORE_JOURNAL = ".restore.json"
"""Of a workspace in which a restore is at work, or was interrupted (`engine.backup.journal`)."""


@contextmanager
def opened(root: Path, end_interrupted: Callable[[Path], None]) -> Iterator[None]:
    """Have a workspace open, with a restore that was interrupted ended first by `end_interrupted`, alone.

    A folder that is not there is not made. Raises `WorkspaceBusyError` while somebody restores, and what `end_interrupted` raises.
    """
    while root.is_dir():
        with open_together(root):
            if not any((root / name).exists() for name in (RESTORE_JOURNAL, f"{RESTORE_JOURNAL}.part")):
                yield
                return
        with alone_in(root):
            end_interrupted(root)
    yield


@contextmanager
def open_together(root: Path) -> Iterator[None]:
    """Have the workspace open, beside others. Raises `WorkspaceBusyError` while it is being restored."""
    with _locked(root, fcntl.LOCK_SH, "A backup is being restored to it at the moment. Wait until that has ended."):
        yield


@contextmanager
def alone_in(root: Path) -> Iterator[None]:
    """Have the workspace to oneself. Raises `WorkspaceBusyError` while a dashboard or a command has it open."""
    with _locked(root, fcntl.LOCK_EX, "A dashboard or another command has it open. Stop that first."):
        yield


@contextmanager
def _locked(root: Path, mode: int, refusal: str) -> Iterator[None]:
    descriptor = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        try:
            fcntl.flock(descriptor, mode | fcntl.LOCK_NB)
        except BlockingIOError as exc:
            raise WorkspaceBusyError(f"{root} cannot be opened. {refusal}") from exc
        except OSError:
            # A disk that locks no folders: whoever restores there has to know who else is at work.
            pass
        yield
    finally:
        os.close(descriptor)
