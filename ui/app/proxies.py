"""Where a request comes from: this machine, or the reverse proxy that signs people in, known by its secret, its address, or both.

uvicorn believes X-Forwarded-For from this machine's own programs and puts what it says in the place of the address that is
connected. Where that happened the connection is from one of those, whatever the header says.
"""

from __future__ import annotations

import functools
import hmac
from collections.abc import Iterable, MutableMapping
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Any

from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from engine.core.settings import AuthSettings, environment_variable

__all__ = ["SECRET_HEADER", "comes_from_proxy", "forwarded_for", "is_among", "is_loopback", "peers"]

SECRET_HEADER = "x-longtail-secret"
_OWN = "127.0.0.1,::1"
"""What uvicorn believes unless FORWARDED_ALLOW_IPS says otherwise."""


def comes_from_proxy(scope: MutableMapping[str, Any], auth: AuthSettings) -> bool:
    """Whether all that the settings say of the proxy is true of this request; no where they say nothing."""
    checks = []
    if auth.header_secret is not None:
        sent = [bytes(value) for name, value in scope["headers"] if name == SECRET_HEADER.encode()]
        checks.append(len(sent) == 1 and hmac.compare_digest(sent[0], auth.header_secret.get_secret_value().encode()))
    if auth.proxies:
        checks.append(all(is_among(peer, auth.proxies) for peer in peers(scope)))
    return bool(checks) and all(checks)


def peers(scope: MutableMapping[str, Any]) -> list[str]:
    """The address that is connected; several where it is one of those that uvicorn believes, and any of them may be it."""
    client = tuple(scope.get("client") or ("", 0))
    forwarded = b", ".join(value for name, value in scope["headers"] if name == b"x-forwarded-for").decode("latin-1")
    believed = environment_variable("FORWARDED_ALLOW_IPS") or _OWN
    if not forwarded or _replacement(believed, forwarded) != client:
        return [str(client[0])]
    return [one.strip() for one in believed.split(",")]


def forwarded_for(scope: MutableMapping[str, Any], auth: AuthSettings) -> str | None:
    """Whose request it is that a proxy of ours brings: of X-Forwarded-For the last address that is no proxy; None where it names nobody."""
    forwarded = b",".join(value for name, value in scope["headers"] if name == b"x-forwarded-for").decode("latin-1")
    named = (_without_port(one.strip()) for one in reversed(forwarded.split(",")))
    return next((one for one in named if one and not is_among(one, auth.proxies)), None)


def is_loopback(host: str) -> bool:
    """Whether an address is this machine's own."""
    address = _address(host)
    return address is not None and address.is_loopback


def _replacement(believed: str, forwarded: str) -> tuple[str, int]:
    return _proxy_headers(believed).trusted_hosts.get_trusted_client_address(forwarded)


@functools.cache
def _proxy_headers(believed: str) -> ProxyHeadersMiddleware:
    async def nothing(*_: object) -> None:
        """An app that nobody calls."""

    return ProxyHeadersMiddleware(nothing, believed)


def is_among(host: str, networks: Iterable[str]) -> bool:
    """Whether the address lies in one of the networks; this machine's two own addresses stand for one another."""
    asked = _address(host)
    if asked is None:
        return False
    inside = (ip_network(one, strict=False) for one in networks)
    return any(asked in one or (asked.is_loopback and one.network_address.is_loopback) for one in inside)


def _without_port(address: str) -> str:
    """Some proxies write 10.0.0.7:50123 or [2001:db8::1]:50123."""
    if address.startswith("["):
        return address[1:].partition("]")[0]
    return address.partition(":")[0] if address.count(":") == 1 else address


def _address(host: str) -> IPv4Address | IPv6Address | None:
    """An address; one of IPv4 where a socket for both kinds writes it as one of IPv6."""
    try:
        address = ip_address(host)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address
