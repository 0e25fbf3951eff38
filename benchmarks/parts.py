"""Benchmarks of several parts: each part is a module of a package, with `measure(arguments)`, and is measured by itself.

`measure` returns figure -> (value, target) or (value, target, details); its module's docstring says what it measures.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from benchmarks.support import ROOT, merge_results

__all__ = ["Measured", "add_shop_options", "measure_parts"]

Measured = tuple[float, str] | tuple[float, str, Mapping[str, Any]]
"""A value, what was asked of it ("-" where nothing was), and what else there is to say."""
OURS = ("only", "dry", "folder", "pictures")
"""Options that change no figure: a figure's command names the others, where they were given."""


def measure_parts(name: str, description: str | None, add_options: Callable[[argparse.ArgumentParser], object]) -> None:
    """Measure the parts of the package benchmarks.NAME that the command line asks for, one after the other, into results/NAME.json.

    Parameters
    ----------
    add_options : adds the package's own options; none may be required.
    """
    parts = _parts(name)
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=parts, default=parts, metavar="PART", help=", ".join(parts))
    parser.add_argument("--dry", action="store_true", help="print, and leave the results as they are")
    add_options(parser)
    arguments = parser.parse_args()
    for one in arguments.only:
        part = import_module(f"benchmarks.{name}.{one}")
        print(f"{one}: {(part.__doc__ or '').splitlines()[0]}", flush=True)
        began = time.monotonic()
        command = f"python -m benchmarks.{name} --only {one}{_given(parser, arguments)}"
        entries = {figure: _entry(command, *values) for figure, values in part.measure(arguments).items()}
        for figure, entry in entries.items():
            print(f"{figure:52} {entry['value']!s:>10}   wanted {entry['target']}", flush=True)
        print(f"{one} took {time.monotonic() - began:.0f} s", flush=True)
        if not arguments.dry:
            merge_results(name, entries)


def add_shop_options(parser: argparse.ArgumentParser, name: str, products: Sequence[int]) -> None:
    """--folder, where made shops stay for the next run, and --products, the sizes of those that are measured."""
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / f"longtail-{name}")
    parser.add_argument("--products", nargs="+", type=int, default=list(products))


def _parts(name: str) -> list[str]:
    """The modules of the package that define `measure`; the others hold what parts share."""
    folder = ROOT / "benchmarks" / name
    return sorted(path.stem for path in folder.glob("*.py") if "\ndef measure(" in path.read_text("utf-8"))


def _given(parser: argparse.ArgumentParser, arguments: argparse.Namespace) -> str:
    """The options that differ from their defaults, as they are typed."""
    given = {
        key: value for key, value in vars(arguments).items() if key not in OURS and value != parser.get_default(key)
    }
    return "".join(f" --{key.replace('_', '-')}{_typed(value)}" for key, value in given.items())


def _typed(value: Any) -> str:
    """What stands behind an option: nothing where it only says yes."""
    if value is True:
        return ""
    if isinstance(value, list):
        return "".join(_typed(one) for one in value)
    return f" {value:g}" if isinstance(value, float) else f" {value}"


def _entry(command: str, value: float, target: str, details: Mapping[str, Any] | None = None) -> dict[str, Any]:
    return {"value": value, "target": target, "command": command, **(details or {})}
