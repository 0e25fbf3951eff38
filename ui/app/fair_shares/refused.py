"""A request that is turned away: a sentence for the person, and the answer in HTTP."""

from __future__ import annotations

import json
import math

from ui.app.access import Send

__all__ = ["RefusedError", "answer"]


class RefusedError(Exception):
    """Somebody asked for more than their share; the text is for them.

    Parameters
    ----------
    status : of HTTP: 403, 408, 413, 429 or 503.
    retry_after : seconds until another try makes sense; None where the same would be refused again.
    """

    def __init__(self, status: int, sentence: str, retry_after: float | None = None) -> None:
        super().__init__(sentence)
        self.status, self.retry_after = status, retry_after


async def answer(send: Send, refused: RefusedError) -> None:
    """Send the refusal as `{"error": sentence}`. The connection ends with it: what is left of a body is not read."""
    body = json.dumps({"error": str(refused)}).encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
        (b"connection", b"close"),
    ]
    if refused.retry_after is not None:
        headers.append((b"retry-after", str(max(1, math.ceil(refused.retry_after))).encode()))
    await send({"type": "http.response.start", "status": refused.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
