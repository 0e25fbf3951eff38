"""What is sent with a request: whole, soon enough, and no more than is allowed, or a refusal while it arrives."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, MutableMapping
from contextlib import suppress
from typing import Any

from ui.app.access import Message, Receive
from ui.app.fair_shares.refused import RefusedError

__all__ = ["announced_bytes", "counted", "drain", "read_body", "replayed"]

MIB = 1024 * 1024
DRAINED_SECONDS, DRAINED_BYTES = 1.0, 16 * MIB
_ENDING = "Longtail is being restarted. Try again in a moment; nothing of this was stored."
_TOO_SLOW = "What this page sent took too long to arrive. Check the connection and try again."


def announced_bytes(scope: MutableMapping[str, Any]) -> int:
    """The length of the body that is announced; 0 where none is. Raises `RefusedError` where that is no number."""
    announced = dict(scope["headers"]).get(b"content-length", b"0")
    if not announced.isdigit() or len(announced) > 15:
        raise RefusedError(400, "This request does not say how long it is.")
    return int(announced)


async def read_body(scope: MutableMapping[str, Any], receive: Receive, most: int, seconds: float) -> list[Message]:
    """The messages of the body, all of them: at most `most` bytes within so many seconds. Raises `RefusedError`."""
    too_much = RefusedError(413, f"That is too much at once: at most {most / MIB:.3g} MB can be sent.")
    if announced_bytes(scope) > most:
        raise too_much
    messages: list[Message] = []
    size = 0
    try:
        async with asyncio.timeout(seconds):
            while not messages or messages[-1].get("more_body", False):
                messages.append(await receive())
                if messages[-1]["type"] == "http.disconnect":
                    raise RefusedError(408, _TOO_SLOW)  # nobody is left to read it
                size += len(messages[-1].get("body", b""))
                if size > most:
                    raise too_much
    except TimeoutError as exc:
        raise RefusedError(408, _TOO_SLOW) from exc
    except asyncio.CancelledError as exc:  # the server ends, and has waited long enough
        raise RefusedError(503, _ENDING, 10) from exc
    return messages


async def drain(receive: Receive) -> None:
    """Read on for a moment: a browser that is still sending learns why it was refused only once it may read the answer."""
    size = 0
    with suppress(TimeoutError):
        async with asyncio.timeout(DRAINED_SECONDS):
            while size < DRAINED_BYTES:
                message = await receive()
                size += len(message.get("body", b""))
                if not message.get("more_body", False):
                    return


def replayed(messages: list[Message], receive: Receive) -> Receive:
    """A `receive` that says what was read before, then what the server says."""
    left = iter(messages)

    async def replay() -> Message:
        message = next(left, None)
        return await receive() if message is None else message

    return replay


def counted(receive: Receive, arrived: Callable[[int], None], seconds: float, bytes_per_second: int) -> Receive:
    """A `receive` for a body that is not read ahead: says how many bytes arrived, and raises `RefusedError` where they come too slowly.

    Parameters
    ----------
    arrived : is told the bytes of every message; may raise `RefusedError`.
    seconds : how long nothing need arrive; after that as many bytes a second as `bytes_per_second`, on the whole.
    """
    began, size = time.monotonic(), 0

    async def receive_counted() -> Message:
        nonlocal size
        patience = began + seconds + size / bytes_per_second - time.monotonic()
        try:
            message = await asyncio.wait_for(receive(), max(patience, 0.001))
        except TimeoutError as exc:
            raise RefusedError(408, _TOO_SLOW) from exc
        fresh = len(message.get("body", b""))
        size += fresh
        arrived(fresh)
        return message

    return receive_counted
