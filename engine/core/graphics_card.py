"""The graphics card that a training calculates on, where its machine has one and `device` lets it.

What takes long asks `graphics_card()`. Where it answers None, the processor does the work; else `engine.models.on_card` does the same by torch.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

__all__ = ["graphics_card", "with_graphics_card"]

_card: ContextVar[str | None] = ContextVar("graphics_card", default=None)


def graphics_card() -> str | None:
    """torch's name of the card that this training calculates on, e.g. "cuda"; None where the processor does everything."""
    return _card.get()


@contextmanager
def with_graphics_card(name: str | None) -> Iterator[None]:
    """In the block heavy work is done on this card."""
    token = _card.set(name)
    try:
        yield
    finally:
        _card.reset(token)
