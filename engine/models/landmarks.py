"""Landmarks: the items that stand for a catalogue too large to fit exactly.

Randomly pivoted Cholesky (Chen, Epperly, Tropp and Webber 2025, doi 10.1002/cpa.22234), block by block: an item is drawn
with a chance that grows with the variance that the landmarks so far leave unexplained, so that quiet corners of the content
are covered as well as busy ones, and an item like one already drawn is not drawn again.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import scipy
from pandas.util import hash_array

from engine.core.side_by_side import side_by_side
from engine.models.kernel import Kernel, Rows, UnitRows

__all__ = ["choose_landmarks"]

FIRST, BLOCK = 10, 250
"""Landmarks drawn at a time: few at first, as nothing is explained yet."""
PART = 4_096
"""Items that are compared with a block at a time."""
MOST = 40_000
"""Landmarks are drawn from at most so many items."""
LEAST = 1e-3
"""An item whose variance is explained but for this share of it is no landmark."""


def choose_landmarks(
    kernel: Kernel,
    units: Mapping[str, Rows | UnitRows],
    weights: np.ndarray,
    most: int,
    seed: int,
    names: np.ndarray | None = None,
) -> np.ndarray:
    """Rows of at most `most` landmarks, sorted.

    Parameters
    ----------
    units : per view, unit rows of n items.
    weights : (n,) how much each of them can tell; the chance of being drawn is proportional to it.
    names : (n,) uint64, what each draws its lot by: items that keep theirs are mostly drawn again when others come and go, or a few tell
        more. Their rows unless given.
    """
    n = len(weights)
    lots = _Lots(np.arange(n, dtype=np.uint64) if names is None else names, seed)
    drawn_from = np.arange(n) if n <= MOST else np.sort(np.argpartition(lots.waits(np.ones(n), 0), MOST)[:MOST])
    some = {view: rows[drawn_from] for view, rows in units.items()}
    rest = kernel.prior(some).astype(np.float64)
    clear = LEAST * rest
    factor = np.zeros((len(drawn_from), most), dtype=np.float32)
    chosen: list[int] = []
    while len(chosen) < most:
        chance = np.where(rest > clear, rest * weights[drawn_from], 0.0)
        if not chance.any():
            break
        wanted = min(max(FIRST, len(chosen) // 2), BLOCK, most - len(chosen), int(np.count_nonzero(chance)))
        waits = lots.waits(chance, 1 + len(chosen), drawn_from)
        block = np.sort(np.argpartition(waits, wanted - 1)[:wanted])
        known = factor[:, : len(chosen)]
        columns = _unexplained(kernel, some, known, block)
        inner = columns[block].astype(np.float64)
        inner[np.diag_indices_from(inner)] += 1e-4 * float(np.trace(inner)) / len(block) + 1e-8
        added = scipy.linalg.solve_triangular(
            scipy.linalg.cholesky(inner, lower=True), columns.T.astype(np.float64), lower=True
        ).T
        factor[:, len(chosen) : len(chosen) + len(block)] = added
        rest = np.maximum(rest - np.square(added).sum(axis=1), 0.0)
        rest[block] = 0.0
        chosen.extend(block.tolist())
    return np.sort(drawn_from[chosen])


class _Lots:
    """Draws by lots that belong to the items, whoever else is there.

    Whoever waits least is drawn. Waits are exponential with the chance as their rate, so that is a draw without replacement by chances
    (Efraimidis and Spirakis, "Weighted random sampling with a reservoir", 2006).
    """

    def __init__(self, names: np.ndarray, seed: int):
        self._names, self._seed = hash_array(names), seed

    def waits(self, chance: np.ndarray, draw: int, some: np.ndarray | None = None) -> np.ndarray:
        """(n,) float64 of the items, or of some, in one of many draws, each with lots of its own; infinite without a chance."""
        names = self._names if some is None else self._names[some]
        lots = hash_array(names ^ np.random.SeedSequence([self._seed, draw]).generate_state(1, np.uint64))
        waits = np.full(len(names), np.inf)
        np.divide(-np.log((lots + 1.0) / 2.0**64), chance, out=waits, where=chance > 0)
        return waits


def _unexplained(kernel: Kernel, some: Mapping[str, Rows], known: np.ndarray, block: np.ndarray) -> np.ndarray:
    """(n, len(block)) float32, the similarities of all items to a block of them, less what is explained: `known` (n, k), whose rows multiply to that."""
    drawn, theirs = {view: rows[block] for view, rows in some.items()}, known[block].T

    def of_part(start: int) -> np.ndarray:
        part = slice(start, start + PART)
        found = kernel({view: rows[part] for view, rows in some.items()}, drawn)
        found -= known[part] @ theirs
        return found

    return np.concatenate(list(side_by_side(of_part, range(0, len(known), PART))))
