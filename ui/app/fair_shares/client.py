"""Whose request it is: the network address, and the person within it.

An address cannot be made up from another machine, a cookie can. So what a person may do is counted by both, and an address as a whole may not do more
than `limits.people_per_address` people may.
"""

from __future__ import annotations

import hashlib
from collections.abc import MutableMapping
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from ipaddress import IPv6Address, ip_address
from typing import Any

from streamlit.web.server.starlette.starlette_server_config import USER_COOKIE_NAME

from engine.core.settings import AuthSettings
from ui.app.curator import COOKIE
from ui.app.proxies import comes_from_proxy, forwarded_for

__all__ = ["CLIENT", "Client", "address_group", "client_of"]

CLIENT = "client"  # in the state of a scope that was let through
_NETWORK_BITS = 64  # of an IPv6 address; the rest is the customer's to choose


@dataclass(frozen=True)
class Client:
    """Who asks. `person` tells the browsers of one address apart; empty where one has not said who it is."""

    address: str
    person: str


def client_of(scope: MutableMapping[str, Any], auth: AuthSettings | None = None) -> Client:
    """The client of a request.

    Parameters
    ----------
    auth : says which reverse proxy is ours: its address is not the client's, who is the last one in X-Forwarded-For, and the person is
        the one it names. (uvicorn has read X-Forwarded-For already where this machine's own programs sent it.)
    """
    known: Client | None = scope.get("state", {}).get(CLIENT)
    if known is not None:
        return known
    headers = dict(scope["headers"])
    address = str((scope.get("client") or ("",))[0])
    if auth is None or not comes_from_proxy(scope, auth):
        return Client(address_group(address), _person(headers.get(b"cookie", b"")))
    named = headers.get(auth.header.lower().encode("latin-1"), b"") if auth.header else b""
    person = _short(named) if named else _person(headers.get(b"cookie", b""))
    return Client(address_group(forwarded_for(scope, auth) or address), person)


def address_group(address: str) -> str:
    """The address, or for IPv6 the network that one customer has."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, IPv6Address):
        if parsed.ipv4_mapped:
            return str(parsed.ipv4_mapped)
        return f"{IPv6Address(int(parsed) >> _NETWORK_BITS << _NETWORK_BITS)}/{_NETWORK_BITS}"
    return str(parsed)


def _person(cookies: bytes) -> str:
    try:
        jar = SimpleCookie(cookies.decode("latin-1"))
    except CookieError:
        return ""
    found = jar.get(USER_COOKIE_NAME) or jar.get(COOKIE)
    return _short(found.value.encode()) if found is not None else ""


def _short(person: bytes) -> str:
    return hashlib.sha256(person).hexdigest()[:16]
