"""Benchmarks are run by hand, so a name that has moved would go unnoticed until then."""

from __future__ import annotations

import ast
import importlib
import importlib.util
from collections.abc import Iterator
from pathlib import Path

import benchmarks

FOLDER = Path(benchmarks.__file__).parent
# The proofs of house_changes/ run where their patch is applied, peers in an environment of their own.
FILES = [file for file in sorted(FOLDER.glob("*.py")) if file.name != "__init__.py"]
IN_AN_ENVIRONMENT_OF_ITS_OWN = ("cornac_peers", "graph_peers")


def test_every_benchmark_can_be_imported():
    for file in FILES:
        if file.stem not in IN_AN_ENVIRONMENT_OF_ITS_OWN:
            importlib.import_module(".".join(file.relative_to(FOLDER.parent).with_suffix("").parts))


def test_what_benchmarks_import_when_they_run_is_there():
    wanted = [(file.name, *one) for file in FILES for one in imported(ast.parse(file.read_text("utf-8")))]
    assert len(wanted) > 50
    missing = [one for one in wanted if not is_there(*one[1:])]
    assert missing == []


def imported(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """What of ours is imported from where, in functions and in scripts held as text too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and str(node.module).split(".")[0] in (
            "engine",
            "ui",
            "pages",
            "benchmarks",
        ):
            yield from ((str(node.module), alias.name) for alias in node.names)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and "\nfrom engine" in f"\n{node.value}":
            yield from imported(ast.parse(node.value))


def is_there(module: str, name: str) -> bool:
    found = importlib.import_module(module)
    if hasattr(found, name):
        return True
    return importlib.util.find_spec(f"{module}.{name}") is not None
