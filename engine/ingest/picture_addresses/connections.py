"""Connections to servers that were checked, with a moment by which an answer must be complete."""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import httpcore

from engine.ingest.picture_addresses.failure import FetchError
from engine.ingest.picture_addresses.guard import AddressGuard

__all__ = ["Connections"]


class Connections:
    """A pool for `most` threads that fetch at a time.

    Parameters
    ----------
    stall_seconds : longest wait for a connection or for the next bytes.
    """

    def __init__(self, guard: AddressGuard, *, most: int, stall_seconds: float) -> None:
        self._deadline = threading.local()
        self._timeouts = dict.fromkeys(("connect", "read", "write", "pool"), stall_seconds)
        backend = _CheckedBackend(guard, self._deadline)
        self._pool = httpcore.ConnectionPool(
            max_connections=most, max_keepalive_connections=most, keepalive_expiry=15.0, network_backend=backend
        )

    @contextmanager
    def within(self, seconds: float) -> Iterator[None]:
        """All that this thread asks in the block must be answered by then, however steadily bytes drip in."""
        self._deadline.moment = time.monotonic() + seconds
        try:
            yield
        finally:
            del self._deadline.moment

    @contextmanager
    def get(self, address: str, headers: Mapping[str | bytes, str | bytes]) -> Iterator[httpcore.Response]:
        """The answer to a GET, its body not read yet; redirects are not followed. Raises what httpcore raises, `FetchError`."""
        with self._pool.stream("GET", address, headers=headers, extensions={"timeout": self._timeouts}) as response:
            yield response

    def close(self) -> None:
        self._pool.close()


class _CheckedBackend(httpcore.NetworkBackend):
    """Connects to the IP addresses that the guard checked; TLS still asks for a certificate of the host's name."""

    def __init__(self, guard: AddressGuard, deadline: threading.local) -> None:
        self._guard, self._deadline, self._backend = guard, deadline, httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        failure: Exception | None = None
        for number in self._guard.numbers(host)[:3]:
            try:
                left = _left(self._deadline, timeout, httpcore.ConnectTimeout)
                stream = self._backend.connect_tcp(number, port, left, local_address, socket_options)
                return _BoundedStream(stream, self._deadline)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as exc:
                failure = exc
        raise failure or FetchError("the host is not known")


class _BoundedStream(httpcore.NetworkStream):
    """A stream on which every wait ends with the thread's deadline."""

    def __init__(self, stream: httpcore.NetworkStream, deadline: threading.local) -> None:
        self._stream, self._deadline = stream, deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, _left(self._deadline, timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, _left(self._deadline, timeout, httpcore.WriteTimeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        left = _left(self._deadline, timeout, httpcore.ConnectTimeout)
        return _BoundedStream(self._stream.start_tls(ssl_context, server_hostname, left), self._deadline)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


def _left(deadline: threading.local, timeout: float | None, late: type[Exception]) -> float | None:
    """The shorter of the timeout and what is left until the thread's deadline."""
    moment: float | None = getattr(deadline, "moment", None)
    if moment is None:
        return timeout
    left = moment - time.monotonic()
    if left <= 0:
        raise late
    return left if timeout is None else min(left, timeout)
