"""Messy events from gzipped CSV against clean Parquet of the same events: time and peak memory of loading them.

The messy file has money as people write it, times with offsets, the words of Google Analytics, placeholders for shoppers,
shoppers who are only visitors, quantities with signs and refunds. Both files are loaded in one run, one after the other.
"""

from __future__ import annotations

import argparse
import gzip
import json
import shutil
import tempfile
from pathlib import Path

import duckdb

from benchmarks.moving_in import Figures
from benchmarks.support import Child, engine, run_child
from engine.core.workspace import Workspace

__all__ = ["measure"]

N_ITEMS = 100_000
N_SHOPPERS = 500_000
RATIO = 1.5
PEAK_GB = 1.5
# Share of events; what GA4 calls them; what they are.
_KINDS = (
    (0.55, "view_item", "view"),
    (0.15, "view_item_list", "list_view"),
    (0.16, "add_to_cart", "cart"),
    (0.03, "remove_from_cart", "remove_from_cart"),
    (0.10, "purchase", "purchase"),
    (0.01, "refund", "refund"),
)
_NOBODY = ("(not set)", "NA", "undefined", "")
_MESSY = f"""
    CASE WHEN nobody THEN [{", ".join(f"'{word}'" for word in _NOBODY)}][1 + user % {len(_NOBODY)}] WHEN NOT visitor THEN shopper ELSE '' END AS user_id,
    CASE WHEN visitor AND NOT nobody THEN shopper ELSE '' END AS user_pseudo_id, item AS item_id, word AS event_name,
    replace(replace(replace(format('{{:,.2f}}', price), ',', '_'), '.', ','), '_', '.') || ' €' AS price, quantity,
    strftime(make_timestamp((seconds + 7200) * 1000000), '%Y-%m-%d %H:%M:%S') || ' +0200' AS event_time, 'web' AS platform
"""
_CLEAN = "CASE WHEN nobody THEN NULL ELSE shopper END AS user_id, item AS item_id, kind AS event, price, quantity, seconds AS timestamp"


def measure(arguments: argparse.Namespace) -> Figures:
    """Load `arguments.rows` events twice: as a shop has them, and clean."""
    with tempfile.TemporaryDirectory(prefix="longtail-events-") as directory:
        folder = Path(directory)
        _write(folder, arguments.rows)
        clean = _load(folder, "clean.parquet")
        messy = _load(folder, "messy.csv.gz")
        same = _events(folder, "clean.parquet") == _events(folder, "messy.csv.gz")
    what = {
        "what": f"{arguments.rows:,} events, clean Parquet {clean.seconds:.1f} s, messy gzipped CSV {messy.seconds:.1f} s"
    }
    return {
        "messy_events_times_a_clean_load": (round(messy.seconds / clean.seconds, 2), f"<= {RATIO}", what),
        "messy_events_peak_gb": (round(messy.peak_bytes / 1e9, 2), f"<= {PEAK_GB}", what),
        "clean_events_peak_gb": (round(clean.peak_bytes / 1e9, 2), f"<= {PEAK_GB}", what),
        "messy_events_are_the_clean_ones": (int(same), "= 1", what),
    }


def _write(folder: Path, rows: int) -> None:
    """clean.parquet and messy.csv.gz: a year of events; popularity falls off as a power."""
    bounds, total = [], 0.0
    for share, _, _ in _KINDS:
        total += share
        bounds.append(total)
    words, kinds = ([kind[place] for kind in _KINDS] for place in (1, 2))
    step = "1 + " + " + ".join(f"(drawn > {bound})::INTEGER" for bound in bounds[:-1])
    with duckdb.connect(config={"threads": 2, "memory_limit": "2GB", "temp_directory": str(folder)}) as connection:
        connection.execute("SET TimeZone = 'UTC'; SET enable_progress_bar = false; SELECT setseed(0.5)")
        connection.execute(f"""
            COPY (
                SELECT *, format('u{{:09d}}', user) AS shopper, format('SKU-{{:07d}}', number) AS item,
                    {words}[{step}] AS word, {kinds}[{step}] AS kind, 1 + (number * 7919 % 200000) / 100.0 AS price
                FROM (
                    SELECT floor(pow(random(), 1.5) * {N_SHOPPERS})::BIGINT AS user, random() < 0.02 AS nobody,
                        random() < 0.2 AS visitor, floor(pow(random(), 3.0) * {N_ITEMS})::BIGINT AS number, random() AS drawn,
                        1 + floor(pow(random(), 8) * 20)::BIGINT AS quantity,
                        1700000000 + floor(random() * 31536000)::BIGINT AS seconds
                    FROM range({rows})
                )
            ) TO '{folder}/drawn.parquet'
        """)
        connection.execute(f"COPY (SELECT {_CLEAN} FROM '{folder}/drawn.parquet') TO '{folder}/clean.parquet'")
        connection.execute(f"COPY (SELECT {_MESSY} FROM '{folder}/drawn.parquet') TO '{folder}/messy.csv'")
    with (
        (folder / "messy.csv").open("rb") as plain,
        gzip.open(folder / "messy.csv.gz", "wb", compresslevel=1) as packed,
    ):
        shutil.copyfileobj(plain, packed, 1 << 20)
    for name in ("drawn.parquet", "messy.csv"):
        (folder / name).unlink()


def _load(folder: Path, name: str) -> Child:
    return run_child(engine(folder / f"shop-{name}", "ingest", "--interactions", folder / name))


def _events(folder: Path, name: str) -> tuple[int, ...]:
    """Events by kind, those without a time, shoppers, and all prices in cents."""
    snapshot = Workspace(folder / f"shop-{name}").current_snapshot()
    info = json.loads((snapshot / "shop.json").read_text("utf-8"))
    with duckdb.connect() as connection:
        kinds = connection.execute(
            f"SELECT event, count(*), sum(timestamp), sum(value)::BIGINT FROM '{snapshot}/interactions.parquet' GROUP BY 1 ORDER BY 1"
        ).fetchall()
        prices = connection.execute(
            f"SELECT round(sum(price) * 100)::BIGINT FROM '{snapshot}/items.parquet'"
        ).fetchall()
    return (*kinds, info["n_users"], *prices)
