"""The shop in a release: its products, its shoppers, and what the manifest says of it."""

from __future__ import annotations

from typing import Literal

import pandas as pd
import pyarrow as pa
from pydantic import BaseModel, ConfigDict

from engine.core.errors import ReleaseContentError
from engine.release.files import ReleaseFiles, making_sense_of
from engine.release.manifest import MANIFEST_FILE, Manifest

__all__ = ["check_shop", "read_items", "read_user_ids"]

_ITEMS, _USERS = "items.parquet", "user_ids.parquet"


def read_items(files: ReleaseFiles, n_items: int) -> pd.DataFrame:
    """items.parquet; a multi-valued attribute holds lists of strings or None, as in `engine.catalogue.snapshot`.

    Raises `ReleaseContentError` where a product has no id, or that of another, or a count that is none.
    """
    table = files.table(_ITEMS, ["item_id", "interaction_count"], n_items)
    ids = _texts(table, "item_id", _ITEMS)
    if len(set(ids)) != len(ids):
        raise ReleaseContentError(f"{_ITEMS} names a product twice")
    with making_sense_of(_ITEMS):
        items: pd.DataFrame = table.to_pandas()
        for field in table.schema:
            if pa.types.is_list(field.type):
                items[field.name] = pd.Series(table[field.name].to_pylist(), dtype=object)
        counts = items["interaction_count"].to_numpy()
        if counts.dtype.kind not in "iu" or (counts < 0).any():
            raise ReleaseContentError(f"{_ITEMS} counts interactions as {counts.dtype}, or fewer than none")
    return items


def read_user_ids(files: ReleaseFiles) -> list[str]:
    """The ids of the shoppers, in the order of their rows; `ReleaseContentError` where one has none."""
    return _texts(files.table(_USERS, ["user_id"]), "user_id", _USERS)


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


def _texts(table: pa.Table, column: str, name: str) -> list[str]:
    """A column of texts without gaps."""
    found = table[column]
    if not (pa.types.is_string(found.type) or pa.types.is_large_string(found.type)) or found.null_count:
        raise ReleaseContentError(f"{name}: {column} holds {found.type} with {found.null_count} gaps, no texts")
    with making_sense_of(name):
        texts: list[str] = found.to_pylist()
        return texts
