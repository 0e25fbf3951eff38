"""A loaded shop in a few figures: what somebody checks before they train on it."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from engine.catalogue.interactions import open_duckdb
from engine.catalogue.snapshot import event_files, undamaged
from engine.catalogue.taken_back import TAKEN_BACK
from engine.core.workspace import Workspace

__all__ = ["ShopSummary", "head_size", "summarise_shop"]

HEAD_EVENTS = 0.8
# What takes interest back is none.
_STANDS = f"coalesce(event NOT IN {tuple(TAKEN_BACK)}, true)"


@dataclass(frozen=True)
class ShopSummary:
    """Counts of the shop in use.

    Attributes
    ----------
    n_head : the number of products that get `HEAD_EVENTS` of all events.
    filled : column of items.parquet -> how many products have it.
    """

    n_products: int
    n_events: int
    n_shoppers: int
    n_head: int
    filled: Mapping[str, int]

    @property
    def n_pictured(self) -> int:
        return self.filled["image"]

    @property
    def n_priced(self) -> int:
        return self.filled["price"]


def summarise_shop(workspace: Workspace) -> ShopSummary:
    """Count what the snapshot in use holds. Raises `NoDataError` without one."""
    snapshot = workspace.current_snapshot()
    products, files = snapshot / "items.parquet", event_files(snapshot)
    items, events = str(products), [str(file) for file in files]
    with (
        undamaged(snapshot, products, *files),
        tempfile.TemporaryDirectory() as spill,
        open_duckdb(spill) as connection,
    ):
        columns = [_known(field) for field in pq.read_schema(products)]
        n_products, *known = connection.execute(
            f"SELECT count(*), {', '.join(columns)} FROM read_parquet($path)", {"path": items}
        ).fetchall()[0]
        n_shoppers = connection.execute(
            f"SELECT count(DISTINCT user_id) FROM read_parquet($paths) WHERE {_STANDS}",
            {"paths": events},
        ).fetchall()[0][0]
        counts = connection.execute(
            f"SELECT count(*) AS n FROM read_parquet($paths) WHERE {_STANDS} GROUP BY item_id",
            {"paths": events},
        ).fetchnumpy()["n"]
    filled = dict(zip(pq.read_schema(products).names, known, strict=True))
    return ShopSummary(n_products, int(np.sum(counts)), n_shoppers, head_size(np.asarray(counts)), filled)


def _known(field: pa.Field) -> str:
    """SQL that counts the products that have something in a column, whose name a stranger may have chosen."""
    name = '"' + field.name.replace('"', '""') + '"'
    return f"count({name}) FILTER (NOT isnan({name}))" if pa.types.is_floating(field.type) else f"count({name})"


def head_size(counts: np.ndarray, share: float = HEAD_EVENTS) -> int:
    """The smallest number of products that together have at least `share` of all events; `counts` (n,) is each one's."""
    sums = np.cumsum(np.sort(counts)[::-1])
    return int(np.searchsorted(sums, share * sums[-1]) + 1) if len(sums) else 0
