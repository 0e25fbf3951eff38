"""An index of words of a catalogue in which some products changed, or were added: that of the rest stays, and is shared."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from engine.search.index import Expanded, WordIndex

__all__ = ["PatchedIndex"]


class PatchedIndex:
    """Answers as a `WordIndex` of the whole would, but for what is usual in a catalogue: that is as it was before.

    Parameters
    ----------
    base : of the catalogue as it was. patch : of the products in `rows`, in their order.
    rows : (m,) int64, rows that are others than in `base`, or behind it.
    size : products in all.
    """

    def __init__(self, base: WordIndex, patch: WordIndex, rows: NDArray[np.int64], size: int) -> None:
        self._base, self._patch, self._rows, self.size = base, patch, rows, size
        self._gone = rows[rows < base.size]

    def expand(self, word: str) -> Expanded:
        """As `WordIndex.expand`; terms of the patch follow those of the base."""
        here, there = self._base.expand(word), self._patch.expand(word)
        left = self._base.are_in_others(here.terms, self._gone)
        if not left.all():
            whole = here.whole and bool(left[here.weights == 1].any())
            corrected = here.corrected if left.any() else None
            here = Expanded(word, here.terms[left], here.weights[left], whole, corrected)
        if here.terms.size and there.terms.size and bool(here.corrected) != bool(there.corrected):
            nothing = here.terms[:0], here.weights[:0]
            if here.corrected:  # a word that is written so is found, and none that is written otherwise
                here = Expanded(word, *nothing)
            else:
                there = Expanded(word, *nothing)
        return replace(
            here,
            terms=np.concatenate([here.terms, there.terms + len(self._base.vocabulary)]),
            weights=np.concatenate([here.weights, there.weights]),
            whole=here.whole or there.whole,
            corrected=here.corrected or there.corrected,
        )

    def scores(self, word: Expanded) -> NDArray[np.float32]:
        """As `WordIndex.scores`."""
        own = word.terms >= len(self._base.vocabulary)
        scores = np.zeros(self.size, dtype=np.float32)
        scores[: self._base.size] = self._base.scores(replace(word, terms=word.terms[~own], weights=word.weights[~own]))
        scores[self._gone] = 0
        terms = word.terms[own] - len(self._base.vocabulary)
        scores[self._rows] = self._patch.scores(replace(word, terms=terms, weights=word.weights[own]))
        return scores
