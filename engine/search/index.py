"""An index of words: which products have a word in which fields, how much it says about them, and words like it.

Weights follow BM25F (Robertson, Zaragoza and Taylor, 2004): a word counts by the field it stands in and by the length of
that field, and the more products have it, the less. What somebody types is a word, the beginning of one, another form of one
("dresses", "dress"), the end of a compound ("Kleid", "Sommerkleid"), or one with a letter or two wrong.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import scipy.sparse as sp
from numpy.typing import NDArray
from rapidfuzz.distance import OSA
from rapidfuzz.process import extract

from engine.search.texts import text_arrays, texts_in
from engine.search.words import split_words

__all__ = ["Expanded", "WordIndex", "word_arrays"]

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
    """The words of n texts in several fields, in arrays that processes can share; it never changes.

    Parameters
    ----------
    arrays : from `word_arrays`.
    size : n.
    """

    def __init__(self, arrays: Mapping[str, NDArray[Any]], size: int) -> None:
        self.size, self.usual = size, arrays["usual"]
        self.vocabulary = texts_in(arrays, "words")
        self._reversed, self._turned = texts_in(arrays, "reversed"), arrays["turned"]
        self._starts, self._rows, self._values = arrays["starts"], arrays["rows"], arrays["values"]
        self._by_length, self._length_starts = arrays["by_length"], arrays["length_starts"]
        self._counts = np.diff(self._starts)

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

    def are_in_others(self, terms: NDArray[np.int64], rows: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Which of these terms a text has that is in none of these rows."""
        texts = [self._rows[slice(*self._starts[term : term + 2])] for term in terms]
        return np.array([len(one) > len(rows) or not np.isin(one, rows).all() for one in texts], dtype=bool)

    def _beginning(self, word: str) -> list[int]:
        """Words that are this one or begin with it, the most frequent ones where they are many."""
        begin, end = bisect_left(self.vocabulary, word), bisect_left(self.vocabulary, word + _LAST)
        return self._most_frequent(list(range(begin, end)))

    def _ending(self, word: str) -> list[int]:
        turned = word[::-1]
        begin, end = bisect_left(self._reversed, turned), bisect_left(self._reversed, turned + _LAST)
        return self._most_frequent(self._turned[begin:end].tolist())

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
        ends = np.minimum([shortest, len(word) + most + 1], len(self._length_starts) - 1)
        places = self._by_length[slice(*self._length_starts[ends])]
        words = self.vocabulary.take(places)
        near = [one for one in extract(word, words, scorer=OSA.distance, score_cutoff=most, limit=50) if one[1]]
        if not near:
            return {}
        closest = min(int(distance) for _, distance, _ in near)
        at = [int(places[position]) for _, distance, position in near if distance == closest]
        return dict.fromkeys(self._most_frequent(at)[:MOST_TYPOS], TYPO[closest])

    def _most_frequent(self, places: list[int]) -> list[int]:
        """At most `MOST_TERMS` of some words, an exact hit of a range first as it is the shortest."""
        if len(places) <= 1:
            return places
        order = np.argsort(-self._counts[places], kind="stable")
        best = [places[one] for one in order[:MOST_TERMS]]
        return best if places[0] in best else [places[0], *best]


def word_arrays(
    fields: Sequence[tuple[pa.Array, float]], usual: NDArray[np.float64] | None = None
) -> dict[str, NDArray[Any]]:
    """What a `WordIndex` is made of.

    Parameters
    ----------
    fields : for each field its texts (n,) and its weight.
    usual : (fields,) how many words a text usually has, where that is that of another index.
    """
    size = len(fields[0][0])
    rows, chunks, weights, means = [], [], [], []
    for number, (texts, weight) in enumerate(fields):
        of, words = split_words(texts)
        lengths = np.bincount(of, minlength=size)
        means.append(max(float(lengths.mean()), 1e-9) if usual is None else float(usual[number]))
        rows.append(of.astype(np.int32))
        chunks.append(words)
        weights.append((weight / (1 - LENGTH + LENGTH * lengths / means[-1]))[of].astype(np.float32))
    unified = pa.chunked_array(chunks, type=pa.dictionary(pa.int32(), pa.string())).unify_dictionaries()
    spoken = unified.chunk(0).dictionary
    order = pc.array_sort_indices(spoken)
    position = np.empty(len(spoken), dtype=np.int32)
    position[order.to_numpy()] = np.arange(len(spoken), dtype=np.int32)
    codes = np.concatenate([position[chunk.indices.to_numpy()] for chunk in unified.chunks])
    table = sp.csr_array((np.concatenate(weights), (codes, np.concatenate(rows))), shape=(len(spoken), size))
    vocabulary = spoken.take(order)
    turned = pc.utf8_reverse(vocabulary)
    turned_order = pc.array_sort_indices(turned)
    by_length, length_starts = _by_length(vocabulary)
    return {
        **text_arrays("words", vocabulary),
        **text_arrays("reversed", turned.take(turned_order)),
        "turned": turned_order.to_numpy().astype(np.int32),
        "starts": table.indptr.astype(np.int64),
        "rows": table.indices.astype(np.int32),
        "values": (table.data / (SATURATION + table.data)).astype(np.float32),
        "by_length": by_length,
        "length_starts": length_starts,
        "usual": np.array(means),
    }


def _by_length(words: pa.Array) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Places of the words that can be written wrongly, which those with a number in them cannot, shortest first; and where each length begins."""
    places = np.flatnonzero(~np.asarray(pc.match_substring_regex(words, r"\p{Nd}"), dtype=bool))
    lengths = np.asarray(pc.utf8_length(words), dtype=np.int64)[places]
    order = np.argsort(lengths, kind="stable")
    starts = np.searchsorted(lengths[order], np.arange(lengths.max(initial=0) + 2))
    return places[order].astype(np.int32), starts.astype(np.int64)
