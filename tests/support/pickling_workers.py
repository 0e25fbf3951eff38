"""Workers in this process, which get nothing but what can be pickled, as workers on other machines do."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

__all__ = ["PicklingWorkers"]


class PicklingWorkers:
    """See `engine.core.workers.Workers`. `n_parts` counts the parts that they were given."""

    def __init__(self) -> None:
        self.n_parts = 0

    def hold(self, parts: Sequence[Any]) -> _Held:
        self.n_parts += len(parts)
        return _Held([pickle.dumps(part) for part in parts])


class _Held:
    def __init__(self, parts: list[bytes]):
        self._parts = parts

    def each(self, work: Callable[..., Any], *shared: Any) -> Iterator[Any]:
        sent = pickle.dumps((work, shared))
        for part in self._parts:
            function, others = pickle.loads(sent)
            yield pickle.loads(pickle.dumps(function(pickle.loads(part), *others)))

    def total(self, work: Callable[..., Sequence[np.ndarray]], *shared: Any) -> tuple[np.ndarray, ...]:
        columns = zip(*self.each(work, *shared), strict=True)
        return tuple(np.sum([np.asarray(one, dtype=np.float64) for one in column], axis=0) for column in columns)
