from __future__ import annotations

import subprocess
import sys
import time
from importlib import import_module
from pathlib import Path

import pytest

from engine.cli.arguments import build_parser, commands
from engine.cli.main import main
from tests.engine.cli.conftest import Command

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize("name", commands())
def test_every_command_is_a_function_of_its_module(name: str) -> None:
    needed = {"publish": ["r1"], "neighbours": ["--out", "f.csv"], "export": ["qrels", "--out", "f"]}
    needed |= {
        "drafts": ["list"],
        "changes": ["list"],
        "places": ["list"],
        "people": ["list"],
        "backup": ["b.tar"],
        "restore": ["b.tar"],
        "push": ["s3://shop/longtail"],
        "pull": ["s3://shop/longtail"],
    }
    module, function = build_parser().parse_args([name, *needed.get(name, [])]).command_function
    assert callable(getattr(import_module(f"engine.cli.{module}"), function))


def test_help_answers_at_once() -> None:
    before = time.process_time()
    child = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "engine", "--help"], cwd=ROOT, capture_output=True, text=True
    )
    assert child.returncode == 0
    assert "similar" in child.stdout
    assert time.process_time() - before < 0.5
    # The clock of a busy machine says little; what is imported says everything.
    imported = {line.rsplit("|", 1)[-1].strip() for line in child.stderr.splitlines() if "|" in line}
    assert imported.isdisjoint({"numpy", "pandas", "torch", "rich", "pydantic"})


@pytest.mark.parametrize("name", commands())
def test_every_command_explains_itself(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([name, "--help"])
    assert ended.value.code == 0
    assert "--workspace" in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments",
    [[], ["dance"], ["train", "--set", "als.factors"], ["neighbours", "--k", "0", "--out", "x.csv"], ["publish"]],
)
def test_arguments_that_make_no_sense_end_with_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert "usage:" in capsys.readouterr().err


def test_a_refusal_is_a_sentence_on_standard_error_and_2(command: Command) -> None:
    outcome = command("train")
    assert (outcome.code, outcome.out) == (2, "")
    assert "Load one with `ingest`" in outcome.err
    assert "Traceback" not in outcome.err


def test_a_refusal_is_a_line_for_programs_too(command: Command) -> None:
    outcome = command("--json", "verify")
    assert outcome.code == 2
    assert outcome.lines == [{"event": "error", "message": outcome.err.strip()}]


def test_a_bad_setting_is_named(command: Command) -> None:
    outcome = command("train", "--set", "als.factors=many")
    assert outcome.code == 2
    assert "als.factors = 'many'" in outcome.err


def test_an_interrupt_ends_with_130(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*args: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("engine.cli.settings.settings", interrupted)
    outcome = command("settings")
    assert outcome.code == 130
    assert "Interrupted" in outcome.err


def test_a_reader_that_has_seen_enough_is_no_error() -> None:
    script = f"{sys.executable} -m engine settings | head -n 1; exit ${{PIPESTATUS[0]}}"
    child = subprocess.run(["bash", "-c", script], cwd=ROOT, capture_output=True, text=True, check=False)
    assert child.returncode == 0
    assert child.stdout.strip() == "seed = 0"
    assert "Traceback" not in child.stderr
