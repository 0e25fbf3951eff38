"""The documents say what is so: links lead somewhere, paths exist, figures are the measured ones, the version is one."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from benchmarks.write_docs import (
    PAGE,
    README,
    README_FIGURES,
    README_MARKS,
    Figure,
    benchmarks_page,
    is_met,
    readme_with_figures,
)
from engine import __version__
from engine.cli.main import main
from engine.core.settings import Settings, describe_settings
from engine.ingest.presets import available_presets
from ui.app.navigation import NAVIGATION

ROOT = Path(__file__).resolve().parent.parent
DOCUMENTS = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")]
FOLDERS = ("assets", "benchmarks", "docs", "engine", "pages", "tests", "tools", "ui")
# It speaks of what was.
NO_FILE_OF_TODAY = ("CHANGELOG.md",)


def test_the_page_of_figures_is_what_the_results_say():
    assert PAGE.read_text("utf-8") == benchmarks_page(), "run python -m benchmarks.write_docs"


def test_the_readme_shows_five_measured_figures():
    readme = README.read_text("utf-8")
    assert readme == readme_with_figures(readme), "run python -m benchmarks.write_docs"
    begin, end = (readme.index(mark) for mark in README_MARKS)
    assert len(README_FIGURES) == 5
    assert len(re.findall(r"`python -m benchmarks\.", readme[begin:end])) == 5


@pytest.mark.parametrize(
    ("value", "target", "met"),
    [
        (5.0, "<= 5 (and 0.5 to end it)", True),
        (5.0, "< 5", False),
        (1.0, ">= 1.05", False),
        (0.0, "= 0", True),
        (1.0, "0", False),
        (4.1, "at most 4 GiB", False),
        (3.0, "", None),
        (-0.02, ">= -0.01", False),
    ],
)
def test_a_figure_is_held_against_its_target(value: float, target: str, met: bool | None):
    assert is_met(Figure("file", "key", value, target, "command", "")) is met


def test_a_figure_of_any_size_has_a_name():
    names = [Figure("scale", f"growth_{one}_over_linear", 1.0, "", "", "").label for one in ("3000_to_10000", "growth")]
    assert names[0] == "3,000 to 10,000 products: growth of a training's stages over linear, at the worst stage"
    assert names[1] == "growth growth over linear"  # none: its key


def test_links_lead_to_files():
    missing = [
        f"{document.name}: {link}"
        for document in DOCUMENTS
        for link in re.findall(r"\]\(([^)#]+)[^)]*\)", document.read_text("utf-8"))
        if "://" not in link and not (document.parent / link).exists()
    ]
    assert missing == []


def test_paths_in_documents_exist():
    pattern = re.compile(rf"`((?:{'|'.join(FOLDERS)})/[\w./-]+)`")
    missing = [
        f"{document.name}: {path}"
        for document in DOCUMENTS
        if document.name not in NO_FILE_OF_TODAY
        for path in pattern.findall(document.read_text("utf-8"))
        if not (ROOT / path).exists()
    ]
    assert missing == []


def test_contributing_names_what_is_in_the_file():
    named = re.findall(r"`([\w/]+\.py)`, `([\w.]+)`", (ROOT / "CONTRIBUTING.md").read_text("utf-8"))
    assert len(named) >= 4
    missing = [
        f"{path}: {part}"
        for path, name in named
        for part in name.split(".")
        if not re.search(rf"\b{part}\b", (ROOT / path).read_text("utf-8"))
    ]
    assert missing == []


def test_make_commands_in_documents_exist():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), flags=re.MULTILINE))
    named = {
        name
        for document in DOCUMENTS
        for name in re.findall(r"(?:^    |`)make ([a-z-]+)", document.read_text("utf-8"), flags=re.MULTILINE)
    }
    assert {"run", "test"} <= named
    assert named - targets == set()


def test_settings_in_documents_exist():
    names = {line.name for line in describe_settings(Settings())}
    groups = "|".join({name.partition(".")[0] for name in names if "." in name})
    named = {
        name
        for document in DOCUMENTS
        if document.name in ("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "command-line.md")
        for name in re.findall(rf"(?:`|--set '?)((?:{groups})\.[a-z_]+)[`=]", document.read_text("utf-8"))
    }
    assert "auth.admins" in named
    assert named - names == set()


def test_every_page_is_described():
    page = (ROOT / "docs" / "pages.md").read_text("utf-8")
    titles = [entry.title for entries in NAVIGATION.values() for entry in entries]
    assert [title for title in titles if f"**{title}.**" not in page] == []


def test_the_version_is_written_once(capsys: pytest.CaptureFixture[str]):
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    assert project["project"]["dynamic"] == ["version"]
    assert project["tool"]["setuptools"]["dynamic"]["version"] == {"attr": "engine.__version__"}
    newest = re.search(r"^## (\d+\.\d+\.\d+)", (ROOT / "CHANGELOG.md").read_text("utf-8"), flags=re.MULTILINE)
    assert newest is not None
    assert newest[1] == __version__
    with pytest.raises(SystemExit, match="0"):
        main(["--version"])
    assert capsys.readouterr().out == f"Longtail {__version__}\n"


def test_every_system_that_is_known_is_in_the_readme_with_what_to_export():
    text = (ROOT / "README.md").read_text("utf-8")
    own = text[text.index("## Bring your own shop") : text.index("## Five figures")]
    for preset in available_presets():
        first_word = preset.title.split()[0]
        assert first_word in own, f"{preset.title} is not in the README"
