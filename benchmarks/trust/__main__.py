"""Trust: every figure of it; written to results/trust.json.

    python -m benchmarks.trust [--only roles attackers] [--minutes 30] [--kills 200] [--artefacts 10000] [--dry]

Each part is a module of this package with `measure(arguments)`, whose docstring says what it measures. Without the options
every part takes as long as its figure asks for; with smaller ones they show quickly that they work.
"""

from __future__ import annotations

import argparse
import time
from importlib import import_module
from pathlib import Path
from typing import Any

from benchmarks.support import merge_results

# Parts are the modules that define `measure`; the others hold what parts share.
FOLDER = Path(__file__).parent
PARTS = sorted(path.stem for path in FOLDER.glob("*.py") if "\ndef measure(" in path.read_text("utf-8"))
OPTIONS = {"minutes": float, "kills": int, "artefacts": int, "replicas": int, "payloads": int}


def main() -> None:
    """Measure what was asked for, one part after the other, and write each down as it is known."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS, metavar="NAME")
    for name, kind in OPTIONS.items():
        parser.add_argument(f"--{name}", type=kind, help="of the parts that know it; as its figure asks unless given")
    parser.add_argument("--dry", action="store_true", help="print, and leave the results as they are")
    arguments = parser.parse_args()
    given = {name: getattr(arguments, name) for name in OPTIONS if getattr(arguments, name) is not None}
    changed = "".join(f" --{name} {value:g}" for name, value in given.items())
    for name in arguments.only:
        part = import_module(f"benchmarks.trust.{name}")
        print(f"{name}: {(part.__doc__ or '').splitlines()[0]}", flush=True)
        began = time.monotonic()
        command = f"python -m benchmarks.trust --only {name}{changed}"
        entries = {figure: _entry(command, *values) for figure, values in part.measure(arguments).items()}
        for figure, entry in entries.items():
            print(f"{figure:52} {entry['value']!s:>10}   wanted {entry['target']}", flush=True)
        print(f"{name} took {time.monotonic() - began:.0f} s", flush=True)
        if not arguments.dry:
            merge_results("trust", entries)


def _entry(command: str, value: float, target: str, details: dict[str, Any] | None = None) -> dict[str, Any]:
    return {"value": value, "target": target, "command": command, **(details or {})}


if __name__ == "__main__":
    main()
