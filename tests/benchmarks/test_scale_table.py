"""`make bench-scale` measures the table: every figure on record comes from one of its lines, and every part has one."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from benchmarks.scale import table
from benchmarks.support import RESULTS


def part_and_sizes(line: str) -> tuple[str, tuple[str, ...]]:
    words = line.split()
    begin = words.index("--products") + 1 if "--products" in words else len(words)
    end = next((place for place, word in enumerate(words[begin:], begin) if not word.isdigit()), len(words))
    return words[0], tuple(words[begin:end])


def test_every_figure_on_record_is_of_a_line_of_the_table():
    lines = {part_and_sizes(line) for line in table.TABLE}
    recorded = json.loads((RESULTS / "scale.json").read_text("utf-8"))
    begin = "python -m benchmarks.scale --only "
    commands = {figure["command"] for figure in recorded.values()}
    assert len(commands) > 20
    assert {one for one in commands if part_and_sizes(one.removeprefix(begin)) not in lines} == set()


def test_every_part_has_a_line():
    folder = Path(table.__file__).parent
    parts = {file.stem for file in folder.glob("*.py") if "\ndef measure(" in file.read_text("utf-8")}
    assert parts == {line.split()[0] for line in table.TABLE}


def measured(monkeypatch: pytest.MonkeyPatch, *arguments: str, fails: str = "nothing") -> tuple[list[str], int]:
    asked: list[str] = []

    def run(command: list[str], **options: object) -> subprocess.CompletedProcess[bytes]:
        asked.append(" ".join(command[command.index("--only") + 1 :]))
        return subprocess.CompletedProcess(command, int(fails in command))

    monkeypatch.setattr(subprocess, "run", run)
    return asked, table.main(arguments)


def test_a_line_that_fails_is_told_and_the_others_are_measured(monkeypatch, capsys):
    asked, failed = measured(monkeypatch, fails="sizes")
    assert (asked, failed) == (list(table.TABLE), 1)
    assert capsys.readouterr().err == "Not measured, see above: sizes\n"


def test_larger_shops_are_left_out_where_that_is_asked_for(monkeypatch):
    asked, failed = measured(monkeypatch, "--largest", "10000", "--from", "directions")
    assert (asked[0], asked[-1], failed) == ("directions", "costs", 0)
    assert all("100000" not in line for line in asked)
    assert "training --products 3000 10000 --rounds 2" in asked


def test_a_list_measures_nothing(monkeypatch, capsys):
    asked, _ = measured(monkeypatch, "--list")
    assert asked == []
    assert capsys.readouterr().out.splitlines()[0] == "python -m benchmarks.scale --only ingest --products 20000 200000"
