"""The lease on a workspace: a lock that at most one run holds, and that the kernel frees when that run dies.

`runs/lease` is locked with flock(2). The lock belongs to the open file, not to a process: a parent takes it and hands the
open file to the child it starts, so two starts can never both win. A killed child cannot leave the lock behind, whatever
killed it. The file is never unlinked: two holders would then lock two files.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

from engine.core.errors import JobError, JobRunningError

__all__ = ["Holder", "Lease", "lease_holder"]

# A reader who checks for a holder locks the lease for an instant; a start waits longer than that before it gives up.
PATIENCE = 1.0


@dataclass(frozen=True)
class Holder:
    """Who holds the lease. `pid` is 0 until the child runs; `started`, seconds after the machine's, distinguishes its process
    from later ones of that pid."""

    run_id: str
    pid: int = 0
    started: float = 0.0
    own_group: bool = False

    def process(self) -> psutil.Process | None:
        """The holder's process, or None if it has ended."""
        with contextlib.suppress(psutil.NoSuchProcess):
            process = psutil.Process(self.pid) if self.pid else None
            if process and abs(_started(process) - self.started) < 0.05:
                return process
        return None


class Lease:
    """The lease, held by this process until `close`, or until every process that it was handed to has ended."""

    def __init__(self, descriptor: int):
        self.descriptor = descriptor
        self._open = True

    @classmethod
    def take(cls, path: Path, run_id: str) -> Lease:
        """Lock `path` for `run_id`; `JobRunningError` names the run that holds it."""
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as exc:
            raise JobError(f"{path}: cannot be written ({exc.strerror}). Check who owns the workspace.") from exc
        deadline = time.monotonic() + PATIENCE
        while not _try_lock(descriptor, fcntl.LOCK_EX):
            if time.monotonic() > deadline:
                holder = _read(descriptor)
                os.close(descriptor)
                name = f"Run {holder.run_id}" if holder else "Another run"
                raise JobRunningError(f"{name} is at work in {path.parent.parent}. Wait for it to end, or cancel it.")
            time.sleep(0.02)
        lease = cls(descriptor)
        lease.name(Holder(run_id))
        return lease

    def name(self, holder: Holder) -> None:
        """Record who holds the lease."""
        data = json.dumps(asdict(holder)).encode()
        os.pwrite(self.descriptor, data, 0)
        os.ftruncate(self.descriptor, len(data))

    def name_process(self, run_id: str, pid: int, *, own_group: bool) -> None:
        """Record that process `pid` holds the lease for `run_id`, unless the process has ended already."""
        with contextlib.suppress(psutil.NoSuchProcess):
            self.name(Holder(run_id, pid, _started(psutil.Process(pid)), own_group))

    def close(self) -> None:
        """Release the lease; the lock itself lasts while another process has the same open file."""
        if self._open:
            self._open = False
            os.close(self.descriptor)


def lease_holder(path: Path) -> Holder | None:
    """Who holds the lease now; None if it is free."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError:  # nobody has it open who could hold it
        return None
    try:
        return None if _try_lock(descriptor, fcntl.LOCK_SH) else _read(descriptor) or Holder("unknown")
    finally:
        os.close(descriptor)


def _started(process: psutil.Process) -> float:
    """Seconds from the start of the machine to that of the process: the same before and after the clock is set."""
    return float(process.create_time() - psutil.boot_time())


def _try_lock(descriptor: int, mode: int) -> bool:
    try:
        fcntl.flock(descriptor, mode | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _read(descriptor: int) -> Holder | None:
    try:
        return Holder(**json.loads(os.pread(descriptor, 4096, 0)))
    except (OSError, ValueError, TypeError):  # read between two writes, or no file
        return None
