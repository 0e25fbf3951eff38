"""Columns that may hold what a table lacks: prices among the attributes, and the ids of the products among the events."""

from __future__ import annotations

from typing import Any

import pyarrow.parquet as pq

from engine.ingest.dry_run import DryRun
from engine.ingest.profiles import fits, profile_columns

__all__ = ["id_columns", "price_columns"]

_ROWS = 2_000
_MOST = 0.5
_SHOWN = 3
_PRICE_WORDS = ("price", "preis", "prix", "precio", "prezzo", "prijs", "pris", "cena", "amount", "cost")


def price_columns(run: DryRun) -> list[str]:
    """Columns of the products, other than fields, that look like amounts of money or are called after prices."""
    taken = set(run.field_of("items"))
    found = [
        name
        for name, column in profile_columns(run.source("items")).items()
        if name not in taken
        and fits("price", column)
        and (
            column.looks == "money" or (column.looks != "empty" and any(word in name.lower() for word in _PRICE_WORDS))
        )
    ]
    return found[:_SHOWN]


def id_columns(run: DryRun) -> dict[str, float]:
    """Column of the events -> the share of its first values that are ids of the sampled products, where it is most of them."""
    assert run.products is not None
    source, known = run.source("interactions"), set(run.products.items["item_id"])
    table = pq.read_table(source.path).slice(0, _ROWS)
    shares = {}
    for name in dict.fromkeys(filter(None, source.columns)):
        values = [_text(value) for value in table[source.staged(name)].to_pylist() if value is not None]
        shares[name] = sum(value in known for value in values) / max(len(values), 1)
    return {name: share for name, share in shares.items() if share > _MOST}


def _text(value: Any) -> str:
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value).strip()
