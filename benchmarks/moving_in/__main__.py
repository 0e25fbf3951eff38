"""A real shop moves in: every figure of it; written to results/moving_in.json.

    python -m benchmarks.moving_in [--only cases numbers_and_times] [--rows 10000000] [--dry]

Each part is a module of this package with `measure(arguments)`, whose docstring says what it measures.
"""

from __future__ import annotations

import argparse
import time
from importlib import import_module
from pathlib import Path
from typing import Any

from benchmarks.support import merge_results

# Modules of this package that only hold what parts share.
SHARED = {"__init__", "__main__", "case_files"}
PARTS = sorted(path.stem for path in Path(__file__).parent.glob("*.py") if path.stem not in SHARED)
ROWS = 10_000_000


def main() -> None:
    """Measure what was asked for, one part after the other, and write each down as it is known."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS, metavar="NAME")
    parser.add_argument("--rows", type=int, default=ROWS, help="events in the parts that measure size and time")
    parser.add_argument("--dry", action="store_true", help="print, and leave the results as they are")
    arguments = parser.parse_args()
    changed = f" --rows {arguments.rows}" if arguments.rows != ROWS else ""
    for name in arguments.only:
        part = import_module(f"benchmarks.moving_in.{name}")
        print(f"{name}: {(part.__doc__ or '').splitlines()[0]}", flush=True)
        began = time.monotonic()
        command = f"python -m benchmarks.moving_in --only {name}{changed}"
        entries = {figure: _entry(command, *values) for figure, values in part.measure(arguments).items()}
        for figure, entry in entries.items():
            print(f"{figure:52} {entry['value']!s:>10}   wanted {entry['target']}", flush=True)
        print(f"{name} took {time.monotonic() - began:.0f} s", flush=True)
        if not arguments.dry:
            merge_results("moving_in", entries)


def _entry(command: str, value: float, target: str, details: dict[str, Any] | None = None) -> dict[str, Any]:
    return {"value": value, "target": target, "command": command, **(details or {})}


if __name__ == "__main__":
    main()
