"""Work on strangers' files in child processes that are bounded in memory and time, and used again while they hold.

A decoder that a crafted file crashes, blows up or keeps busy takes its child down, not the dashboard; the next file
gets a fresh one. A child may write no file and opens no door: it is asked through its standard input and answers
through its standard output, each message a JSON head and a body of bytes.
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
# Kept free of the memory a child may hold: what it touches of libraries that are mapped but not read yet.
_MARGIN = 48 * 1024**2
# A child is replaced after so many files, so that nothing a file left behind in it can add up.
_FILES_PER_CHILD = 500
_HEAD = struct.Struct("<II")
_MOST_ANSWERED = 300 * 1024**2


class BreachError(Exception):
    """A child broke its bounds: `late` where it took too long, else it died, most likely of too much memory."""

    def __init__(self, *, late: bool):
        self.late = late
        super().__init__("took too long" if late else "ended early")


@dataclass(frozen=True)
class ChildUse:
    """What children needed so far: the most memory one held (bytes), the longest a file took (s), breaches."""

    peak_bytes: int
    seconds: float
    breaches: int


class BoundedChildren:
    """Children of one module, started when they are needed; use as a context manager, or `close` it.

    Parameters
    ----------
    module : its `__main__` calls `serve`.
    most : children that work at a time; more callers wait.
    seconds : time for a file.
    """

    def __init__(self, module: str, *, most: int = 1, seconds: float = SECONDS):
        self._module, self._seconds = module, seconds
        self._idle: list[_Child] = []
        self._places = threading.BoundedSemaphore(most)
        self._lock = threading.Lock()
        self._peak = self._breaches = 0
        self._longest = 0.0

    def ask(self, head: dict[str, Any], body: bytes, *, seconds: float | None = None) -> tuple[dict[str, Any], bytes]:
        """Send a file, get the answer. Raises `BreachError` when the child broke its bounds over it."""
        with self._places:
            with self._lock:
                child = self._idle.pop() if self._idle else None
            if child is None or not child.fit:
                if child:
                    child.end()
                child = _Child(self._module)
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

    @property
    def use(self) -> ChildUse:
        """The most that was needed so far; a child that broke its bounds had no time to tell its memory."""
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


def serve(work: Callable[[dict[str, Any], bytes], tuple[dict[str, Any], bytes]]) -> None:
    """A child's whole life: bind itself, then answer one file after another until its parent closes the pipe.

    `work` must have imported what it needs: what is there counts towards the memory, and the rest is the limit.
    """
    # Only the answers go to the pipe: whatever a library prints goes nowhere.
    answers = os.fdopen(os.dup(1), "wb")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    pages = [int(number) * resource.getpagesize() for number in Path("/proc/self/statm").read_text().split()[:2]]
    space = pages[0] + max(MEMORY_BYTES - _MARGIN - pages[1], 0)
    resource.setrlimit(resource.RLIMIT_AS, (space, space))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _send(answers, {"ready": True}, b"")
    questions = sys.stdin.buffer
    while lengths := questions.read(_HEAD.size):
        n_head, n_body = _HEAD.unpack(lengths)
        head, body = json.loads(questions.read(n_head)), questions.read(n_body)
        # A second door beside the parent's clock, should the parent be gone.
        spent = resource.getrusage(resource.RUSAGE_SELF)
        cpu = int(spent.ru_utime + spent.ru_stime + head.pop("seconds")) + 2
        resource.setrlimit(resource.RLIMIT_CPU, (cpu, resource.RLIM_INFINITY))
        answer, data = work(head, body)
        del body
        _send(answers, answer | {"peak_bytes": _peak_bytes()}, data)
        del data


def _peak_bytes() -> int:
    """The most memory this program had resident; what getrusage says begins with its parent's."""
    for line in Path("/proc/self/status").read_text("ascii", "replace").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


class _Child:
    def __init__(self, module: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", module],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=_ROOT,
            # One thread and one arena: every further one reserves address space, which is limited.
            env=child_environment(
                OPENBLAS_NUM_THREADS="1",
                OMP_NUM_THREADS="1",
                MALLOC_ARENA_MAX="1",
                ARROW_DEFAULT_MEMORY_POOL="system",
                ARROW_IO_THREADS="1",
            ),
        )
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
        # A child that hangs before it has read everything would hold the sender too.
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
                    # What was left to be sent to a child that is gone.
                    continue

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
