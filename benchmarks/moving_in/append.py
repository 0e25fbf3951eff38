"""A day's 100,000 events appended to a shop of ten million: seconds and peak memory of the whole command, and whether they count once."""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path

import duckdb

from benchmarks.moving_in import Figures
from benchmarks.support import engine, run_child
from engine.core.workspace import Workspace

__all__ = ["measure"]

ARRIVED = 100_000
PRODUCTS = 50_000
# The new events are of the day after the shop's year; every tenth was in the shop's last file already.
YEAR = 31_536_000
BEGAN = 1_700_000_000


def measure(arguments: argparse.Namespace) -> Figures:
    """Load `arguments.rows` events, then append a day's twice."""
    with tempfile.TemporaryDirectory(prefix="longtail-append-") as folder:
        root, files = Path(folder) / "workspace", Path(folder)
        _write_files(files, arguments.rows)
        items, events = str(files / "items.parquet"), str(files / "events.parquet")
        run_child(engine(root, "ingest", "--items", items, "--interactions", events))
        before = _n_events(root)
        command = engine(root, "ingest", "--append", "--interactions", str(files / "day.csv.gz"))
        first = run_child(command)
        once = _n_events(root)
        again = run_child(command)
        details = {"rows": before, "appended": once - before, "seconds_of_the_second_time": round(again.seconds, 1)}
        return {
            "append_seconds": (round(first.seconds, 1), "<= 10", details),
            "append_peak_gb": (round(first.peak_bytes / 1e9, 2), "<= 1.5"),
            "appended_twice_extra_events": (_n_events(root) - before - ARRIVED * 9 // 10, "= 0"),
        }


def _n_events(root: Path) -> int:
    info = json.loads((Workspace(root).current_snapshot() / "shop.json").read_text("utf-8"))
    return int(info["n_events"])


def _write_files(folder: Path, rows: int) -> None:
    """items.parquet, events.parquet and day.csv.gz; all events differ."""
    columns = "'u' || hash(i) % {shoppers} AS user_id, 'p' || hash(i * 7) % {products} AS item_id, CASE WHEN hash(i * 3) % 10 = 0"
    columns += " THEN 'purchase' ELSE 'view' END AS event, {begin} + (i * {step})::BIGINT AS timestamp"
    shop = columns.format(shoppers=max(rows // 20, 1), products=PRODUCTS, begin=BEGAN, step=YEAR / rows)
    day = columns.format(shoppers=max(rows // 20, 1), products=PRODUCTS, begin=BEGAN + YEAR, step=86_400 / ARRIVED)
    with duckdb.connect(config={"threads": 2, "memory_limit": "1500MB"}) as connection:
        connection.execute(
            f"COPY (SELECT 'p' || i AS item_id, 'Product ' || i AS title FROM range({PRODUCTS}) t(i))"
            f" TO '{folder}/items.parquet'"
        )
        connection.execute(f"COPY (SELECT {shop} FROM range({rows}) t(i)) TO '{folder}/events.parquet'")
        connection.execute(
            f"COPY (SELECT {day} FROM range({ARRIVED * 9 // 10}) t(i)"
            f" UNION ALL SELECT {shop} FROM range({rows} - {ARRIVED // 10}, {rows}) t(i)) TO '{folder}/day.csv.gz'"
        )
