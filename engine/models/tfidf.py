"""Words of a product, weighted by rarity: they distinguish what a text encoder smooths over ("set of 6", "regency")."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import sparse

from engine.core.errors import ReleaseError
from engine.core.large_arrays import blocks
from engine.core.storage import atomic_write_json
from engine.models.encoders.base import missing

__all__ = ["TfidfVectors", "fit_tfidf", "load_tfidf"]

FILE = "words.json"
FIELDS = ("title", "description", "brand", "category")
MAX_WORDS = 50_000
PATTERN = r"(?u)\b\w+\b"


@dataclass(frozen=True)
class TfidfVectors:
    """TF-IDF over a catalogue's texts and named attribute values.

    Attributes
    ----------
    fields : columns that are read.
    words : sorted vocabulary. `weights` : (n_words,) float64, the rarity of each word.
    """

    fields: tuple[str, ...]
    words: tuple[str, ...]
    weights: np.ndarray

    def encode(self, items: pd.DataFrame) -> sparse.csr_matrix:
        """(n, n_words) float32 unit rows; a zero row where an item has no known word."""
        if not self.words:
            return sparse.csr_matrix(np.zeros((len(items), 1), dtype=np.float32))
        # The same bits as scikit-learn's TfidfVectorizer, whose import would delay a server's first new product by half a
        # second.
        column = {word: position for position, word in enumerate(self.words)}
        parts = [self._encoded(items.iloc[rows], column) for rows in blocks(len(items))]
        return sparse.csr_matrix(sparse.vstack(parts, format="csr"))

    def _encoded(self, items: pd.DataFrame, column: Mapping[str, int]) -> sparse.csr_matrix:
        texts = [text.lower() for text in _texts(items, self.fields)]
        counters = [Counter(column[word] for word in re.findall(PATTERN, text) if word in column) for text in texts]
        lengths = [len(counter) for counter in counters]
        columns = np.array([position for counter in counters for position in sorted(counter)], dtype=np.int32)
        counts = np.array([count for counter in counters for _, count in sorted(counter.items())], dtype=np.float32)
        values = (np.log(counts) + 1) * self.weights.astype(np.float32)[columns]
        rows = np.repeat(np.arange(len(items)), lengths)
        squares = np.bincount(rows, weights=values * values, minlength=len(items))
        values = (values / np.sqrt(squares)[rows]).astype(np.float32)
        starts = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
        return sparse.csr_matrix((values, columns, starts), shape=(len(items), len(self.words)))

    def save(self, directory: Path) -> None:
        """Write words.json into `directory`."""
        atomic_write_json(
            directory / FILE,
            {"fields": list(self.fields), "words": list(self.words), "weights": self.weights.tolist()},
        )


def fit_tfidf(items: pd.DataFrame, kinds: Mapping[str, str]) -> TfidfVectors:
    """Count the words of a catalogue, those of category, multi and text attributes included."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    fields = (*FIELDS, *(name for name, kind in kinds.items() if kind in ("category", "multi", "text")))
    fields = tuple(name for name in dict.fromkeys(fields) if name in items.columns)
    model = TfidfVectorizer(sublinear_tf=True, token_pattern=PATTERN, max_features=MAX_WORDS)
    try:
        model.fit(_texts(items, fields))
    except ValueError:  # no text has any word
        return TfidfVectors(fields, (), np.zeros(0))
    return TfidfVectors(fields, tuple(str(word) for word in model.get_feature_names_out()), np.asarray(model.idf_))


def load_tfidf(directory: Path) -> TfidfVectors:
    """Read what `TfidfVectors.save` wrote; `ReleaseError` if it is missing or damaged."""
    try:
        known = json.loads((directory / FILE).read_text("utf-8"))
        return TfidfVectors(tuple(known["fields"]), tuple(known["words"]), np.array(known["weights"], dtype=np.float64))
    except (OSError, ValueError, TypeError, KeyError) as exc:
        raise ReleaseError(
            f"The words in {directory} cannot be read ({exc}). Train again, or roll back to an older release."
        ) from exc


def _texts(items: pd.DataFrame, fields: Iterable[str]) -> list[str]:
    """All texts of each item, in one string."""
    columns = [items[name].tolist() for name in fields if name in items.columns]
    if not columns:
        return [""] * len(items)
    return [" ".join(word for cell in cells for word in _cell(cell)) for cells in zip(*columns, strict=True)]


def _cell(cell: object) -> list[str]:
    if isinstance(cell, list | tuple | np.ndarray):
        return [str(value) for value in cell if not missing(value)]
    return [] if missing(cell) else [str(cell)]
