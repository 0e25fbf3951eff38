"""Benchmarks of several parts: each part is a module of a package, with `measure(arguments)`, and is measured by itself.

`measure` returns figure -> (value, target) or (value, target, details); its module's docstring says what it measures.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from benchmarks.support import ROOT, merge_results

__all__ = ["Measured", "measure_parts"]

Measured = tuple[float, str] | tuple[float, str, Mapping[str, Any]]
"""A value, what was asked of it ("" where nothing was), and what else there is to say."""


def measure_parts(name: str, description: str | None, products: Sequence[int]) -> None:
    """Measure the parts of the package benchmarks.NAME that the command line asks for, one after the other, into results/NAME.json.

    Parameters
    ----------
    products : the sizes of shops that are measured unless others are asked for.
    """
    parts = _parts(name)
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=parts, default=parts, metavar="PART", help=", ".join(parts))
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / f"longtail-{name}")
    parser.add_argument("--products", nargs="+", type=int, default=list(products))
    parser.add_argument("--rounds", type=int, default=3, help="of figures that are medians")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--dry", action="store_true", help="print, and leave the results as they are")
    arguments = parser.parse_args()
    for one in arguments.only:
        part = import_module(f"benchmarks.{name}.{one}")
        print(f"{one}: {(part.__doc__ or '').splitlines()[0]}", flush=True)
        began = time.monotonic()
        command = f"python -m benchmarks.{name} --only {one}"
        entries = {figure: _entry(command, *values) for figure, values in part.measure(arguments).items()}
        for figure, entry in entries.items():
            print(f"{figure:52} {entry['value']!s:>10}   wanted {entry['target']}", flush=True)
        print(f"{one} took {time.monotonic() - began:.0f} s", flush=True)
        if not arguments.dry:
            merge_results(name, entries)


def _parts(name: str) -> list[str]:
    """The modules of the package that define `measure`; the others hold what parts share."""
    folder = ROOT / "benchmarks" / name
    return sorted(path.stem for path in folder.glob("*.py") if "\ndef measure(" in path.read_text("utf-8"))


def _entry(command: str, value: float, target: str, details: Mapping[str, Any] | None = None) -> dict[str, Any]:
    return {"value": value, "target": target, "command": command, **(details or {})}
