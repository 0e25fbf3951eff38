"""Screens: every figure of them; written to results/screens.json.

    python -m benchmarks.screens [--only PART ...] [--folder FOLDER] [--products 10000 100000] [--dry]

Each part is a module of this package with `measure(arguments)`, whose docstring says what it measures: it returns figure ->
(value, target) or (value, target, details). Shops are made by `benchmarks.made_release`, in FOLDER, where they stay for the next run.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from importlib import import_module
from pathlib import Path
from typing import Any

from benchmarks.support import merge_results

# Parts are the modules that define `measure`; the others hold what parts share.
FOLDER = Path(__file__).parent
PARTS = sorted(path.stem for path in FOLDER.glob("*.py") if "\ndef measure(" in path.read_text("utf-8"))


def main() -> None:
    """Measure what was asked for, one part after the other, and write each down as it is known."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS, metavar="PART")
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "longtail-screens")
    parser.add_argument("--products", nargs="+", type=int, default=[10_000, 100_000])
    parser.add_argument("--dry", action="store_true", help="print, and leave the results as they are")
    arguments = parser.parse_args()
    for name in arguments.only:
        part = import_module(f"benchmarks.screens.{name}")
        print(f"{name}: {(part.__doc__ or '').splitlines()[0]}", flush=True)
        began = time.monotonic()
        command = f"python -m benchmarks.screens --only {name}"
        entries = {figure: _entry(command, *values) for figure, values in part.measure(arguments).items()}
        for figure, entry in entries.items():
            print(f"{figure:52} {entry['value']!s:>10}   wanted {entry['target']}", flush=True)
        print(f"{name} took {time.monotonic() - began:.0f} s", flush=True)
        if not arguments.dry:
            merge_results("screens", entries)


def _entry(command: str, value: float, target: str, details: dict[str, Any] | None = None) -> dict[str, Any]:
    return {"value": value, "target": target, "command": command, **(details or {})}


if __name__ == "__main__":
    main()
