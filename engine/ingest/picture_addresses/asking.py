"""One picture by its address: redirects followed and checked, size, kind and content checked."""

from __future__ import annotations

import time
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from urllib.parse import urljoin

import httpcore

from engine import __version__
from engine.catalogue.images import MAX_BYTES
from engine.catalogue.picture_formats import PICTURE_MEDIA_TYPES, PICTURE_NAMES
from engine.catalogue.picture_headers import read_header
from engine.ingest.picture_addresses.addresses import as_sent
from engine.ingest.picture_addresses.connections import Connections
from engine.ingest.picture_addresses.failure import FetchError
from engine.ingest.picture_addresses.guard import AddressGuard

__all__ = ["Answer", "ask"]

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_MOST_REDIRECTS = 5
_LATER = frozenset({408, 425, 429, 500, 502, 503, 504})
_PAUSING = frozenset({429, 503})
# What servers call a file whose kind they do not know.
_UNKNOWN_TYPES = frozenset({"", "application/octet-stream", "binary/octet-stream", "application/binary", "image/*"})
_HEADERS: dict[str | bytes, str | bytes] = {
    "User-Agent": f"Longtail/{__version__} (fetches the pictures of a shop's own products)",
    "Accept": "image/jpeg, image/png, image/webp, image/*;q=0.8",
    "Accept-Encoding": "identity",
}


@dataclass(frozen=True)
class Answer:
    """A picture's bytes, or None where it has not changed; and what the server wants to hear when it is asked again."""

    data: bytes | None
    etag: str = ""
    last_modified: str = ""


def ask(connections: Connections, guard: AddressGuard, address: str, etag: str = "", last_modified: str = "") -> Answer:
    """Fetch a picture, or learn that it is still the one with this etag or time. Raises `FetchError`."""
    known = {"If-None-Match": etag, "If-Modified-Since": last_modified}
    headers: dict[str | bytes, str | bytes] = {**_HEADERS, **{name: value for name, value in known.items() if value}}
    current, seen = as_sent(address), set[str]()
    for _ in range(_MOST_REDIRECTS + 1):
        if current in seen:
            raise FetchError("it leads in a circle. Correct the address")
        seen.add(current)
        host = guard.check(current)
        try:
            with connections.get(current, headers) as response:
                if response.status not in _REDIRECTS:
                    return _answer(response)
                current = _next(current, _header(response, "location"))
        except httpcore.TimeoutException as exc:
            raise FetchError(f"{host} takes too long", again=True, silent=True) from exc
        except (httpcore.NetworkError, httpcore.ProtocolError, OSError) as exc:
            said = f" ({exc})" if str(exc) else ""
            broken = isinstance(exc, httpcore.RemoteProtocolError | httpcore.ReadError)
            raise FetchError(
                f"the connection to {host} {'broke off' if broken else 'failed'}{said}", again=True, silent=not broken
            ) from exc
    raise FetchError(f"it leads on more than {_MOST_REDIRECTS} times. Correct the address")


def _next(current: str, location: str) -> str:
    if not location:
        raise FetchError("it leads on, and does not say where")
    try:
        return as_sent(urljoin(current, location))
    except (FetchError, ValueError) as exc:
        raise FetchError(f"it leads to {location[:80]!r}, which cannot be asked") from exc


def _answer(response: httpcore.Response) -> Answer:
    etag, last_modified = _header(response, "etag"), _header(response, "last-modified")
    if response.status == 304:
        return Answer(None, etag, last_modified)
    if response.status != 200:
        raise _refusal(response)
    kind = _header(response, "content-type").partition(";")[0].strip().lower()
    if kind not in PICTURE_MEDIA_TYPES and kind not in _UNKNOWN_TYPES:
        raise FetchError(f"the server sent {kind[:60]}, which is no {PICTURE_NAMES} picture")
    if _header(response, "content-encoding") not in {"", "identity"}:
        raise FetchError("the server sent it packed, though it was asked not to")
    data = _body(response)
    if read_header(data) is None:
        raise FetchError(f"what the server sent{f' as {kind}' if kind else ''} is no {PICTURE_NAMES} picture")
    return Answer(data, etag, last_modified)


def _body(response: httpcore.Response) -> bytes:
    too_large = FetchError(f"it is larger than {MAX_BYTES / 1e6:.0f} MB. Save it smaller")
    if _header(response, "content-length").isdigit() and int(_header(response, "content-length")) > MAX_BYTES:
        raise too_large
    data = bytearray()
    for part in response.iter_stream():
        data += part
        if len(data) > MAX_BYTES:
            raise too_large
    return bytes(data)


def _refusal(response: httpcore.Response) -> FetchError:
    known = {
        401: "it needs a password",
        403: "the server forbids it",
        404: "there is no such picture",
        410: "it is gone",
    }
    said = known.get(
        response.status, "the server cannot send it now" if response.status >= 500 else "the server refuses"
    )
    later = response.status in _LATER
    pause = _pause(_header(response, "retry-after")) if later else None
    if pause is None and response.status in _PAUSING:
        pause = 0.0
    return FetchError(f"{said} (status {response.status})", again=later, pause=pause)


def _pause(text: str) -> float | None:
    """Seconds of a Retry-After header, which has a number or a date."""
    if text.strip().isdigit():
        return float(text)
    try:
        return max(parsedate_to_datetime(text).timestamp() - time.time(), 0.0)
    except (TypeError, ValueError):
        return None


def _header(response: httpcore.Response, name: str) -> str:
    wanted = name.encode()
    value = next((value for key, value in response.headers if key.lower() == wanted), b"")
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return value.decode("latin-1")
