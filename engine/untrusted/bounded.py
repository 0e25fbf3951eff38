"""Work on strangers' files in child processes with limited memory and time, which are reused until one exceeds its limits.

A crafted file that crashes its decoder, fills the memory or never ends takes a child down, not the dashboard; the next
file gets a fresh child. A child can write no file unless its module allows it: it reads questions from its standard input
and answers on its standard output, each message a JSON head and a body of bytes.
"""

from __future__ import annotations

import json
import os
import resource
import selectors
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from engine.core.settings import child_environment

__all__ = ["MEMORY_BYTES", "SECONDS", "BoundedChildren", "BreachError", "ChildUse", "serve"]

MEMORY_BYTES = 512 * 1024**2
SECONDS = 5.0
_ROOT = Path(__file__).resolve().parents[2]
_START_SECONDS = 60.0
# Subtracted from a child's memory, for pages of libraries that are mapped but not read yet.
_MARGIN = 48 * 1024**2
# A child is replaced after so many files, so that nothing that files leave behind in it can add up.
_FILES_PER_CHILD = 500
_HEAD = struct.Struct("<II")
_MOST_ANSWERED = 300 * 1024**2


class BreachError(Exception):
    """A child exceeded its limits: `late` if it took too long, else it died, most likely for want of memory."""

    def __init__(self, *, late: bool):
        self.late = late
        super().__init__("took too long" if late else "ended early")


@dataclass(frozen=True)
class ChildUse:
    """What the children have needed so far: most memory of one (bytes), longest time for a file (s), breaches."""

    peak_bytes: int
    seconds: float
    breaches: int


class BoundedChildren:
    """Children of one module, started on demand; use it as a context manager, or `close` it.

    Parameters
    ----------
    module : a module that calls `serve` when it runs as a program.
    most : children that work at a time; further callers wait.
    seconds : time limit for a file.
    """

    def __init__(self, module: str, *, most: int = 1, seconds: float = SECONDS):
        self._module, self._seconds = module, seconds
        self._idle: list[_Child] = []
        self._free = threading.BoundedSemaphore(most)
        self._lock = threading.Lock()
        self._peak = self._breaches = 0
        self._longest = 0.0

    def ask(self, head: dict[str, Any], body: bytes, *, seconds: float | None = None) -> tuple[dict[str, Any], bytes]:
        """Send a file and return the answer. Raises `BreachError` if the child exceeded its limits."""
        with self._free:
            child = self._fit_child()
            began = time.monotonic()
            try:
                answer = child.ask(head, body, seconds or self._seconds)
            except BaseException as exc:
                child.end()
                with self._lock:
                    self._breaches += isinstance(exc, BreachError)
                    self._longest = max(self._longest, time.monotonic() - began)
                raise
            with self._lock:
                self._peak = max(self._peak, int(answer[0].pop("peak_bytes", 0)))
                self._longest = max(self._longest, time.monotonic() - began)
                self._idle.append(child)
            return answer

    def warm(self) -> None:
        """Start a child ahead of the first file, unless one is idle; it takes a second or two."""
        with self._free:
            child = self._fit_child()
            with self._lock:
                self._idle.append(child)

    def _fit_child(self) -> _Child:
        with self._lock:
            child = self._idle.pop() if self._idle else None
        if child and child.fit:
            return child
        if child:
            child.end()
        return _Child(self._module)

    @property
    def use(self) -> ChildUse:
        """The most that was needed so far; a child that exceeded its limits could not report its memory."""
        return ChildUse(self._peak, self._longest, self._breaches)

    def close(self) -> None:
        """End the idle children."""
        with self._lock:
            idle, self._idle = self._idle, []
        for child in idle:
            child.end()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def serve(
    work: Callable[[dict[str, Any], bytes], tuple[dict[str, Any], bytes]],
    *,
    memory_bytes: int = MEMORY_BYTES,
    file_bytes: int = 0,
) -> None:
    """The main loop of a child: limit itself, then answer one file after another until the parent closes the pipe.

    `work` must have imported everything it needs: the memory of imported libraries counts towards `memory_bytes`. No
    file that the child writes may exceed `file_bytes`.
    """
    # Only answers go to the pipe; anything that a library prints is discarded.
    answers = os.fdopen(os.dup(1), "wb")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    _limit_memory_and_files(memory_bytes, file_bytes)
    _send(answers, {"ready": True}, b"")
    questions = sys.stdin.buffer
    while lengths := questions.read(_HEAD.size):
        n_head, n_body = _HEAD.unpack(lengths)
        head, body = json.loads(questions.read(n_head)), questions.read(n_body)
        _limit_time(head.pop("seconds"))
        answer, data = work(head, body)
        del body
        _send(answers, answer | {"peak_bytes": _peak_bytes()}, data)
        del data


def _limit_memory_and_files(memory_bytes: int, file_bytes: int) -> None:
    pages = [int(number) * resource.getpagesize() for number in Path("/proc/self/statm").read_text().split()[:2]]
    space = pages[0] + max(memory_bytes - _MARGIN - pages[1], 0)
    for kind, most in ((resource.RLIMIT_AS, space), (resource.RLIMIT_FSIZE, file_bytes), (resource.RLIMIT_CORE, 0)):
        inherited = resource.getrlimit(kind)[1]  # a child of a child may have no more than its parent
        most = most if inherited == resource.RLIM_INFINITY else min(most, inherited)
        resource.setrlimit(kind, (most, most))


def _limit_time(seconds: float) -> None:
    """A second guard besides the parent's clock, in case the parent has died."""
    spent = resource.getrusage(resource.RUSAGE_SELF)
    cpu = int(spent.ru_utime + spent.ru_stime + seconds) + 2
    resource.setrlimit(resource.RLIMIT_CPU, (cpu, resource.RLIM_INFINITY))


def _peak_bytes() -> int:
    """The peak resident memory of this program; getrusage's would include its parent's."""
    for line in Path("/proc/self/status").read_text("ascii", "replace").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _spawn(module: str) -> subprocess.Popen[bytes]:
    # One thread and one arena: every further one reserves address space, which is limited.
    environment = child_environment(
        OPENBLAS_NUM_THREADS="1",
        OMP_NUM_THREADS="1",
        MALLOC_ARENA_MAX="1",
        ARROW_DEFAULT_MEMORY_POOL="system",
        ARROW_IO_THREADS="1",
    )
    return subprocess.Popen(
        [sys.executable, "-m", module],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=_ROOT,
        env=environment,
    )


class _Child:
    def __init__(self, module: str) -> None:
        self._process = _spawn(module)
        self._files = 0
        try:
            self._receive(time.monotonic() + _START_SECONDS)
        except BaseException:
            self.end()
            raise

    @property
    def fit(self) -> bool:
        return self._process.poll() is None and self._files < _FILES_PER_CHILD

    def ask(self, head: dict[str, Any], body: bytes, seconds: float) -> tuple[dict[str, Any], bytes]:
        self._files += 1
        assert self._process.stdin
        # A child that hangs before it has read everything would block the sender too.
        clock = threading.Timer(seconds, self._process.kill)
        clock.start()
        deadline = time.monotonic() + seconds
        try:
            _send(self._process.stdin, head | {"seconds": seconds}, body)
            return self._receive(deadline)
        except OSError as exc:
            raise BreachError(late=time.monotonic() >= deadline) from exc
        finally:
            clock.cancel()

    def end(self) -> None:
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe:
                try:
                    pipe.close()
                except OSError:
                    continue  # bytes were left for a child that has died

    def _receive(self, deadline: float) -> tuple[dict[str, Any], bytes]:
        n_head, n_body = _HEAD.unpack(self._read(_HEAD.size, deadline))
        if n_head + n_body > _MOST_ANSWERED:
            raise BreachError(late=False)
        try:
            head = json.loads(self._read(n_head, deadline))
        except ValueError as exc:
            raise BreachError(late=False) from exc
        return head, self._read(n_body, deadline)

    def _read(self, size: int, deadline: float) -> bytes:
        assert self._process.stdout
        parts = bytearray()
        with selectors.DefaultSelector() as selector:
            selector.register(self._process.stdout, selectors.EVENT_READ)
            while len(parts) < size:
                if not selector.select(max(deadline - time.monotonic(), 0)):
                    raise BreachError(late=True)
                part = os.read(self._process.stdout.fileno(), min(size - len(parts), 1 << 20))
                if not part:
                    # The clock's kill closes the pipe as well.
                    raise BreachError(late=time.monotonic() >= deadline)
                parts += part
        return bytes(parts)


def _send(stream: IO[bytes], head: dict[str, Any], body: bytes) -> None:
    text = json.dumps(head).encode()
    stream.write(_HEAD.pack(len(text), len(body)) + text)
    stream.write(body)
    stream.flush()
