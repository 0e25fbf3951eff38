"""Parts of a computation side by side, in as many threads as it may use.

What a part gives never depends on the number of threads, and parts are handed on in their order, so that sums over them come out the
same to the last bit. NumPy, SciPy and BLAS let other threads work meanwhile; BLAS itself uses one, whose bits depend on how many it has.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar, copy_context
from typing import TypeVar

__all__ = ["do_side_by_side", "side_by_side", "with_threads"]

Part = TypeVar("Part")
Result = TypeVar("Result")

_threads: ContextVar[int] = ContextVar("threads", default=1)


@contextmanager
def with_threads(count: int) -> Iterator[None]:
    """In the block, parts are worked on in so many threads."""
    token = _threads.set(count)
    try:
        yield
    finally:
        _threads.reset(token)


def side_by_side(work: Callable[[Part], Result], parts: Iterable[Part]) -> Iterator[Result]:
    """`work` of every part, in their order; never more results than threads are held before they are taken.

    Within `work` there is one thread, whatever it calls. Raises what `work` raises, for the first part that does.
    """
    threads = _threads.get()
    if threads == 1:
        yield from map(work, parts)
        return

    def alone(part: Part) -> Result:
        with with_threads(1):
            return work(part)

    with ThreadPoolExecutor(threads, thread_name_prefix="side by side") as pool:
        begun: deque[Future[Result]] = deque()
        try:
            for part in parts:
                if len(begun) == threads:
                    yield begun.popleft().result()
                begun.append(pool.submit(copy_context().run, alone, part))
            while begun:
                yield begun.popleft().result()
        finally:
            for one in begun:
                one.cancel()


def do_side_by_side(work: Callable[[Part], object], parts: Iterable[Part]) -> None:
    """The same where `work` writes what it finds to a place of its own, and returns nothing of use."""
    for _ in side_by_side(work, parts):
        pass
