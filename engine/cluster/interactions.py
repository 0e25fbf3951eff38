"""Events become one weight per shopper-item pair on a cluster: the formula of `engine.catalogue.interactions`, in Spark's SQL.

The events of a shopper lie in one partition. What was taken back is netted there by the same statements as on one machine; the sums are of whole
numbers, so their order does not matter. Only pairs come back, as numbers; events never leave the cluster.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from scipy.sparse import csr_matrix

from engine.catalogue.interactions import Interactions, open_duckdb
from engine.catalogue.snapshot import EVENT_COLUMNS, EVENT_SCHEMA, event_files, read_info
from engine.catalogue.taken_back import TAKEN_BACK, net_events
from engine.cluster.session import Cluster
from engine.core.errors import InteractionsError
from engine.core.settings import InteractionSettings
from engine.core.workspace import Workspace

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

__all__ = ["read_interactions_on"]

EVENTS_OF_A_PART = 2_000_000
_UNIT = 1_000_000
_EXTREMES = (
    "max(timestamp) AS newest",
    "min(timestamp) AS oldest",
    "max(value) AS best",
    "min(value) AS worst",
)
_FACTS = (*_EXTREMES, "count(*) AS n", "collect_set(event) AS kinds", "count_if(event IS NULL) AS unnamed")
_TYPES = {"user_id": "string", "item_id": "string", "event": "string", "value": "double", "timestamp": "bigint"}
_BLOCK = "users array<string>, counts binary, items binary, weights binary, first binary"


def read_interactions_on(
    cluster: Cluster, workspace: Workspace, item_ids: Sequence[str], settings: InteractionSettings
) -> Interactions:
    """What `engine.catalogue.interactions.read_interactions` gives, of the shop in use or of the events at `cluster.events`.

    Raises `InteractionsError` if no event counts or a column is missing, `ClusterError` where the workers cannot read the events.
    """
    directory = workspace.current_snapshot()
    info = read_info(directory)
    lowest = settings.min_rating if settings.min_rating is not None else info["min_rating"]
    paths = [cluster.settings.events] if cluster.settings.events else [file.as_uri() for file in event_files(directory)]
    with cluster.told():
        seen = _events(cluster, paths)
        backs = f"count_if({_takes_back(info['value_kind'], lowest)}) AS backs"
        facts = seen.selectExpr(*_FACTS, backs).first().asDict()
        events = seen.repartition(max(cluster.cores, -(-facts["n"] // EVENTS_OF_A_PART)), "user_id")
        if facts["backs"]:
            events = events.mapInArrow(_Netting(info["value_kind"], lowest), events.schema).persist()
            facts |= events.selectExpr(*_EXTREMES).first().asDict()
        pairs = _weighed(cluster, events, facts, item_ids, settings, info["value_kind"], lowest)
        blocks = pairs.mapInArrow(_blocks, _BLOCK).toArrow().to_pylist()
        events.unpersist()
    if not blocks:
        raise InteractionsError("no event counts. Check the events' ids, values and weights.")
    return _assembled(blocks, len(item_ids))


def _events(cluster: Cluster, paths: Sequence[str]) -> DataFrame:
    """The events, in the columns and types of a snapshot."""
    read = cluster.session.read.parquet(*paths)
    missing = [name for name in EVENT_COLUMNS if name not in read.columns]
    if missing:
        raise InteractionsError(
            f"the events at {paths[0]} have no column {missing[0]!r}; they need {', '.join(EVENT_COLUMNS)}"
        )
    return read.selectExpr(*(f"CAST({name} AS {kind}) AS {name}" for name, kind in _TYPES.items()))


def _takes_back(value_kind: str | None, lowest: float | None) -> str:
    """Whether an event takes others back, in SQL."""
    listed = ", ".join(f"'{kind}'" for kind in TAKEN_BACK)
    kinds = f"event IN ({listed})"
    return f"{kinds} OR value < {lowest!r}D" if value_kind == "rating" and lowest is not None else kinds


class _Netting:
    """Nets a partition's events (`engine.catalogue.taken_back`)."""

    def __init__(self, value_kind: str | None, lowest: float | None):
        self._value_kind, self._lowest = value_kind, lowest

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        with tempfile.TemporaryDirectory() as spill, open_duckdb(spill, "500MB", 1) as connection:
            table = pa.Table.from_batches(list(batches), EVENT_SCHEMA)
            connection.register("events", table)
            net_events(connection, self._value_kind, self._lowest)
            left: pa.Table = connection.execute(f"SELECT {', '.join(EVENT_COLUMNS)} FROM net").to_arrow_table()
        yield from left.cast(EVENT_SCHEMA).to_batches()


def _weighed(
    cluster: Cluster,
    net: DataFrame,
    facts: Mapping[str, Any],
    item_ids: Sequence[str],
    settings: InteractionSettings,
    value_kind: str | None,
    lowest: float | None,
) -> DataFrame:
    """user_id, i, weight, first: one row per shopper and product whose weight is above 0, those of a shopper together and in order."""
    spark = cluster.session
    newest, oldest, best, worst = (facts[name] for name in ("newest", "oldest", "best", "worst"))
    tables = {
        "net": net,
        "items": spark.createDataFrame(
            pa.table({"item_id": pa.array(item_ids, pa.string()), "i": pa.array(range(len(item_ids)), pa.int32())})
        ),
        "kinds": spark.createDataFrame(_kinds([*facts["kinds"], *([None] if facts["unnamed"] else [])], settings)),
    }
    decay = "1.0D"
    if settings.half_life_days is not None and newest is not None:
        decay = f"coalesce(pow(2.0D, (timestamp - {newest}) / {settings.half_life_days * 86_400.0!r}D), 1.0D)"
    tables["signals"] = spark.sql(
        f"""SELECT /*+ BROADCAST(kinds), BROADCAST(items) */ user_id, i, k, w, value, timestamp, {decay} AS decay
        FROM {{net}} net JOIN {{items}} items USING (item_id) JOIN {{kinds}} kinds ON kinds.event <=> net.event""",
        **{name: tables[name] for name in ("net", "items", "kinds")},
    )
    counted = _quantities(value_kind)
    if value_kind == "rating" and best is not None:
        counted += f" UNION ALL {_ratings(worst if lowest is None else lowest, best, oldest or 0)}"
    first = "CAST(NULL AS BIGINT)" if oldest is None else f"coalesce(min(first), {oldest})"
    return spark.sql(
        f"""SELECT user_id, i, CAST(sum({_whole("w * decay * log2(1.0D + units)")}) / {_UNIT}.0D AS FLOAT) AS weight, {first} AS first
        FROM ({counted}) WHERE units > 0 AND w > 0 GROUP BY user_id, i""",
        signals=tables["signals"],
    ).sortWithinPartitions("user_id", "i")


def _kinds(found: Sequence[str | None], settings: InteractionSettings) -> pa.Table:
    """event, k, w: the kinds of events that count; events without a kind count 1, the lightest kind above 0 counts 1."""
    weights = InteractionSettings().event_weights | settings.event_weights
    kinds = sorted((kind for kind in found if kind not in TAKEN_BACK), key=str)
    given = [1.0 if kind is None else weights.get(kind, settings.other_event_weight) for kind in kinds]
    lightest = min((weight for weight in given if weight > 0), default=1.0)
    return pa.table(
        {
            "event": pa.array(kinds, pa.string()),
            "k": pa.array(range(len(kinds)), pa.int32()),
            "w": pa.array([weight / lightest for weight in given], pa.float64()),
        }
    )


def _quantities(value_kind: str | None) -> str:
    """Events without a rating, by shopper, product and kind; `units` grow with the logarithm of the quantities."""
    quantity = "greatest(coalesce(value, 1.0D), 0.0D)" if value_kind == "quantity" else "1.0D"
    return f"""
        SELECT user_id, i, k, any_value(w) AS w, sum({_whole("decay")}) / count(*) / {_UNIT}.0D AS decay,
            sum({_whole(f"log2(1.0D + {quantity})")}) / {_UNIT}.0D AS units, min(timestamp) AS first
        FROM {{signals}} {"WHERE value IS NULL" if value_kind == "rating" else ""} GROUP BY user_id, i, k
    """


def _ratings(floor: float, best: float, oldest: int) -> str:
    """Ratings of at least `floor`; the newest of repeated ones counts, and the rating itself decides between equal times."""
    return f"""
        SELECT user_id, i, k, w, last.decay AS decay, CASE WHEN last.value < {floor!r}D THEN 0.0D
            ELSE pow(2.0D, 1.0D + (last.value - {floor!r}D) / {max(best - floor, 1e-9)!r}D) - 1.0D END AS units, first
        FROM (
            SELECT user_id, i, k, any_value(w) AS w, min(timestamp) FILTER (WHERE value >= {floor!r}D) AS first,
                max(named_struct('time', coalesce(timestamp, {oldest}), 'value', value, 'decay', decay)) AS last
            FROM {{signals}} WHERE value IS NOT NULL GROUP BY user_id, i, k
        )
    """


def _whole(expression: str) -> str:
    """SQL for `expression` in whole units, at least one."""
    return f"CAST(greatest(round(({expression}) * {_UNIT}.0D), 1.0D) AS BIGINT)"


def _blocks(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """A partition's pairs as one row of arrays; none where it has no pairs."""
    held = list(batches)
    if not sum(len(batch) for batch in held):
        return
    rows = pa.Table.from_batches(held).combine_chunks()
    shoppers = rows["user_id"].chunk(0).dictionary_encode()
    counts = np.bincount(shoppers.indices.to_numpy(zero_copy_only=False), minlength=len(shoppers.dictionary))
    arrays = {
        "counts": counts.astype(np.int64),
        "items": rows["i"].to_numpy().astype(np.int32),
        "weights": rows["weight"].to_numpy().astype(np.float32),
        "first": rows["first"].to_numpy().astype(np.int64) if not rows["first"].null_count else np.zeros(0, np.int64),
    }
    columns: dict[str, Any] = {name: pa.array([array.tobytes()], pa.binary()) for name, array in arrays.items()}
    yield pa.RecordBatch.from_pydict(
        {"users": pa.array([shoppers.dictionary.to_pylist()], pa.list_(pa.string())), **columns}
    )


def _assembled(blocks: Sequence[Mapping[str, Any]], n_items: int) -> Interactions:
    """One matrix of all partitions' pairs, its shoppers in the order of their ids."""
    users: np.ndarray = np.array([user for block in blocks for user in block["users"]], dtype=object)
    counts, items, weights, first = (
        np.concatenate([np.frombuffer(block[name], kind) for block in blocks])
        for name, kind in (("counts", np.int64), ("items", np.int32), ("weights", np.float32), ("first", np.int64))
    )
    order = np.argsort(users, kind="stable")
    before = np.cumsum(counts) - counts
    starts = np.cumsum([0, *counts[order]])
    # Where each pair of the ordered matrix lies in the blocks.
    places = np.repeat(before[order] - starts[:-1], counts[order]) + np.arange(len(items))
    index_type = np.int32 if len(items) < 2**31 else np.int64
    indices: Any = items[places].astype(index_type)
    matrix: csr_matrix = csr_matrix((weights[places], indices, starts.astype(index_type)), shape=(len(users), n_items))
    matrix.has_canonical_format = True
    return Interactions(matrix, users[order], first[places] if len(first) == len(items) else None)
