"""Events become one weight per shopper-item pair: a canonical CSR matrix, aggregated on disk-backed DuckDB.

    weight(shopper, item) = sum over kinds of event of  w(kind) x mean decay x log2(1 + sum of log2(1 + quantity))

w(kind) is the setting's weight of the kind relative to the lightest kind that the shop has, so a shop that records only
purchases gets the same weights as one that records only clicks. A single event of quantity 1 counts exactly w(kind); a
wholesale order of a thousand counts 3.5 times that, and so do ten orders of one. A rating counts from 1 (the lowest
accepted) to 2 (the shop's best); of repeated ratings the newest counts, and one below `min_rating` counts nothing. Decay
halves an event's weight for every `half_life_days` that it is older than the shop's newest event. What the shopper took
back (`engine.catalogue.taken_back`) does not count.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
from scipy.sparse import csr_matrix

from engine.catalogue.snapshot import event_files, read_info, undamaged
from engine.catalogue.taken_back import TAKEN_BACK, net_events
from engine.core.errors import InteractionsError
from engine.core.settings import InteractionSettings
from engine.core.workspace import Workspace

__all__ = ["Interactions", "open_duckdb", "read_interactions"]

MEMORY_LIMIT = "1500MB"
THREADS = 2
# Sums are taken over whole numbers of this fraction: float sums depend on the order threads finish in.
_UNIT = 1_000_000


@dataclass(frozen=True)
class Interactions:
    """Who was interested in what.

    Attributes
    ----------
    user_items : (n_users, n_items) float32, canonical CSR, weights above 0.
    user_ids : (n_users,) str, sorted; every shopper has at least one interaction.
    first_timestamps : (nnz,) int64 seconds since 1970 of each pair's first event, aligned with `user_items.data`; None
        if the shop's events have no times. A pair without a time gets the shop's earliest.
    """

    user_items: csr_matrix
    user_ids: np.ndarray
    first_timestamps: np.ndarray | None

    @property
    def counts(self) -> np.ndarray:
        """Distinct shoppers of every item, (n_items,) int64."""
        return np.bincount(self.user_items.indices, minlength=self.user_items.shape[1]).astype(np.int64)


def read_interactions(workspace: Workspace, item_ids: Sequence[str], settings: InteractionSettings) -> Interactions:
    """Aggregate the events of the shop in use; columns follow `item_ids`, events of other items are ignored.

    Raises `InteractionsError` if no event counts, `NoDataError` if no shop is loaded.
    """
    directory = workspace.current_snapshot()
    info = read_info(directory)
    lowest = settings.min_rating if settings.min_rating is not None else info["min_rating"]
    files = event_files(directory)
    with undamaged(directory, *files), tempfile.TemporaryDirectory() as spill, open_duckdb(spill) as connection:
        connection.from_parquet([str(file) for file in files]).create_view("events")
        net_events(connection, info["value_kind"], lowest)
        _map_ids(connection, item_ids, settings)
        _aggregate(connection, settings, info["value_kind"], lowest)
        columns: dict[str, Any] = connection.execute("SELECT u, i, weight, first FROM pairs ORDER BY u, i").fetchnumpy()
        user_ids = np.asarray(connection.execute("SELECT user_id FROM users ORDER BY u").fetchnumpy()["user_id"])
    if not len(columns["u"]):
        rated = (
            f" has a rating of at least {lowest:g} and" if info["value_kind"] == "rating" and lowest is not None else ""
        )
        raise InteractionsError(f"no event{rated} counts. Check the events' ids, values and weights.")
    return _assemble(columns, user_ids, len(item_ids))


def open_duckdb(spill: str, memory_limit: str = MEMORY_LIMIT, threads: int = THREADS) -> duckdb.DuckDBPyConnection:
    """An in-memory DuckDB that spills into the directory `spill` beyond `memory_limit`; it installs and prints nothing."""
    connection = duckdb.connect(
        config={
            "memory_limit": memory_limit,
            "threads": threads,
            "temp_directory": spill,
            "autoinstall_known_extensions": False,
        }
    )
    connection.execute("SET enable_progress_bar = false")
    return connection


def _map_ids(connection: duckdb.DuckDBPyConnection, item_ids: Sequence[str], settings: InteractionSettings) -> None:
    """Create the tables items (item_id, i), users (user_id, u) and kinds (event, k, w): dense numbers for strings."""
    weights = InteractionSettings().event_weights | settings.event_weights
    indices = pa.array(range(len(item_ids)), pa.int32())
    _copy(connection, "items", {"item_id": pa.array(list(item_ids), pa.string()), "i": indices})
    _copy(
        connection,
        "weights",
        {"event": pa.array(list(weights), pa.string()), "w": pa.array(list(weights.values()), pa.float64())},
    )
    connection.execute(
        "CREATE TABLE users AS SELECT user_id, (row_number() OVER (ORDER BY user_id) - 1)::INTEGER AS u"
        " FROM (SELECT DISTINCT user_id FROM events)"
    )
    # Events without a kind count 1.
    connection.execute(
        "CREATE TABLE kinds AS SELECT event, (row_number() OVER (ORDER BY event) - 1)::INTEGER AS k,"
        " CASE WHEN event IS NULL THEN 1.0 ELSE coalesce(w, $other) END AS w"
        " FROM (SELECT DISTINCT event FROM events) LEFT JOIN weights USING (event)"
        " WHERE event IS NULL OR NOT list_contains($taken_back, event)",
        {"other": settings.other_event_weight, "taken_back": list(TAKEN_BACK)},
    )
    connection.execute("UPDATE kinds SET w = w / (SELECT min(w) FROM kinds WHERE w > 0) WHERE w > 0")


def _copy(connection: duckdb.DuckDBPyConnection, table: str, columns: dict[str, pa.Array]) -> None:
    connection.register("given", pa.table(columns))
    connection.execute(f"CREATE TABLE {table} AS SELECT * FROM given")
    connection.unregister("given")


def _aggregate(
    connection: duckdb.DuckDBPyConnection, settings: InteractionSettings, value_kind: str | None, lowest: float | None
) -> None:
    """Create the table pairs (u, i, weight, first): one row per shopper and product whose weight is above 0."""
    newest, oldest, best, worst = connection.execute(
        "SELECT max(timestamp), min(timestamp), max(value), min(value) FROM net"
    ).fetchall()[0]
    decay = "1.0"
    if settings.half_life_days is not None and newest is not None:
        decay = f"coalesce(pow(2.0, (timestamp - {newest}) / {settings.half_life_days * 86_400.0!r}), 1.0)"
    signals = f"""
        SELECT u, i, k, w, value, timestamp, {decay} AS decay
        FROM net JOIN items USING (item_id) JOIN users USING (user_id)
        JOIN kinds ON kinds.event IS NOT DISTINCT FROM net.event
    """
    counted = _quantities_sql(value_kind)
    if value_kind == "rating" and best is not None:
        counted += f"UNION ALL {_ratings_sql(worst if lowest is None else lowest, best, oldest or 0)}"
    connection.execute(f"""
        CREATE TABLE pairs AS
        WITH signals AS ({signals}), counted AS ({counted})
        SELECT u, i, (sum({_whole("w * decay * log2(1.0 + units)")}) / {_UNIT})::FLOAT AS weight,
            {f"coalesce(min(first), {oldest})" if oldest is not None else "NULL::BIGINT"} AS first
        FROM counted WHERE units > 0 AND w > 0 GROUP BY u, i
    """)


def _quantities_sql(value_kind: str | None) -> str:
    """Events without a rating, by shopper, product and kind; `units` grow with the logarithm of the quantities."""
    quantity = "greatest(coalesce(value, 1.0), 0.0)" if value_kind == "quantity" else "1.0"
    return f"""
        SELECT u, i, k, any_value(w) AS w, sum({_whole("decay")}) / count(*) / {_UNIT} AS decay,
            sum({_whole(f"log2(1.0 + {quantity})")}) / {_UNIT} AS units, min(timestamp) AS first
        FROM signals {"WHERE value IS NULL" if value_kind == "rating" else ""} GROUP BY u, i, k
    """


def _ratings_sql(floor: float, best: float, oldest: int) -> str:
    """Ratings of at least `floor`, by shopper, product and kind.

    The newest of repeated ratings counts; the rating itself decides between equal times, so threads cannot.
    """
    return f"""
        SELECT u, i, k, w, last.decay, CASE WHEN last.value < {floor!r} THEN 0.0
            ELSE pow(2.0, 1.0 + (last.value - {floor!r}) / {max(best - floor, 1e-9)!r}) - 1.0 END AS units, first
        FROM (
            SELECT u, i, k, any_value(w) AS w, min(timestamp) FILTER (value >= {floor!r}) AS first,
                max({{'time': coalesce(timestamp, {oldest}), 'value': value, 'decay': decay}}) AS last
            FROM signals WHERE value IS NOT NULL GROUP BY u, i, k
        )
    """


def _whole(expression: str) -> str:
    """SQL for `expression` in whole units, at least one, so that sums do not depend on the order of threads."""
    return f"greatest(round(({expression}) * {_UNIT}), 1.0)::BIGINT"


def _assemble(columns: dict[str, Any], user_ids: np.ndarray, n_items: int) -> Interactions:
    """CSR from pairs sorted by shopper and product; shoppers without a pair are dropped."""
    per_user = np.bincount(np.asarray(columns["u"]), minlength=len(user_ids))
    present = per_user > 0
    indptr = np.concatenate([[0], np.cumsum(per_user[present])])
    index_type = np.int32 if indptr[-1] < 2**31 else np.int64
    weights: np.ndarray = np.asarray(columns["weight"], dtype=np.float32)
    indices: np.ndarray = np.asarray(columns["i"], dtype=index_type)
    matrix = csr_matrix((weights, indices, indptr.astype(index_type)), shape=(int(present.sum()), n_items))
    matrix.has_canonical_format = True
    first = columns["first"]
    missing = isinstance(first, np.ma.MaskedArray) and bool(np.ma.getmaskarray(first).any())
    return Interactions(
        user_items=matrix,
        user_ids=np.asarray(user_ids, dtype=object)[present],
        first_timestamps=None if missing else np.asarray(first, dtype=np.int64),
    )
