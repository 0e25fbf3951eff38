"""Ten million events: time and peak memory of loading them and of aggregating them to one weight a pair.

    python -m benchmarks.ingest [--rows 10000000]

Writes results/ingest.json; the target is 4 GB for either step.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

import duckdb

from benchmarks.support import Child, engine, merge_results, run_child

MEMORY_TARGET = "at most 4 GiB"
N_ITEMS = 100_000
N_SHOPPERS = 500_000
AGGREGATE = """
import sys
from pathlib import Path
from engine.core.settings import InteractionSettings
from engine.catalogue.snapshot import read_shop
from engine.catalogue.interactions import read_interactions
from engine.core.workspace import Workspace
workspace = Workspace(Path(sys.argv[1]))
found = read_interactions(workspace, read_shop(workspace).items["item_id"].tolist(), InteractionSettings())
print(found.user_items.nnz)
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000_000)
    rows = parser.parse_args().rows
    figures: dict[str, dict[str, object]] = {}
    with tempfile.TemporaryDirectory() as directory:
        events, workspace = Path(directory, "events.csv"), Path(directory, "workspace")
        write_events(events, rows)
        size = events.stat().st_size / 1e6
        loaded = run_child(engine(workspace, "ingest", "--interactions", events))
        record(figures, "ingest", f"{rows:,} events, {size:.0f} MB of CSV", loaded)
        events.unlink()
        aggregated = run_child([sys.executable, "-c", AGGREGATE, workspace])
        record(figures, "aggregate", f"{rows:,} events to {int(aggregated.output.split()[-1]):,} pairs", aggregated)
    print(f"written to {merge_results('ingest', figures)}")


def write_events(path: Path, rows: int) -> None:
    """Views, carts and purchases over a year; popularity falls off as a power, ids are strings of 12 characters."""
    with duckdb.connect(config={"threads": 2, "memory_limit": "2GB", "temp_directory": str(path.parent)}) as connection:
        connection.execute("SELECT setseed(0.5)")
        connection.execute(f"""
            COPY (
                SELECT format('u{{:011d}}', floor(pow(random(), 1.5) * {N_SHOPPERS})::BIGINT) AS user_id,
                    format('p{{:011d}}', floor(pow(random(), 3.0) * {N_ITEMS})::BIGINT) AS item_id,
                    ['view', 'view', 'view', 'cart', 'purchase'][1 + floor(random() * 5)::BIGINT] AS event,
                    1 + floor(pow(random(), 8) * 20)::BIGINT AS quantity,
                    1700000000 + floor(random() * 31536000)::BIGINT AS timestamp
                FROM range({rows})
            ) TO '{path}'
        """)


def record(figures: dict[str, dict[str, object]], name: str, what: str, child: Child) -> None:
    command = "python -m benchmarks.ingest"
    figures[f"{name}: seconds"] = {"value": round(child.seconds, 1), "target": None, "command": command, "what": what}
    figures[f"{name}: peak GiB"] = {
        "value": round(child.peak_gib, 2),
        "target": MEMORY_TARGET,
        "command": command,
        "what": what,
    }
    print(f"{name}: {what}: {child.seconds:.1f} s, {child.peak_gib:.2f} GiB", flush=True)


if __name__ == "__main__":
    main()
