"""The shop in a release: its products, its shoppers, and what the manifest says of it."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import BaseModel, ConfigDict

from engine.core.errors import ReleaseContentError
from engine.core.shared_results import shared_arrays
from engine.release.files import ReleaseFiles, making_sense_of
from engine.release.ids import Ids, order_of
from engine.release.manifest import MANIFEST_FILE, Manifest

__all__ = ["ITEMS_FILE", "check_shop", "read_items", "read_user_ids"]

ITEMS_FILE = "items.parquet"
_USERS = "user_ids.parquet"
_BETWEEN = "\x1f"


def read_items(files: ReleaseFiles, n_items: int) -> tuple[pd.DataFrame, Ids]:
    """items.parquet and its ids; a multi-valued attribute holds lists of strings or None, as in `engine.catalogue.snapshot`.

    Raises `ReleaseContentError` where a product has no id, or that of another, or a count that is none.
    """
    table = files.table(ITEMS_FILE, ["item_id", "interaction_count"], n_items, _check_items, "items")
    with making_sense_of(ITEMS_FILE):
        items: pd.DataFrame = table.to_pandas(split_blocks=True)
        for field in table.schema:
            if pa.types.is_list(field.type):
                items[field.name] = _lists(table[field.name])
    ids = _ids(files, ITEMS_FILE, table["item_id"])
    pa.default_memory_pool().release_unused()
    return items, ids


def read_user_ids(files: ReleaseFiles) -> Ids:
    """The ids of the shoppers, in the order of their rows; `ReleaseContentError` where one has none."""
    table = files.table(_USERS, ["user_id"], check=_check_users, kind="users")
    return _ids(files, _USERS, table["user_id"])


def _lists(column: pa.ChunkedArray) -> pd.Series:
    """A multi-valued attribute; products with the same values share one list, of which there are few."""
    values = pc.list_flatten(column)
    is_simple = pa.types.is_string(values.type) or pa.types.is_large_string(values.type)
    if not is_simple or values.null_count or pc.any(pc.match_substring(values, _BETWEEN)).as_py():
        return pd.Series(column.to_pylist(), dtype=object)
    lengths = pc.cast(pc.list_value_length(column), pa.string())
    joined = pc.binary_join(column.cast(pa.list_(pa.string())), _BETWEEN)
    keys = pc.binary_join_element_wise(lengths, joined, _BETWEEN).combine_chunks()
    coded = keys.dictionary_encode()
    codes = np.asarray(pc.fill_null(coded.indices, len(coded.dictionary)), dtype=np.int64)
    known, firsts = np.unique(codes, return_index=True)
    distinct = np.full(len(coded.dictionary) + 1, None, dtype=object)
    for code, values_of in zip(known, column.take(pa.array(firsts)).to_pylist(), strict=True):
        distinct[code] = values_of
    return pd.Series(distinct[codes], dtype=object)


def _check_items(table: pa.Table) -> None:
    if missing := {"item_id", "interaction_count"} - set(table.column_names):
        raise ReleaseContentError(f"{ITEMS_FILE} lacks the column {min(missing)}")
    _check_texts(table, "item_id", ITEMS_FILE)
    if pc.count_distinct(table["item_id"]).as_py() != table.num_rows:
        raise ReleaseContentError(f"{ITEMS_FILE} names a product twice")
    counts = table["interaction_count"]
    if not pa.types.is_integer(counts.type) or counts.null_count or (table.num_rows and pc.min(counts).as_py() < 0):
        raise ReleaseContentError(f"{ITEMS_FILE} counts interactions as {counts.type}, or fewer than none")


def _check_users(table: pa.Table) -> None:
    _check_texts(table, "user_id", _USERS)


def _ids(files: ReleaseFiles, name: str, column: pa.ChunkedArray) -> Ids:
    texts = column.chunk(0) if column.num_chunks else pa.array([], pa.large_string())
    order = shared_arrays(f"{files.sha256(name)} order", lambda: {"order": order_of(texts)})
    return Ids(texts, order["order"])


def check_shop(manifest: Manifest) -> None:
    """Raise `ReleaseContentError` where the manifest does not say what the shop is called and how it is counted."""
    with making_sense_of(MANIFEST_FILE):
        _Shop.model_validate(manifest.extra["shop"])


class _Shop(BaseModel):
    """The manifest's facts of the shop, as `engine.release.contents` writes them."""

    model_config = ConfigDict(strict=True)

    name: str
    interaction_word: str
    currency: str | None
    demo: bool
    attributes: dict[str, Literal["category", "number", "text", "multi"]]


def _check_texts(table: pa.Table, column: str, name: str) -> None:
    """A column of texts without gaps."""
    if column not in table.column_names:
        raise ReleaseContentError(f"{name} lacks the column {column}")
    found = table[column]
    if not (pa.types.is_string(found.type) or pa.types.is_large_string(found.type)) or found.null_count:
        raise ReleaseContentError(f"{name}: {column} holds {found.type} with {found.null_count} gaps, no texts")
