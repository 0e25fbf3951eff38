"""An index of words: which products have a word in which fields, how much it says about them, and words like it.

Weights follow BM25F (Robertson, Zaragoza and Taylor, 2004): a word counts by the field it stands in and by the length of
that field, and the more products have it, the less. What somebody types is a word, the beginning of one, another form of one
("dresses", "dress"), the end of a compound ("Kleid", "Sommerkleid"), or one with a letter or two wrong.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import scipy.sparse as sp
from numpy.typing import NDArray
from rapidfuzz.distance import OSA
from rapidfuzz.process import extract

from engine.search.words import split_words

__all__ = ["Expanded", "WordIndex"]

Array = NDArray[np.float32]
LENGTH, SATURATION = 0.4, 1.2  # b and k1 of BM25
PREFIX, FORM, ENDING = 0.75, 0.7, 0.4
TYPO = {1: 0.5, 2: 0.3}
LONG_ENDING, SHORT_ENDING = (
    5,
    4,
)  # letters from which a word may end another one; below, only where nothing else is found
LEFT_OUT_FROM, TYPO_FROM, TWO_TYPOS_FROM = 3, 4, 8  # letters from which one may be left out, one be wrong, and two
MOST_TERMS, MOST_TYPOS, FEW = 400, 6, 3
_LAST = "\U0010ffff"


@dataclass(frozen=True)
class Expanded:
    """A word somebody typed, as the words of the catalogue that it may stand for.

    Attributes
    ----------
    terms : positions in the vocabulary, with how well each stands for it in `weights`, in (0, 1].
    whole : whether the catalogue has the very word.
    corrected : the closest word, where only a different spelling was found; else None.
    """

    word: str
    terms: NDArray[np.int64]
    weights: Array
    whole: bool = False
    corrected: str | None = None


class WordIndex:
    """The words of n texts in several fields, held in memory; it never changes.

    Parameters
    ----------
    fields : for each field its texts (n,) and its weight.
    """

    def __init__(self, fields: Sequence[tuple[pa.Array, float]]) -> None:
        self.size = len(fields[0][0])
        rows, chunks, weights = [], [], []
        for texts, weight in fields:
            of, words = split_words(texts)
            lengths = np.bincount(of, minlength=self.size)
            usual = max(lengths.mean(), 1e-9)
            rows.append(of)
            chunks.append(words)
            weights.append((weight / (1 - LENGTH + LENGTH * lengths / usual))[of].astype(np.float32))
        unified = pa.chunked_array(chunks, type=pa.dictionary(pa.int32(), pa.string())).unify_dictionaries()
        spoken: list[str] = unified.chunk(0).dictionary.to_pylist()
        order = sorted(range(len(spoken)), key=spoken.__getitem__)
        position = np.empty(len(spoken), dtype=np.int32)
        position[order] = np.arange(len(spoken), dtype=np.int32)
        codes = np.concatenate([position[chunk.indices.to_numpy()] for chunk in unified.chunks])
        self.vocabulary = [spoken[one] for one in order]
        shape = (len(spoken), self.size)
        table = sp.csr_array((np.concatenate(weights), (codes, np.concatenate(rows).astype(np.int32))), shape=shape)
        self._starts, self._rows = table.indptr.astype(np.int64), table.indices.astype(np.int32)
        self._values = (table.data / (SATURATION + table.data)).astype(np.float32)
        self._counts = np.diff(self._starts)
        self._reversed = sorted((word[::-1], place) for place, word in enumerate(self.vocabulary))
        self._by_length: Mapping[int, list[int]] = _by_length(self.vocabulary)

    def expand(self, word: str) -> Expanded:
        """What a typed word may stand for; no terms where nothing is like it."""
        found: dict[int, float] = {}
        for place in self._beginning(word):
            found[place] = 1.0 if self.vocabulary[place] == word else PREFIX
        for place in self._forms(word):
            found.setdefault(place, FORM)
        if len(word) >= LONG_ENDING or (len(word) >= SHORT_ENDING and not found):
            for place in self._ending(word):
                found.setdefault(place, ENDING)
        corrected = None
        whole = 1.0 in found.values()
        if not whole and sum(int(self._counts[place]) for place in found) < FEW:
            typos = self._typos(word)
            corrected = self.vocabulary[next(iter(typos))] if typos and not found else None
            for place, weight in typos.items():
                found.setdefault(place, weight)
        terms = np.fromiter(found, dtype=np.int64, count=len(found))
        return Expanded(
            word,
            terms,
            np.fromiter(found.values(), dtype=np.float32, count=len(found)),
            1.0 in found.values(),
            corrected,
        )

    def scores(self, word: Expanded) -> Array:
        """How much each text says of a word, (n,) float32, 0 where it does not have it."""
        scores = np.zeros(self.size, dtype=np.float32)
        for term, weight in zip(word.terms, word.weights, strict=True):
            begin, end = self._starts[term], self._starts[term + 1]
            rows = self._rows[begin:end]
            scores[rows] = np.maximum(scores[rows], weight * self._values[begin:end])
        return scores

    def _beginning(self, word: str) -> list[int]:
        """Words that are this one or begin with it, the most frequent ones where they are many."""
        begin, end = bisect_left(self.vocabulary, word), bisect_left(self.vocabulary, word + _LAST)
        return self._most_frequent(list(range(begin, end)))

    def _ending(self, word: str) -> list[int]:
        turned = word[::-1]
        begin = bisect_left(self._reversed, (turned, -1))
        end = bisect_left(self._reversed, (turned + _LAST, -1))
        return self._most_frequent([place for _, place in self._reversed[begin:end]])

    def _forms(self, word: str) -> list[int]:
        """Words that this one is an inflected form of, by its last letter or two."""
        shorter = [word[:-1]] if len(word) > 4 or (len(word) > 3 and word.endswith("s")) else []
        shorter += [word[:-2]] if len(word) > 6 else []
        places = [(bisect_left(self.vocabulary, one), one) for one in shorter]
        return [place for place, one in places if place < len(self.vocabulary) and self.vocabulary[place] == one]

    def _typos(self, word: str) -> dict[int, float]:
        """The words that differ in the fewest letters; numbers have to be right."""
        if len(word) < LEFT_OUT_FROM or any(char.isdigit() for char in word):
            return {}
        most = 2 if len(word) >= TWO_TYPOS_FROM else 1
        shortest = len(word) - most if len(word) >= TYPO_FROM else len(word) + 1
        places = [
            place for length in range(shortest, len(word) + most + 1) for place in self._by_length.get(length, ())
        ]
        words = [self.vocabulary[place] for place in places]
        near = [one for one in extract(word, words, scorer=OSA.distance, score_cutoff=most, limit=50) if one[1]]
        if not near:
            return {}
        closest = min(int(distance) for _, distance, _ in near)
        at = [places[position] for _, distance, position in near if distance == closest]
        return dict.fromkeys(self._most_frequent(at)[:MOST_TYPOS], TYPO[closest])

    def _most_frequent(self, places: list[int]) -> list[int]:
        """At most `MOST_TERMS` of some words, an exact hit of a range first as it is the shortest."""
        if len(places) <= 1:
            return places
        order = np.argsort(-self._counts[places], kind="stable")
        best = [places[one] for one in order[:MOST_TERMS]]
        return best if places[0] in best else [places[0], *best]


def _by_length(words: Sequence[str]) -> dict[int, list[int]]:
    lengths: dict[int, list[int]] = {}
    for place, word in enumerate(words):
        lengths.setdefault(len(word), []).append(place)
    return lengths
