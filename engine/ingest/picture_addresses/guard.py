"""Which servers may be asked: public addresses alone, unless a host is allowed by name.

A name is looked up once in a while, everything it stands for is checked, and connections are made to what was checked: a name
that stands for something else a moment later (DNS rebinding) changes nothing.
"""

from __future__ import annotations

import ipaddress
import socket
import threading
import time
from collections.abc import Iterable
from urllib.parse import urlsplit

from engine.ingest.picture_addresses.failure import FetchError

__all__ = ["AddressGuard", "is_public"]

_PORTS = {"http": 80, "https": 443}
_REMEMBERED_SECONDS = 300.0
_LOOK_UP_SECONDS = 10.0
# Networks whose addresses carry an IPv4 address in their last 32 bits.
_CARRYING = (ipaddress.IPv6Network("64:ff9b::/96"), ipaddress.IPv6Network("::/96"))


class AddressGuard:
    """Checks addresses, and looks hosts up; safe to share between threads.

    Parameters
    ----------
    allowed_hosts : names (or numbers) of hosts that may be anywhere and answer on any port.
    """

    def __init__(self, allowed_hosts: Iterable[str] = ()) -> None:
        self._allowed = frozenset(_plain(host) for host in allowed_hosts)
        self._lock = threading.Lock()
        self._known: dict[str, tuple[float, list[str] | FetchError]] = {}

    def check(self, address: str) -> str:
        """The host of an address whose port may be asked. Raises `FetchError`."""
        parts = urlsplit(address)
        host = parts.hostname or ""
        if parts.port not in {None, _PORTS[parts.scheme]} and _plain(host) not in self._allowed:
            raise FetchError(
                f"it names port {parts.port}; only 80 and 443 are asked. Allow it with --allow-host {host}"
            )
        return host

    def numbers(self, host: str) -> list[str]:
        """The IP addresses of a host, all of which may be asked. Raises `FetchError`."""
        with self._lock:
            looked_up, known = self._known.get(host, (0.0, []))
        if not known or time.monotonic() - looked_up > _REMEMBERED_SECONDS:
            try:
                known = self._looked_up(host)
            except FetchError as failure:
                known = failure
            with self._lock:
                self._known[host] = time.monotonic(), known
        if isinstance(known, FetchError):
            raise known
        return known

    def _looked_up(self, host: str) -> list[str]:
        numbers = _look_up(host)
        if _plain(host) not in self._allowed and not all(is_public(number) for number in numbers):
            raise FetchError(
                f"{host} is not on the public internet ({numbers[0]}). If it is yours, allow it with --allow-host {host}"
            )
        return numbers


def is_public(number: str) -> bool:
    """Whether an IP address is one of the public internet: not private, local, shared, reserved or for many, in any notation."""
    address = ipaddress.ip_address(number.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address):
        carried = address.ipv4_mapped or address.sixtofour
        if carried is None and any(address in network for network in _CARRYING):
            carried = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if carried is not None:
            address = carried
    refused = address.is_multicast or address.is_reserved or address.is_unspecified or address.is_link_local
    return address.is_global and not refused


def _plain(host: str) -> str:
    """One spelling of a host's name, as it is sent."""
    plain = host.strip().strip("[]").rstrip(".").casefold()
    try:
        return plain if plain.isascii() else plain.encode("idna").decode("ascii")
    except UnicodeError:
        return plain


def _look_up(host: str) -> list[str]:
    """In a thread of its own: the system's look-up knows no time limit."""
    found: list[str] = []

    def ask() -> None:
        try:
            answers = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            return
        found.extend(dict.fromkeys(str(answer[4][0]) for answer in answers))

    thread = threading.Thread(target=ask, name=f"looking up {host}", daemon=True)
    thread.start()
    thread.join(_LOOK_UP_SECONDS)
    numbers = list(found)
    if not numbers:
        raise FetchError(f"the host {host} is not known. Check the address", again=True, silent=True)
    return numbers
