from __future__ import annotations

import io
import json
import sys

import pytest

from engine.cli.console import Console


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_log_gets_one_line_where_a_step_begins_and_one_where_it_ends(capsys: pytest.CaptureFixture[str]) -> None:
    with Console() as console:
        for share in range(101):
            console.progress("Reading", share / 100, f"{share} of 100")
        console.progress("Learning", 0.5)
    assert capsys.readouterr().err.splitlines() == [
        "Reading (0 of 100) ...",
        "Reading (100 of 100) ... done",
        "Learning ... 50%",
    ]


def test_a_slow_step_is_heard_of_now_and_then(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = iter(range(0, 50, 3))
    monkeypatch.setattr("engine.cli.console.time.monotonic", lambda: next(clock))
    with Console() as console:
        for share in (0.0, 0.1, 0.2, 0.3, 0.4):
            console.progress("Reading", share)
    assert capsys.readouterr().err.splitlines() == ["Reading ...", "Reading ... 20%", "Reading ... 40%"]


def test_a_terminal_gets_a_bar_for_every_step(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    with Console() as console:
        console.progress("Reading", 0.5, "half")
        console.progress("Learning", 1.0)
    drawn = terminal.getvalue()
    assert "Reading" in drawn
    assert "Learning" in drawn
    assert "100%" in drawn


def test_programs_get_one_object_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    with Console(json=True) as console:
        console.progress("Reading", 0.25, "é")
        console.note("Careful.")
        console.result({"rows": 3}, "Three rows.")
        console.table(["a"], [[1]], {"table": [1]})
    assert [json.loads(line) for line in capsys.readouterr().out.splitlines()] == [
        {"event": "progress", "step": "Reading", "done": 0.25, "message": "é"},
        {"event": "note", "message": "Careful."},
        {"event": "result", "rows": 3},
        {"event": "result", "table": [1]},
    ]


def test_results_alone_go_to_standard_output(capsys: pytest.CaptureFixture[str]) -> None:
    with Console() as console:
        console.progress("Reading", 1.0)
        console.note("Careful.")
        console.table(["name", "n"], [["a", 1], ["long", 22]], {})
    printed = capsys.readouterr()
    assert printed.out.splitlines() == ["name  n", "a     1", "long  22"]
    assert "Careful." in printed.err


def test_texts_of_strangers_are_no_commands_to_a_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    evil = "x\x1b]0;title\x07\u202ey\ud800 [bold]z[/bold]"
    with Console() as console:
        console.result({}, f"{evil}\nend")
        console.table(["a", evil], [["b", f"{evil}\n"]], {})
        console.note(evil)
        console.error(evil)
        console.progress(evil, 0.5, evil)
    with Console(json=True) as console:
        console.note(evil)
    printed = capsys.readouterr()
    assert not {"\x1b", "\x07", "\u202e", "\ud800"} & set(printed.out + printed.err)
    assert "x]0;titley\ufffd [bold]z[/bold]\nend\n" in printed.out
    assert json.loads(printed.out.splitlines()[-1])["message"] == evil
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    with Console() as console:
        console.progress("[red]a[/red]", 0.5, "[link=x]b[/link]")
    assert "[red]a[/red]" in terminal.getvalue()
    assert "[link=x]b[/link]" in terminal.getvalue()
