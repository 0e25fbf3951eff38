"""The project's code as a graph: its modules, what they import, their layers and the circles among them.

Everything is read from the source; nothing is imported. `tests/test_structure.py` holds the rules,
`benchmarks/house.py` counts what breaks them.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
CODE = ("engine", "ui", "pages")

# Lower layers come first; a module imports from its own layer or from those before it.
LAYERS = (
    ("engine.core",),
    ("engine.store",),
    ("engine.access",),
    ("engine.catalogue",),
    ("engine.untrusted",),
    ("engine.ingest", "engine.demo"),
    ("engine.models",),
    ("engine.arms",),
    ("engine.evaluation",),
    ("engine.selection",),
    ("engine.release",),
    ("engine.recommend",),
    ("engine.comparison",),
    ("engine.curation",),
    ("engine.edits",),
    ("engine.search",),
    ("engine.serving",),
    ("engine.overview",),
    ("engine.explain",),
    ("engine.maps",),
    ("engine.cluster",),
    ("engine.training",),
    ("engine.jobs",),
    ("engine.health",),
    ("engine.backup",),
    ("engine.shipping",),
    ("engine.cli", "engine.__main__"),
    ("ui.widgets",),
    ("ui.app",),
    ("ui.products", "ui.review", "ui.runs", "ui.today", "ui.comparison", "ui.news"),
    ("pages",),
    ("ui.app.routes", "ui.app.shell", "app"),
)
ROOM_NAMES = ("engine", "ui", "pages")  # packages that hold nothing but rooms


@dataclass(frozen=True)
class Import:
    """One import: the module that is imported, ours or a library's, and where the statement stands."""

    wanted: str
    line: int
    in_function: bool
    for_types: bool


@cache
def modules() -> dict[str, Path]:
    """Every module of the project by its dotted name."""
    files = [file for folder in CODE for file in (ROOT / folder).rglob("*.py")] + [ROOT / "app.py"]
    return {_name_of(file): file for file in sorted(files)}


@cache
def tree(name: str) -> ast.Module:
    """A module's syntax tree."""
    return ast.parse(modules()[name].read_text("utf-8"))


@cache
def imports(name: str) -> tuple[Import, ...]:
    """What a module imports anywhere in it."""
    return tuple(_imports_under(name, tree(name), in_function=False, for_types=False))


def within(name: str, home: str) -> bool:
    """Whether a dotted name is `home` or lies in it."""
    return name == home or name.startswith(f"{home}.")


def layer(name: str) -> int:
    """The layer of the longest entry that covers a module; -1 where none does."""
    matches = [(len(home), place) for place, homes in enumerate(LAYERS) for home in homes if within(name, home)]
    return max(matches, default=(0, -1))[1]


def upward_imports() -> list[str]:
    """Every import of a module that lies above the one that imports it, in functions and for types too."""
    return [
        f"{name}:{one.line} imports {one.wanted}, which lies above it"
        for name in modules()
        for one in imports(name)
        if one.wanted in modules() and layer(one.wanted) > layer(name)
    ]


def import_graph() -> dict[str, set[str]]:
    """Every module -> the modules of ours that it imports, in functions and for types too."""
    return {
        name: {one.wanted for one in imports(name) if one.wanted in modules() and one.wanted != name}
        for name in modules()
    }


def circles(graph: Mapping[str, set[str]]) -> list[list[str]]:
    """The groups of names that lead to one another, directly or by way of others (strongly connected, Tarjan 1972)."""
    number: dict[str, int] = {}
    lowest: dict[str, int] = {}
    waiting: list[str] = []
    found: list[list[str]] = []

    def visit(name: str) -> None:
        number[name] = lowest[name] = len(number)
        waiting.append(name)
        for wanted in sorted(graph[name]):
            if wanted not in number:
                visit(wanted)
                lowest[name] = min(lowest[name], lowest[wanted])
            elif wanted in waiting:
                lowest[name] = min(lowest[name], number[wanted])
        if lowest[name] == number[name]:
            at = waiting.index(name)
            if len(waiting) - at > 1:
                found.append(sorted(waiting[at:]))
            del waiting[at:]

    for name in graph:
        if name not in number:
            visit(name)
    return found


def reached_on_import(start: str) -> dict[str, str]:
    """Everything that importing `start` imports, ours or not, with the module that brings it."""
    reached: dict[str, str] = {}
    waiting = [start]
    while waiting:
        name = waiting.pop()
        wanted = [one.wanted for one in imports(name) if not one.in_function and not one.for_types]
        for other in [*wanted, *_packages_of(name)]:
            if other not in reached:
                reached[other] = name
                waiting += [other] if other in modules() else []
    return reached


def reaches(start: str, libraries: set[str]) -> dict[str, str]:
    """Which of these libraries importing `start` imports, with the module that brings each; `start` may be a library."""
    reached = reached_on_import(start) if start in modules() else {start: start}
    return {name: by for name, by in reached.items() if name.split(".")[0] in libraries}


def _name_of(file: Path) -> str:
    parts = file.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _imports_under(name: str, node: ast.AST, *, in_function: bool, for_types: bool) -> Iterator[Import]:
    in_function = in_function or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    for_types = for_types or is_type_checking(node)
    if isinstance(node, ast.Import):
        for alias in node.names:
            yield Import(alias.name, node.lineno, in_function, for_types)
    elif isinstance(node, ast.ImportFrom):
        assert node.level == 0, f"{name}:{node.lineno} imports by a relative name"
        for alias in node.names:
            full = f"{node.module}.{alias.name}"
            yield Import(full if full in modules() else str(node.module), node.lineno, in_function, for_types)
    for child in ast.iter_child_nodes(node):
        yield from _imports_under(name, child, in_function=in_function, for_types=for_types)


def is_type_checking(node: ast.AST) -> bool:
    """Whether a node is `if TYPE_CHECKING:`."""
    return isinstance(node, ast.If) and ast.unparse(node.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING")


def _packages_of(name: str) -> list[str]:
    """The packages that a module lies in, which are imported before it."""
    parts = name.split(".")
    return [package for n in range(1, len(parts)) if (package := ".".join(parts[:n])) in modules()]
