"""Running a coroutine in a test: in a thread of its own, because Playwright leaves a running loop in the one that tests run in."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

__all__ = ["run_alone"]

T = TypeVar("T")


def run_alone(work: Coroutine[Any, Any, T]) -> T:
    """What the coroutine returns, or raises."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()
