"""A catalogue to search by words: its products, and approved drafts behind them; in memory, made once a version."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from engine.catalogue.product import Product, catalogue_frame
from engine.core.shared_results import shared_arrays
from engine.core.workspace import Workspace
from engine.search.facets import choice_facets, number_facets
from engine.search.index import Expanded, WordIndex, word_arrays
from engine.search.patched import PatchedIndex
from engine.search.texts import Texts, text_arrays, texts_in
from engine.search.words import words_in

__all__ = ["Base", "Matched", "SearchCatalogue", "searchable"]

VERSION = 1  # of what is shared: another one where the arrays mean something else

WEIGHTS = {"title": 3.0, "kind": 2.5, "attributes": 2.0, "id": 2.0, "description": 0.6}
MOST_WORDS = 12
POPULAR = 0.1  # by how much the busiest product counts more than one without traffic, where words say the same
MOST_ID_HITS = 1000
_MOST = 0.6  # of what is asked, by rarity, that a product must have where none has it all


@dataclass(frozen=True)
class Matched:
    """What words find.

    Attributes
    ----------
    scores : (n,) float32, 0 where a product is not found.
    unknown : the words that nothing in the catalogue has, in any spelling.
    corrected : word -> how the catalogue writes it, for words that were found in a different spelling only.
    partly : whether no product has all the known words, so that these have most of them.
    by_id : whether the text is an id, or the beginning of some.
    """

    scores: NDArray[np.float32]
    unknown: tuple[str, ...] = ()
    corrected: Mapping[str, str] | None = None
    partly: bool = False
    by_id: bool = False


@dataclass(frozen=True)
class Base:
    """A catalogue whose words are read once, and shared by all processes that search it.

    Attributes
    ----------
    key : says which catalogue it is, of what content.
    table : as for `SearchCatalogue`.
    changed : (m,) int64, rows of the table that are others by now.
    """

    key: str
    table: pd.DataFrame
    changed: NDArray[np.int64]


class SearchCatalogue:
    """n products, the first of them those of the release in its order, then approved drafts.

    Facets are there at once. The words are read in a thread meanwhile (2 s for 100,000 products), and whoever searches waits
    for them.

    Parameters
    ----------
    table : (n,) rows with `item_id`, the fields of a product, `interaction_count` and the attributes.
    kinds : the attributes, name -> kind.
    base : the catalogue that it is, or that it was but for some products.
    """

    def __init__(self, table: pd.DataFrame, kinds: Mapping[str, str], base: Base | None = None) -> None:
        self.item_ids = Texts(_text(table["item_id"]))
        self.counts: NDArray[np.int64] = table["interaction_count"].to_numpy(dtype=np.int64)
        self.choices, self.numbers = choice_facets(table, kinds), number_facets(table, kinds)
        self._titles = _text(table["title"])
        busiest = max(np.log1p(self.counts.max(initial=0)), 1.0)
        self._popular = (1 + POPULAR * np.log1p(self.counts) / busiest).astype(np.float32)
        self._orders: dict[str, NDArray[np.int32]] = {}
        readers = ThreadPoolExecutor(1, thread_name_prefix="words of the catalogue")
        self._reading = readers.submit(_read_words, table, kinds, base)
        readers.shutdown(wait=False)

    def __len__(self) -> int:
        return len(self.item_ids)

    def in_order(self, order: str) -> NDArray[np.int32]:
        """(n,) rows of all products in one of `engine.search.search.ORDERS`, ties by row; sorted once. Those without a title or a price come last."""
        if order not in self._orders:
            self._orders[order] = self._sorted(order).astype(np.int32)
        return self._orders[order]

    def by_score(self, rows: NDArray[np.int64], scores: NDArray[np.float32]) -> NDArray[np.int64]:
        """Some rows, the highest of `scores` (n,), none of them negative, first; of equals, those with the most traffic."""
        # In one number, which is sorted many times as fast as two keys are; floats that are not negative are in the order of their bits.
        highest = np.uint64(0xFFFF_FFFF) - scores[rows].view(np.uint32).astype(np.uint64)
        return rows[np.argsort((highest << np.uint64(32)) | self._places_by_traffic[rows])]

    @cached_property
    def _places_by_traffic(self) -> NDArray[np.uint64]:
        places = np.empty(len(self), dtype=np.uint64)
        places[self.in_order("most")] = np.arange(len(self), dtype=np.uint64)
        return places

    def _sorted(self, order: str) -> NDArray[np.integer]:
        if order == "title":
            titles = pc.fill_null(pc.utf8_lower(self._titles), "\U0010ffff")
            return np.asarray(pc.array_sort_indices(titles))
        if order in ("cheap", "dear") and "price" in self.numbers:
            prices = self.numbers["price"].numbers
            return np.argsort(prices if order == "cheap" else -prices, kind="stable")  # NaN is last either way
        return np.argsort(self.counts if order == "least" else -self.counts, kind="stable")

    def match(self, text: str) -> Matched:
        """What a text finds: ids that begin with it first, then products that have all of its words, by what they say.

        Where no product has them all, those that have most are found, counted by how rare the words are. Where the
        catalogue has not even half of the words, in no spelling, nothing is.
        """
        index, ids, _ = self._reading.result()
        words = [index.expand(word) for word in words_in(text)[:MOST_WORDS]]
        known = [word for word in words if word.terms.size]
        scores, partly = np.zeros(len(self), dtype=np.float32), False
        if _is_enough(known, words):
            scores, partly = self._of_words(index, known)
        hits = ids.beginning(text)
        if hits.size:
            scores[hits] += 100
            partly = False
        unknown = tuple(word.word for word in words if not word.terms.size)
        corrected = {word.word: word.corrected for word in known if word.corrected}
        return Matched(scores, () if hits.size else unknown, corrected, partly, hits.size > 0)

    def best(self, text: str, limit: int) -> NDArray[np.int64]:
        """The rows of the best products for a text, best first, at most `limit`."""
        scores = self.match(text).scores
        return self.by_score(np.flatnonzero(scores), scores)[:limit]

    def _of_words(self, index: WordIndex | PatchedIndex, words: Sequence[Expanded]) -> tuple[NDArray[np.float32], bool]:
        """Scores of the products that have these words, and whether none has them all."""
        total = np.zeros(len(self), dtype=np.float32)
        missing = np.zeros(len(self), dtype=np.float32)
        heard = 0.0
        for word in words:
            said = index.scores(word)
            having = said > 0
            found = int(np.count_nonzero(having))
            rarity = float(np.log1p((len(self) - found + 0.5) / (found + 0.5)))
            total += rarity * said
            missing[~having] += rarity
            heard += rarity
        everything = missing < 1e-6
        partly = not everything.any()
        kept = missing <= (1 - _MOST) * heard if partly else everything
        return np.where(kept, total * self._popular, 0).astype(np.float32), partly


class _Ids:
    """The ids in order, to find those that begin with a text."""

    def __init__(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """
        Parameters
        ----------
        arrays : from `_id_arrays`.
        """
        self._ids, self._rows = texts_in(arrays, "ids"), arrays["id_rows"]

    def beginning(self, text: str) -> NDArray[np.int32]:
        """Rows of the products whose id begins with a text, that of the id itself alone where there is one."""
        asked = text.strip().lower()
        if len(asked) < 2:
            return self._rows[:0]
        begin = bisect_left(self._ids, asked)
        if begin < len(self._ids) and self._ids[begin] == asked:
            return self._rows[begin : begin + 1]
        return self._rows[begin : min(bisect_left(self._ids, asked + "\U0010ffff"), begin + MOST_ID_HITS)]


def _id_arrays(table: pd.DataFrame) -> dict[str, NDArray[Any]]:
    lowered = pc.utf8_lower(_text(table["item_id"]))
    order = pc.array_sort_indices(lowered)
    return {**text_arrays("ids", lowered.take(order)), "id_rows": order.to_numpy().astype(np.int32)}


class _Words(NamedTuple):
    words: WordIndex | PatchedIndex
    ids: _Ids
    held: object  # others find the arrays as long as they are


def _read_words(table: pd.DataFrame, kinds: Mapping[str, str], base: Base | None) -> _Words:
    """The words and ids of a catalogue, those of its base from where they were read before."""

    def arrays_of(one: pd.DataFrame) -> dict[str, NDArray[Any]]:
        return word_arrays(_fields(one, kinds)) | _id_arrays(one)

    if base is None:
        arrays = arrays_of(table)
        return _Words(WordIndex(arrays, len(table)), _Ids(arrays), arrays)
    kept = shared_arrays(f"words {VERSION} {base.key}", lambda: arrays_of(base.table))
    arrays = {name: np.asarray(array) for name, array in kept.items()}
    words, rows = WordIndex(arrays, len(base.table)), np.arange(len(base.table), len(table))
    ids = _Ids(arrays if not rows.size else _id_arrays(table))
    rows = np.concatenate([base.changed, rows])
    if not rows.size:
        return _Words(words, ids, kept)
    own = WordIndex(word_arrays(_fields(table.iloc[rows], kinds), words.usual), len(rows))
    return _Words(PatchedIndex(words, own, rows, len(table)), ids, kept)


def _is_enough(known: Sequence[Expanded], words: Sequence[Expanded]) -> bool:
    """Whether the catalogue knows enough of what is asked: more than half of the words, or half and one of them as it is."""
    if 2 * len(known) == len(words):
        return any(word.whole for word in known)
    return 2 * len(known) > len(words)


def searchable(
    items: pd.DataFrame,
    kinds: Mapping[str, str],
    drafts: Mapping[str, Product],
    workspace: Workspace,
    base: Base | None = None,
) -> SearchCatalogue:
    """The products of a release with approved drafts (id -> product) behind them; `base` is the release as it was trained."""
    readable = {draft_id: product.readable_by(kinds, workspace) for draft_id, product in drafts.items()}
    readable = {draft_id: product for draft_id, product in readable.items() if not product.is_empty}
    if not readable:
        return SearchCatalogue(items, kinds, base)
    new = catalogue_frame(list(readable.values()), kinds, workspace)
    new = new.assign(item_id=pd.array(list(readable), dtype="str"), interaction_count=0)
    return SearchCatalogue(pd.concat([items[list(new.columns)], new], ignore_index=True), kinds, base)


def _fields(table: pd.DataFrame, kinds: Mapping[str, str]) -> list[tuple[pa.Array, float]]:
    """The texts that are searched, joined by how much their words count."""
    columns = {
        "title": [_text(table["title"])],
        "kind": [_text(table["brand"]), _text(table["category"])],
        "attributes": [_attribute(table[name], kind) for name, kind in kinds.items() if name in table],
        "id": [_text(table["item_id"])],
        "description": [_text(table["description"])],
    }
    return [(_joined(texts), WEIGHTS[name]) for name, texts in columns.items() if texts]


def _text(column: pd.Series) -> pa.Array:
    array = pa.array(column, type=pa.string(), from_pandas=True)
    return array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array


def _attribute(column: pd.Series, kind: str) -> pa.Array:
    """An attribute's values as texts, several of them joined by spaces."""
    if kind == "number":
        return pa.array([None if value != value else f"{value:g}" for value in column.tolist()], pa.string())
    if kind == "multi":
        return pc.binary_join(pa.array(column, type=pa.list_(pa.string()), from_pandas=True), " ")
    return _text(column)


def _joined(texts: Sequence[pa.Array]) -> pa.Array:
    # Filled first: skipping nulls, Arrow 26 leaves out a row in which all of them are.
    return pc.binary_join_element_wise(*(pc.fill_null(text, "") for text in texts), " ")
