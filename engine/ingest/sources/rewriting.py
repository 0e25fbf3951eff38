"""A stream with some of its bytes replaced on the way."""

from __future__ import annotations

import io
from collections.abc import Callable

__all__ = ["rewritten"]

_COPY = 1024 * 1024


def rewritten(
    stream: io.BufferedReader, rewrite: Callable[[bytes], bytes], held: Callable[[bytes], int]
) -> io.BufferedReader:
    """The stream, its chunks replaced by what `rewrite` makes of them.

    `held` says how many bytes at the end of a chunk the next one may still complete; they wait for it.
    """
    return io.BufferedReader(_Rewritten(stream, rewrite, held), _COPY)


class _Rewritten(io.RawIOBase):
    def __init__(
        self, stream: io.BufferedReader, rewrite: Callable[[bytes], bytes], held: Callable[[bytes], int]
    ) -> None:
        self._stream, self._rewrite, self._held = stream, rewrite, held
        self._pending = b""
        self._ready = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        while not self._ready:
            data = self._stream.read(_COPY)
            whole = self._rewrite(self._pending + data)
            end = len(whole) - (self._held(whole) if data else 0)
            self._pending, self._ready = whole[end:], memoryview(whole[:end])
            if not data:
                break
        size = min(len(buffer), len(self._ready))
        buffer[:size] = self._ready[:size]
        self._ready = self._ready[size:]
        return size
