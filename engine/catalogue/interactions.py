"""Events become one weight per shopper-item pair: a canonical CSR matrix, aggregated block by block beside disk.

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
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from scipy.sparse import csr_matrix

from engine.catalogue.coded_events import NO_TIME, code_events
from engine.catalogue.event_facts import distinct_texts, extremes
from engine.catalogue.pair_weights import PairWeights, Weighing, weigh_pairs
from engine.catalogue.room import require_room
from engine.catalogue.snapshot import event_files, read_info, undamaged
from engine.catalogue.taken_back import TAKEN_BACK, may_take_back, net_events
from engine.core.errors import InteractionsError
from engine.core.settings import InteractionSettings
from engine.core.workspace import Workspace

if TYPE_CHECKING:
    import duckdb

__all__ = ["Interactions", "open_duckdb", "read_interactions"]

MEMORY_LIMIT = "1500MB"
THREADS = 2


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

    Raises `InteractionsError` if no event counts, `NoDataError` if no shop is loaded, `StorageError` or `TrainingError` before
    anything is read where the disk or the memory is too small.
    """
    directory = workspace.current_snapshot()
    info = read_info(directory)
    lowest = settings.min_rating if settings.min_rating is not None else info["min_rating"]
    files = event_files(directory)
    with undamaged(directory, *files), tempfile.TemporaryDirectory() as spill:
        folder = Path(spill)
        require_room(files, folder)
        found = _found_kinds(files)
        if may_take_back(found, info["value_kind"], lowest):
            files = _net(files, info["value_kind"], lowest, folder)
        kinds = _kinds(found, settings)
        weighing = _weighing(files, settings, list(kinds.values()), info["value_kind"], lowest)
        with ThreadPoolExecutor(THREADS) as pool:
            valued = info["value_kind"] is not None
            events = code_events(files, item_ids, list(kinds), folder, pool, valued=valued)

            def weigh(position: int) -> PairWeights:
                return weigh_pairs(events.block(position), events.keys, weighing)

            pairs = list(pool.map(weigh, range(events.n_blocks)))
    if not any(len(some.users) for some in pairs):
        rated = (
            f" has a rating of at least {lowest:g} and" if info["value_kind"] == "rating" and lowest is not None else ""
        )
        raise InteractionsError(f"no event{rated} counts. Check the events' ids, values and weights.")
    return _assembled(pairs, events.user_ids, len(item_ids), weighing.oldest)


def open_duckdb(spill: str, memory_limit: str = MEMORY_LIMIT, threads: int = THREADS) -> duckdb.DuckDBPyConnection:
    """An in-memory DuckDB that spills into the directory `spill` beyond `memory_limit`; it installs and prints nothing."""
    import duckdb

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


def _found_kinds(files: Sequence[Path]) -> set[str | None]:
    """The kinds of event that there are; None are events without a kind."""
    events = distinct_texts(files, "event")
    return {*events.texts.to_pylist(), *([None] if events.n_null else [])}


def _net(files: list[Path], value_kind: str | None, lowest: float | None, folder: Path) -> list[Path]:
    """The files of the events that still count: those given where nothing was taken back, else a new one in `folder`."""
    with open_duckdb(str(folder)) as connection:
        connection.from_parquet([str(file) for file in files]).create_view("events")
        if not net_events(connection, value_kind, lowest):
            return files
        net = folder / "net.parquet"
        connection.execute(f"COPY (FROM net) TO '{net}' (FORMAT parquet, COMPRESSION lz4)")
    return [net]


def _kinds(found: set[str | None], settings: InteractionSettings) -> dict[str | None, float]:
    """The kinds that count, with their weights, the lightest 1; None are events without a kind."""
    weights = InteractionSettings().event_weights | settings.event_weights
    counted = {
        kind: 1.0 if kind is None else weights.get(kind, settings.other_event_weight)
        for kind in sorted(found, key=lambda kind: (kind is None, kind))
        if kind not in TAKEN_BACK
    }
    above = {kind: weight for kind, weight in counted.items() if weight > 0}
    return {kind: weight / min(above.values()) for kind, weight in above.items()}


def _weighing(
    files: Sequence[Path],
    settings: InteractionSettings,
    kind_weights: Sequence[float],
    value_kind: str | None,
    lowest: float | None,
) -> Weighing:
    """What the events that still count say of weights."""
    oldest, newest = extremes(files, "timestamp")
    worst, best = extremes(files, "value") if value_kind == "rating" else (None, None)
    return Weighing(
        kind_weights=np.asarray(kind_weights, dtype=np.float64),
        value_kind=value_kind,
        floor=(worst or 0.0) if lowest is None else lowest,
        best=best or 0.0,
        newest=newest,
        oldest=oldest,
        half_life=None if settings.half_life_days is None else settings.half_life_days * 86_400.0,
    )


def _assembled(pairs: list[PairWeights], users: pa.Array, n_items: int, oldest: int | None) -> Interactions:
    """One matrix of the blocks' pairs, its shoppers in the order of their ids; shoppers without a pair are dropped."""
    per_user = np.zeros(len(users), np.int64)
    for some in pairs:
        per_user[some.users] = some.counts
    order = pc.sort_indices(users).to_numpy(zero_copy_only=False)
    order = order[per_user[order] > 0]
    indptr = np.concatenate([[0], np.cumsum(per_user[order])])
    starts = np.zeros(len(users), np.int64)
    starts[order] = indptr[:-1]
    nnz = int(indptr[-1])
    index_type = np.int32 if nnz < 2**31 else np.int64
    weights: np.ndarray = np.empty(nnz, dtype=np.float32)
    indices: np.ndarray = np.empty(nnz, dtype=index_type)
    first = None if oldest is None else np.empty(nnz, np.int64)
    while pairs:
        some = pairs.pop()
        # Those of one shopper lie together; each goes as far behind the shopper's start as it is behind the first of them.
        before = np.cumsum(some.counts) - some.counts
        places = np.repeat(starts[some.users] - before, some.counts) + np.arange(len(some.items))
        indices[places], weights[places] = some.items, some.weights
        if first is not None and oldest is not None:
            first[places] = np.where(some.first == NO_TIME, oldest, some.first)
    matrix = csr_matrix((weights, indices, indptr.astype(index_type)), shape=(len(order), n_items))
    matrix.has_canonical_format = True
    names = np.asarray(users.take(pa.array(order)).to_numpy(zero_copy_only=False), dtype=object)
    return Interactions(user_items=matrix, user_ids=names, first_timestamps=first)
