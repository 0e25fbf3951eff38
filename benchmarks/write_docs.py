"""docs/benchmarks.md and the five figures in README.md, written from benchmarks/results/*.json.

    python -m benchmarks.write_docs

Every benchmark does this when it has written its results. The names of the figures stand in benchmarks/figures.toml.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

__all__ = ["RESULTS", "ROOT", "Figure", "benchmarks_page", "is_met", "main", "readme_with_figures", "write_docs"]

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results"
PAGE, README = ROOT / "docs" / "benchmarks.md", ROOT / "README.md"
SHOPS = ("online_retail", "movielens", "demo")
UNITS = {"ms": " ms", "seconds": " s", "s": " s", "gib": " GiB", "GiB": " GiB", "mb": " MB"}
HEADER = ["| | measured | target | |", "| --- | --- | --- | --- |"]
README_MARKS = "<!-- figures: written by python -m benchmarks.write_docs -->", "<!-- end of figures -->"
# What README.md shows: results file, key, and the sentence that it stands for.
README_FIGURES = (
    (
        "main_job",
        "demo_seconds_to_neighbours",
        "Time from an empty machine to a product with its neighbours on screen (demo shop)",
    ),
    (
        "main_job",
        "demo_irrelevance_als",
        "Share of irrelevant neighbours of products with few clicks, by behaviour alone (demo shop)",
    ),
    ("main_job", "demo_irrelevance_hybrid", "The same, by Longtail"),
    (
        "quality",
        "online_retail_hybrid_over_rich",
        "Neighbour quality when a product keeps only 0-5 of its shoppers, as a ratio to the best behaviour model that sees all of them (online_retail)",
    ),
    (
        "judging",
        "many_confirmed_but_lost",
        "Judgements lost, out of 100,000 made while the server was killed again and again",
    ),
)
_SIZES = re.compile(r"\d{4,}")  # numbers of products in a key
SHARES = ("demo_irrelevance_als", "demo_irrelevance_hybrid")


@dataclass(frozen=True)
class Figure:
    """One measured figure; `target` is "" where nothing was asked of it."""

    file: str
    key: str
    value: float
    target: str
    command: str
    against: str

    @property
    def label(self) -> str:
        """Its name on the page: from figures.toml, with the shop or the sizes it was measured on, or its key."""
        names = _names().get(self.file, {}).get("figures", {})
        if self.key in names:
            return str(names[self.key])
        if (sizeless := _SIZES.sub("N", self.key)) in names:
            return str(names[sizeless]).format(*(f"{int(size):,}" for size in _SIZES.findall(self.key)))
        shop = next((shop for shop in SHOPS if self.key.startswith(f"{shop}_")), None)
        name = names.get(self.key.removeprefix(f"{shop}_"), self.key.removeprefix(f"{shop}_").replace("_", " "))
        return f"{shop}: {name}" if shop else str(name)

    @property
    def measured(self) -> str:
        """The value with its unit, and what it is compared with."""
        number = f"{self.value:,.0f}" if self.value == int(self.value) else f"{self.value:g}"
        unit = next((UNITS[word] for word in re.split(r"[_ ]", self.key) if word in UNITS), "")
        return f"{number}{unit}{f' ({self.against})' if self.against else ''}"


def main() -> None:
    """Write both files and say so."""
    for file in write_docs():
        print(f"written to {file}")


def write_docs() -> tuple[Path, Path]:
    """Write docs/benchmarks.md and README.md."""
    PAGE.write_text(benchmarks_page(), "utf-8")
    README.write_text(readme_with_figures(README.read_text("utf-8")), "utf-8")
    return PAGE, README


def benchmarks_page() -> str:
    """The text of docs/benchmarks.md."""
    figures = [figure for file in sorted(RESULTS.glob("*.json"), key=_place) for figure in _figures(file)]
    missed = [figure for figure in figures if is_met(figure) is False]
    lines = [
        "# Figures",
        "",
        "Written by `python -m benchmarks.write_docs` from [benchmarks/results](../benchmarks/results); do not edit it by hand.",
        "Measured on two cores without a GPU. `make bench` measures the main ones again; the command under each table measures",
        "that table. What was tried, what won and what lost: [quality-notes.md](quality-notes.md).",
        "",
        "## Targets missed",
        "",
        *HEADER,
        *map(_row, missed),
    ]
    for name in dict.fromkeys(figure.file for figure in figures):
        lines += _section(name, [figure for figure in figures if figure.file == name])
    return "\n".join(lines) + "\n"


def readme_with_figures(readme: str) -> str:
    """README.md with the figures between its marks as they were measured last."""
    measured = {(figure.file, figure.key): figure for file in RESULTS.glob("*.json") for figure in _figures(file)}
    rows = ["| | measured | target | command |", "| --- | --- | --- | --- |"]
    for file, key, label in README_FIGURES:
        figure = measured[file, key]
        value, target = replace(figure, against="").measured, figure.target
        if key in SHARES:
            value, target = (
                f"{100 * figure.value:.1f} %",
                re.sub(r"[\d.]+", lambda found: f"{float(found[0]):.0%}", target),
            )
        rows.append(f"| {label} | {value} | {target.replace('%', ' %')} | `{figure.command}` |")
    begin, end = README_MARKS
    before, _, rest = readme.partition(begin)
    _, _, after = rest.partition(end)
    return "\n".join([f"{before}{begin}", *rows, f"{end}{after}"])


def is_met(figure: Figure) -> bool | None:
    """Whether the value is what was asked for; None where nothing was."""
    found = re.match(r"(at most|<=|>=|==|=|<|>)?\s*(-?[\d.]+)", figure.target)
    if not found:
        return None
    wanted = float(found[2])
    return {
        "<=": figure.value <= wanted,
        "at most": figure.value <= wanted,
        "<": figure.value < wanted,
        ">=": figure.value >= wanted,
        ">": figure.value > wanted,
    }.get(found[1], figure.value == wanted)


def _section(name: str, figures: list[Figure]) -> Iterator[str]:
    about = _names().get(name, {})
    yield from ("", f"## {about.get('title', name.replace('_', ' '))}")
    if "about" in about:
        yield from ("", about["about"].strip())
    for command in dict.fromkeys(figure.command for figure in figures):
        yield from ("", *HEADER, *(_row(figure) for figure in figures if figure.command == command))
        yield from ("", f"    {command}")


def _row(figure: Figure) -> str:
    met = {True: "met", False: "missed", None: ""}[is_met(figure)]
    return f"| {figure.label} | {figure.measured} | {figure.target} | {met} |"


def _figures(file: Path) -> list[Figure]:
    """The numbers in a results file, in the order of figures.toml, then of their keys."""
    entries: dict[str, dict[str, Any]] = json.loads(file.read_text("utf-8"))
    named = list(_names().get(file.stem, {}).get("figures", {}))
    figures = [
        Figure(
            file.stem,
            key,
            entry["value"],
            _target(entry.get("target")),
            entry["command"],
            str(entry.get("against", "")),
        )
        for key, entry in sorted(entries.items())
        if isinstance(entry.get("value"), int | float)
    ]
    return sorted(figures, key=lambda figure: _order(figure.key, named))


def _target(text: str | None) -> str:
    """A target as it is shown; "" where nothing was asked for."""
    return "" if text in (None, "-", ">= 0") else str(text).replace("== ", "= ")


def _order(key: str, named: list[str]) -> tuple[int, int, list[int]]:
    shop = next((place for place, shop in enumerate(SHOPS) if key.startswith(f"{shop}_")), 0)
    short = key if key in named else key.removeprefix(f"{SHOPS[shop]}_")
    if short not in named:
        short = _SIZES.sub("N", short)
    place = named.index(short) if short in named else len(named)
    return shop * (key not in named), place, [int(size) for size in _SIZES.findall(key)]


def _place(file: Path) -> tuple[int, str]:
    names = list(_names())
    return names.index(file.stem) if file.stem in names else len(names), file.stem


@cache
def _names() -> dict[str, dict[str, Any]]:
    return tomllib.loads((ROOT / "benchmarks" / "figures.toml").read_text("utf-8"))


if __name__ == "__main__":
    main()
