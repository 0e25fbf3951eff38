"""The house in figures: how the code reads, how it hangs together, and how many files a change touches.

    python -m benchmarks.house                            # the code's measures, in seconds
    python -m benchmarks.house --changes [NAME ...]       # files to touch for a change, counted on a commit each
    python -m benchmarks.house --timings                  # `make check` and `make test` on the clock; idle cores, please
    python -m benchmarks.house --export FOLDER [--checkout REPOSITORY]
    python -m benchmarks.house --neighbours BEFORE AFTER  # two folders that --export wrote

Measured are engine/, ui/, pages/ and app.py. Written to results/house.json.
"""

from __future__ import annotations

import argparse
import ast
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.house_neighbours import compare, export
from benchmarks.house_touched import CHANGES, files_touched
from benchmarks.support import ROOT, merge_results, run_child
from tests.support.code_graph import circles, import_graph, modules, tree, upward_imports

COMMAND = "python -m benchmarks.house"
SIGNS = {"<=": int.__le__, "==": int.__eq__}


def main() -> None:
    """Measure what was asked for, print it and write it down."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--changes", nargs="*", metavar="NAME")
    parser.add_argument("--timings", action="store_true")
    parser.add_argument("--export", type=Path, metavar="FOLDER")
    parser.add_argument("--checkout", type=Path, default=ROOT, metavar="REPOSITORY")
    parser.add_argument("--neighbours", type=Path, nargs=2, metavar=("BEFORE", "AFTER"))
    arguments = parser.parse_args()
    if unknown := set(arguments.changes or []) - set(CHANGES):
        parser.error(f"no such change: {', '.join(sorted(unknown))}. There are: {', '.join(CHANGES)}.")
    if arguments.export:
        export(arguments.checkout, arguments.export)
    elif arguments.neighbours:
        report(compare(*arguments.neighbours))
    elif arguments.changes is not None:
        report(files_touched(arguments.changes or list(CHANGES)))
    elif arguments.timings:
        report(timings())
    else:
        report(measures())


def report(figures: dict[str, dict[str, Any]]) -> None:
    """Print figures and write them beside those that were measured before."""
    for name, facts in figures.items():
        print(f"{name:45} {facts['value']!s:>8}   target {facts['target']:8} {facts.get('where', '')}", flush=True)
    print(f"written to {merge_results('house', figures)}")


def measures() -> dict[str, dict[str, Any]]:
    """Lengths, complexity, circles and upward imports of the code as it stands."""
    found = sorted(functions(), key=lambda one: one[1])
    whole = sorted(with_docstring for _, _, with_docstring in found)
    longest, complex_, module = found[-1], most_complex(), max(module_lengths())
    return {
        "functions": figure(len(found), "-"),
        "function_lines_p90": figure(percentile_90([lines for _, lines, _ in found]), "<= 20"),
        "function_lines_longest": figure(longest[1], "<= 60", where=longest[0]),
        "function_lines_p90_with_docstring": figure(percentile_90(whole), "-"),
        "function_lines_longest_with_docstring": figure(whole[-1], "-"),
        "complexity_highest": figure(complex_[0], "<= 15", where=complex_[1]),
        "module_lines_longest": figure(module[0], "<= 350", where=module[1]),
        "circles": figure(len(circles(import_graph())), "== 0"),
        "upward_imports": figure(len(upward_imports()), "== 0"),
        "structure_cases": figure(structure_cases(), "<= 20"),
    }


def figure(value: int, target: str, flag: str = "", **details: Any) -> dict[str, Any]:
    """One entry of the results file; `details` stand beside the figure."""
    met = {} if target == "-" else {"met": SIGNS[target.split()[0]](value, int(target.split()[1]))}
    return {"value": value, "target": target, **met, "command": f"{COMMAND} {flag}".strip(), **details}


def functions() -> Iterator[tuple[str, int, int]]:
    """Every function: its name, its lines from `def` to the end without the docstring, and with it."""
    for name in modules():
        for node in ast.walk(tree(name)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or 0) - node.lineno + 1
                first = node.body[0]
                docstring = (first.end_lineno or 0) - first.lineno + 1 if ast.get_docstring(node) is not None else 0
                yield f"{name}.{node.name}", lines - docstring, lines


def percentile_90(sorted_values: list[int]) -> int:
    """The smallest value that nine tenths of them do not exceed."""
    return sorted_values[-(-9 * len(sorted_values) // 10) - 1]


def most_complex() -> tuple[int, str]:
    """The highest cyclomatic complexity of any function, as ruff counts it (McCabe 1976), and whose it is."""
    command = [sys.executable, "-m", "ruff", "check", "--isolated", "--no-cache", "--select", "C901", "--output-format",
               "json", "--config", "lint.mccabe.max-complexity=0", "engine", "ui", "pages", "app.py"]  # fmt: skip
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    found = json.loads(done.stdout)
    # `name` is too complex (5 > 0)
    return max((int(one["message"].split("(")[1].split()[0]), one["message"].split("`")[1]) for one in found)


def module_lengths() -> Iterator[tuple[int, str]]:
    return ((len(file.read_text("utf-8").splitlines()), name) for name, file in modules().items())


def structure_cases() -> int:
    """How many cases tests/test_structure.py has."""
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "tests/test_structure.py"]
    return sum("::" in line for line in run_child(command).output.splitlines())


def timings() -> dict[str, dict[str, Any]]:
    """Seconds of `make check` and `make test`."""
    targets = {"check": "<= 60", "test": "<= 480"}
    return {
        f"make_{name}_seconds": figure(_seconds(["make", name]), target, "--timings")
        for name, target in targets.items()
    }


def _seconds(command: list[str]) -> int:
    """Of a command that must succeed; nothing watches it meanwhile, which would take time from it."""
    began = time.monotonic()
    subprocess.run(command, cwd=ROOT, check=True)
    return round(time.monotonic() - began)


if __name__ == "__main__":
    main()
