"""How the code may hang together, read from the code itself (ARCHITECTURE.md says why)."""

from __future__ import annotations

import ast
import importlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from engine.cli.arguments import commands
from engine.core.settings import Settings, describe_settings

ROOT = Path(__file__).resolve().parent.parent
CODE = ("engine", "ui", "pages")

# Lower layers come first; a module imports from its own layer or from those before it.
LAYERS = (
    ("engine.core",),
    ("engine.catalogue",),
    ("engine.untrusted",),
    ("engine.ingest", "engine.demo"),
    ("engine.models",),
    ("engine.arms",),
    ("engine.evaluation", "engine.selection"),
    ("engine.release",),
    ("engine.recommend",),
    ("engine.store", "engine.curation"),
    ("engine.edits",),
    ("engine.serving",),
    ("engine.training",),
    ("engine.jobs",),
    ("engine.cli", "engine.__main__"),
    ("ui",),
    ("pages",),
    ("ui.app.shell", "app"),
)
# Only these may import the library; a name stands for the module and everything in it.
HOMES = {
    "implicit": ("engine.models.als",),
    "annoy": ("engine.release.ann",),
    "torch": ("engine.models",),
    "transformers": ("engine.models.encoders",),
    "open_clip": ("engine.models.encoders",),
    "timm": ("engine.models.encoders",),
    "openTSNE": ("engine.models.projection",),
    "sqlalchemy": ("engine.store", "engine.curation", "engine.edits"),
    "alembic": ("engine.store",),
    "streamlit": ("ui", "pages", "app"),
}
SLOW = {"torch", "torchvision", "transformers", "timm", "open_clip", "implicit", "openTSNE", "sklearn"}
ENVIRONMENT_READERS = {"engine.core.settings", "engine.__main__", "engine.jobs.control"}


@cache
def modules() -> dict[str, Path]:
    """Every module of the project by its dotted name."""
    files = [file for folder in CODE for file in (ROOT / folder).rglob("*.py")] + [ROOT / "app.py"]
    return {name_of(file): file for file in files}


def name_of(file: Path) -> str:
    parts = file.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def tree(name: str) -> ast.Module:
    return ast.parse(modules()[name].read_text("utf-8"))


def is_type_checking(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING")


def imports(name: str, *, on_import: bool) -> Iterator[str]:
    """What a module imports, as dotted names; `on_import` leaves out what its functions import when they are called."""
    waiting: list[ast.AST] = [tree(name)]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name} imports by a relative name"
            for alias in node.names:
                full = f"{node.module}.{alias.name}"
                yield full if full in modules() else str(node.module)
        elif is_type_checking(node) or (on_import and isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)):
            continue
        waiting += ast.iter_child_nodes(node)


def within(name: str, home: str) -> bool:
    return name == home or name.startswith(f"{home}.")


def layer(name: str) -> int:
    """The layer of the longest entry that covers a module."""
    matches = [(len(home), place) for place, homes in enumerate(LAYERS) for home in homes if within(name, home)]
    return max(matches, default=(0, -1))[1]


def reached_on_import(start: str) -> dict[str, str]:
    """Everything that importing `start` imports, ours or not, with the module that brings it."""
    reached: dict[str, str] = {}
    waiting = [start]
    while waiting:
        name = waiting.pop()
        parents = [name.rsplit(".", n)[0] for n in range(1, name.count(".") + 1)]
        for wanted in [*imports(name, on_import=True), *(parent for parent in parents if parent in modules())]:
            if wanted not in reached:
                reached[wanted] = name
                if wanted in modules():
                    waiting.append(wanted)
    return reached


@pytest.mark.parametrize("name", sorted(modules()))
def test_imports_go_one_way(name: str) -> None:
    own = layer(name)
    assert own >= 0 or name in ("engine", "pages"), f"{name} has no layer: add it to LAYERS"
    for wanted in imports(name, on_import=False):
        if wanted in modules():
            assert layer(wanted) <= own or wanted in ("engine", "pages"), (
                f"{name} imports {wanted}, which lies above it"
            )


@pytest.mark.parametrize("library", HOMES)
def test_a_library_is_imported_only_where_it_is_guarded(library: str) -> None:
    users = {name for name in modules() for wanted in imports(name, on_import=False) if within(wanted, library)}
    assert users, f"nothing imports {library} any more: take it from HOMES"
    assert [name for name in users if not any(within(name, home) for home in HOMES[library])] == []


@pytest.mark.parametrize(
    "start", sorted(name for name in modules() if within(name, "pages") or name in ("app", "ui.app.shell"))
)
def test_opening_a_page_imports_nothing_slow(start: str) -> None:
    reached = reached_on_import(start)
    assert {name: by for name, by in reached.items() if name.split(".")[0] in SLOW} == {}


def test_the_command_line_answers_for_help_without_anything_slow() -> None:
    reached = reached_on_import("engine.__main__")
    assert {name: by for name, by in reached.items() if name.split(".")[0] in SLOW | {"pandas", "numpy", "rich"}} == {}


@pytest.mark.parametrize("name", sorted(name for name in modules() if within(name, "pages")))
def test_a_page_runs_nothing_when_it_is_imported(name: str) -> None:
    allowed = (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.ClassDef, ast.Assign, ast.AnnAssign)
    for node in tree(name).body:
        docstring = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        assert docstring or isinstance(node, allowed) or is_type_checking(node), ast.unparse(node)


def test_settings_alone_read_the_environment() -> None:
    readers = {
        name
        for name in modules()
        for node in ast.walk(tree(name))
        if isinstance(node, ast.Attribute) and ast.unparse(node) in ("os.environ", "os.getenv")
    }
    assert readers <= ENVIRONMENT_READERS


@pytest.mark.parametrize("name", sorted(modules()))
def test_a_module_states_its_subject_and_stays_readable(name: str) -> None:
    docstring = ast.get_docstring(tree(name))
    assert docstring, f"{name} has no docstring"
    assert len(modules()[name].read_text("utf-8").splitlines()) <= 400, f"{name} has grown a second subject"


RUN_BY_OTHERS = ("engine.__main__", "engine.store.migrations")


@pytest.mark.parametrize(
    "name",
    sorted(n for n in modules() if within(n, "engine") and not any(within(n, other) for other in RUN_BY_OTHERS)),
)
def test_what_a_module_offers_is_there(name: str) -> None:
    module = importlib.import_module(name)
    offered = getattr(module, "__all__", [])
    assert [missing for missing in offered if not hasattr(module, missing)] == []
    assert len(set(offered)) == len(offered)


def test_every_command_is_in_the_readme() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    assert [name for name in commands() if f"python -m engine {name}" not in readme] == []


def test_every_setting_says_what_it_means() -> None:
    assert [line.name for line in describe_settings(Settings()) if len(line.meaning) < 10] == []
