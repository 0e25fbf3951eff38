"""What a browser gets before Streamlit has drawn anything: our stylesheet, the shape of a page, and scripts.

One says when to show the real page, one why a file was not taken.

Streamlit's index.html is empty until its scripts have run, and then draws parts as they come: styles that arrive with them
move what is there already. So both go into the document itself.
"""

from __future__ import annotations

import functools
import gzip
import re
from collections.abc import MutableMapping
from pathlib import Path
from typing import Any

from ui.app.access import App, Receive, Send
from ui.app.browser import given_number

__all__ = ["FirstPaintMiddleware", "with_first_paint"]

ASSETS = Path(__file__).resolve().parents[2] / "assets"
ROOT = b'<div id="root">'
_COMMENT = re.compile(r"/\*.*?\*/\s*", re.DOTALL)
_GONE_ASKED = (b"accept-encoding", b"if-none-match", b"if-modified-since", b"range")
_GONE_ANSWERED = (b"content-length", b"etag", b"last-modified", b"accept-ranges", b"content-encoding")


class FirstPaintMiddleware:
    """Puts `with_first_paint` on every document; everything else passes as it is."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        headers = dict(scope.get("headers", []))
        if scope["type"] != "http" or scope["method"] != "GET" or b"text/html" not in headers.get(b"accept", b""):
            await self._app(scope, receive, send)
            return
        asked = [(name, value) for name, value in scope["headers"] if name not in _GONE_ASKED]
        packed = b"gzip" in headers.get(b"accept-encoding", b"")
        start: MutableMapping[str, Any] | None = None
        parts: list[bytes] = []

        async def gather(message: MutableMapping[str, Any]) -> None:
            nonlocal start
            if message["type"] == "http.response.start":
                start = message
                if not _is_document(message):
                    await send(message)
            elif start is None or not _is_document(start):
                await send(message)
            else:
                parts.append(message.get("body", b""))
                if not message.get("more_body"):
                    start["headers"] = [*start["headers"], *given_number(scope)]
                    await _send_document(start, b"".join(parts), packed, send)

        await self._app({**scope, "headers": asked}, receive, gather)


@functools.lru_cache(maxsize=4)
def with_first_paint(document: bytes) -> bytes:
    """Streamlit's index.html with our style and script before its root; any other document as it is."""
    if ROOT not in document:
        return document
    style, script = (
        "\n".join((ASSETS / name).read_text("utf-8") for name in names)
        for names in (("style.css", "first_paint.css"), ("first_paint.js", "refused_upload.js"))
    )
    style = _COMMENT.sub("", style)
    # In the body: Streamlit adds its own styles to the head, and of equal rules the later one holds.
    ours = f"<style>{style}</style>\n<script>{script}</script>\n".encode() + ROOT
    return document.replace(b"<title>Streamlit</title>", b"<title>Longtail</title>").replace(ROOT, ours, 1)


def _is_document(start: MutableMapping[str, Any]) -> bool:
    return bool(start["status"] == 200 and dict(start["headers"]).get(b"content-type", b"").startswith(b"text/html"))


async def _send_document(start: MutableMapping[str, Any], document: bytes, packed: bool, send: Send) -> None:
    body = _packed(with_first_paint(document)) if packed else with_first_paint(document)
    headers = [(name, value) for name, value in start["headers"] if name.lower() not in _GONE_ANSWERED]
    headers += [(b"content-length", str(len(body)).encode()), (b"vary", b"accept-encoding")]
    headers += [(b"content-encoding", b"gzip")] if packed else []
    await send({**start, "headers": headers})
    await send({"type": "http.response.body", "body": body})


@functools.lru_cache(maxsize=4)
def _packed(document: bytes) -> bytes:
    return gzip.compress(document, mtime=0)
