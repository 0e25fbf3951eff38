"""Texts as the words that they are searched by: lower case, without accents, scripts without spaces letter by letter.

The catalogue and what people type go the same way, in Arrow's vectorised functions: no text becomes a Python object.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

__all__ = ["folded", "split_words", "words_in"]

MOST_LETTERS = 4000  # of a text; what a description says later is not searched
# Written without spaces between words: each letter counts as a word.
_UNSPACED = r"([\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}])"
_SEPARATORS = r"[^\p{L}\p{N}]+"
_LETTERS = {"ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "đ": "d", "ł": "l", "ı": "i", "ς": "σ"}


def folded(texts: pa.Array) -> pa.Array:
    """The texts in lower case, without accents, in compatible letters (full width, ligatures), null as empty."""
    texts = pc.utf8_slice_codeunits(pc.fill_null(texts.cast(pa.string()), ""), 0, MOST_LETTERS)
    if pc.all(pc.string_is_ascii(texts)).as_py() is not False:
        return pc.ascii_lower(texts)
    texts = pc.utf8_lower(pc.utf8_normalize(texts, form="NFKD"))
    texts = pc.replace_substring_regex(texts, pattern=r"\p{Mn}+", replacement="")
    for letter, plain in _LETTERS.items():
        texts = pc.replace_substring(texts, pattern=letter, replacement=plain)
    return texts


def split_words(texts: pa.Array) -> tuple[NDArray[np.int64], pa.DictionaryArray]:
    """The words of all texts one after another: which text each comes from, and the words, dictionary-encoded."""
    spaced = pc.replace_substring_regex(folded(texts), pattern=_UNSPACED, replacement=r" \1 ")
    lists = pc.split_pattern_regex(spaced, pattern=_SEPARATORS)
    parents, words = pc.list_parent_indices(lists), pc.list_flatten(lists)
    filled = pc.not_equal(words, "")
    rows = parents.filter(filled).to_numpy(zero_copy_only=False).astype(np.int64)
    return rows, words.filter(filled).dictionary_encode()


def words_in(text: str) -> list[str]:
    """The words of one text, in order, each once."""
    clean = text.encode("utf-8", "ignore").decode()  # halves of characters cannot be stored, so nothing has them
    _, words = split_words(pa.array([clean], pa.string()))
    return list(dict.fromkeys(words.to_pylist()))
