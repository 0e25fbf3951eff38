"""Web addresses as products files have them."""

from __future__ import annotations

import re
from urllib.parse import quote, urlsplit, urlunsplit

from engine.ingest.picture_addresses.failure import FetchError
from engine.ingest.pictures.names import listed_names

__all__ = ["addresses_in", "as_sent"]

_BETWEEN = re.compile(r"\s*[|;]\s*|,\s+|[,\s]+(?=(?:https?:)?//)", re.IGNORECASE)
_WEB = re.compile(r"(https?:)?//\S", re.IGNORECASE)
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f\\]")
# Signs that mean something in an address, and those of letters that are written with percent signs already.
_KEPT = "/%:@!$&'()*+,;=-._~?[]"


def addresses_in(cell: str | None) -> list[str]:
    """The http(s) addresses in a cell, in order and once each; names without a host are left out."""
    if not cell:
        return []
    listed = listed_names(cell)
    # Of HTML's entities this one alone stands in addresses; `&copy=1` is no sign of copyright there.
    cells = (one.replace("&amp;", "&") for one in ([cell] if listed is None else listed))
    parts = [part.strip(" \t\"',") for one in cells for part in _BETWEEN.split(one)]
    found = (f"https:{part}" if part.startswith("//") else part for part in parts if _WEB.match(part))
    return list(dict.fromkeys(found))


def as_sent(address: str) -> str:
    """The address in the letters that can be sent: ASCII, without a fragment. Raises `FetchError` for one that is none."""
    try:
        parts = urlsplit(address)
        host, port = parts.hostname or "", parts.port
        if _UNPRINTABLE.search(address) or not host or parts.scheme not in {"http", "https"}:
            raise ValueError
        host = host if ":" in host else host.encode("idna").decode("ascii")
    except ValueError as exc:
        raise FetchError("it is no web address that can be asked. Correct it") from exc
    if parts.username is not None or parts.password is not None:
        raise FetchError("addresses with a user or password in them are not asked. Take these out")
    place = (f"[{host}]" if ":" in host else host) + (f":{port}" if port is not None else "")
    return urlunsplit((parts.scheme, place, quote(parts.path or "/", _KEPT), quote(parts.query, _KEPT), ""))
