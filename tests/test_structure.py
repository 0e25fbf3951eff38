"""How the code may hang together, read from the code itself (ARCHITECTURE.md says why). Each test names every offence."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from engine.cli.arguments import commands
from engine.core.settings import Settings, describe_settings
from tests.support.code_graph import (
    ROOM_NAMES,
    ROOT,
    circles,
    import_graph,
    imports,
    is_type_checking,
    layer,
    modules,
    reaches,
    tree,
    upward_imports,
    within,
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
    "pyspark": ("engine.cluster",),
    "sqlalchemy": ("engine.store", "engine.access", "engine.curation", "engine.edits", "engine.ingest.locations"),
    "alembic": ("engine.store",),
    "concurrent_log_handler": ("engine.core.logs",),
    "prometheus_client": ("ui.app.operations",),
    "rapidfuzz": ("engine.search.index",),
    "uvicorn": ("ui.app",),
    "httpcore": ("engine.ingest.picture_addresses",),
    "python_calamine": ("engine.ingest.sources.workbook_child",),
    "ijson": ("engine.ingest.sources.json_records",),
    "charset_normalizer": ("engine.ingest.sources.encodings",),
    "streamlit": ("ui", "pages", "app"),
}
# What no page and no command waits for before it answers.
SLOW = {
    "torch",
    "torchvision",
    "transformers",
    "timm",
    "open_clip",
    "implicit",
    "openTSNE",
    "sklearn",
    "nltk",
    "huggingface_hub",
    "alembic",
    "pyspark",
}
# The first page after a start does without these too.
SLOW_FOR_A_START = SLOW | {"duckdb", "pi_heif", "rapidfuzz"}
# `python -m engine COMMAND --help` does without these too.
SLOW_FOR_HELP = SLOW | {"pandas", "numpy", "scipy", "pyarrow", "sqlalchemy", "rich"}
ENVIRONMENT_READERS = {"engine.core.settings", "engine.__main__", "engine.jobs.control"}
RUN_BY_OTHERS = ("app", "engine.__main__", "engine.curation.redraw", "engine.store.migrations", "ui.app.shell")
MOST_LINES = 350


def test_imports_go_one_way():
    assert_none(f"{name} has no layer: add it to LAYERS" for name in ours() if layer(name) < 0)
    assert_none(upward_imports())


def test_no_modules_import_one_another_in_a_circle():
    planted = {"a": {"b"}, "b": {"c", "d"}, "c": {"a"}, "d": {"e"}, "e": set()}
    assert circles(planted) == [["a", "b", "c"]]
    assert_none(" <-> ".join(circle) for circle in circles(import_graph()))


def test_an_import_waits_inside_a_function_only_for_what_is_slow():
    assert_none(
        f"{name}:{one.line} imports {one.wanted} in a function: it is not slow, so import it at the top"
        for name in modules()
        for one in imports(name)
        if one.in_function and not reaches(one.wanted, SLOW_FOR_HELP if answers_for_help(name) else SLOW_FOR_A_START)
    )


def test_a_library_is_imported_only_where_it_is_guarded():
    for library, homes in HOMES.items():
        users = {
            name for name in modules() for one in imports(name) if within(one.wanted, library) and not one.for_types
        }
        assert users, f"nothing imports {library} any more: take it from HOMES"
        strangers = [name for name in users if not any(within(name, home) for home in homes)]
        assert_none(f"{name} imports {library}, which only {', '.join(homes)} may" for name in strangers)


def test_opening_a_page_imports_nothing_slow():
    openers = [name for name in modules() if within(name, "pages") or name in ("app", "ui.app.shell")]
    assert_none(slow(openers, SLOW))


def test_the_first_page_after_a_start_waits_for_no_library_of_other_pages():
    assert_none(slow(["app", "ui.app.shell", "pages.today"], SLOW_FOR_A_START))


def test_the_command_line_answers_for_help_without_anything_slow():
    assert_none(slow(["engine.__main__"], SLOW_FOR_HELP))


def test_a_page_runs_nothing_when_it_is_imported():
    allowed = (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.ClassDef, ast.Assign, ast.AnnAssign)
    assert_none(
        f"{name}:{node.lineno} runs on import: {ast.unparse(node)}"
        for name in modules()
        if within(name, "pages")
        for node in tree(name).body
        if not (is_docstring(node) or isinstance(node, allowed) or is_type_checking(node))
    )


def test_settings_alone_read_the_environment():
    assert_none(
        f"{name} reads the environment"
        for name in set(modules()) - ENVIRONMENT_READERS
        for node in ast.walk(tree(name))
        if isinstance(node, ast.Attribute) and ast.unparse(node) in ("os.environ", "os.getenv")
    )


def test_a_module_states_its_subject_and_stays_readable():
    assert_none(f"{name} has no docstring" for name in modules() if not ast.get_docstring(tree(name)))
    lines = {name: len(file.read_text("utf-8").splitlines()) for name, file in modules().items()}
    assert_none(f"{name} has {n} lines: find its second subject" for name, n in lines.items() if n > MOST_LINES)


def test_a_module_says_what_it_offers_and_offers_what_is_there():
    for name in ours():
        offered, defined, statements = names_in(name)
        public = [one for one in defined if not one.startswith("_")]
        assert not public or statements == 1, f"{name} says {statements} times what it offers: write one __all__"
        assert_none(f"{name} offers {one}, which is not there" for one in offered if one not in defined)
        assert len(set(offered)) == len(offered), f"{name} offers something twice"


def test_every_command_is_documented():
    page = (ROOT / "docs" / "command-line.md").read_text("utf-8")
    assert_none(
        f"{name} is not in docs/command-line.md" for name in commands() if f"python -m engine {name}" not in page
    )


def test_every_setting_says_what_it_means():
    assert_none(line.name for line in describe_settings(Settings()) if len(line.meaning) < 10)


def assert_none(offences: Iterable[str]) -> None:
    """Fail with all offences, each on a line of its own."""
    found = list(offences)
    assert not found, "\n" + "\n".join(found)


def ours() -> list[str]:
    """The modules that other modules of ours import."""
    return [
        name for name in modules() if name not in ROOM_NAMES and not any(within(name, one) for one in RUN_BY_OTHERS)
    ]


def answers_for_help(name: str) -> bool:
    return within(name, "engine.cli")


def slow(names: Iterable[str], libraries: set[str]) -> Iterator[str]:
    return (
        f"{name} imports {library} by way of {by}" for name in names for library, by in reaches(name, libraries).items()
    )


def is_docstring(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def names_in(name: str) -> tuple[list[str], set[str], int]:
    """What a module's `__all__` lists, every name bound at its top, and how many `__all__` it has."""
    offered: list[str] = []
    bound: set[str] = set()
    statements = 0
    for node in tree(name).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            bound.add(node.name)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            bound |= {alias.asname or alias.name for alias in node.names}
        targets = (
            node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
        )
        bound |= {one.id for target in targets for one in ast.walk(target) if isinstance(one, ast.Name)}
        if any(isinstance(target, ast.Name) and target.id == "__all__" for target in targets):
            statements += 1
            offered += ast.literal_eval(node.value)
    return offered, bound, statements
