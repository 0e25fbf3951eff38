"""The growth of a training's stages: of the trainings on record, each stage over linear growth."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import pytest

from benchmarks.scale import training_growth as growth


def recorded(name: str, key: str, seconds: dict[str, float], command: str = "python -m benchmarks.scale") -> dict:
    steps = [{"name": step, "cpu_seconds": one, "peak_mb": 1500} for step, one in seconds.items()]
    return {name: {"value": 1, "target": "-", "command": command, key: steps}}


@pytest.fixture
def results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(growth, "RESULTS", tmp_path)
    small = {"Reading texts": 10.0, "Learning from 1,000 clicks": 2.0, "Reading words": 0.5}
    large = {"Reading texts": 3.0, "Learning from 10,000 clicks": 30.0, "Reading words": 50.0}
    (tmp_path / "scale.json").write_text(
        json.dumps(
            recorded("training_1000_again_over_first", "first", small)
            | recorded("days_10000_first_hours", "steps", large, "python -m benchmarks.scale --only days --drawn-texts")
            | {"lookup_10000_p99_ms": {"value": 1, "target": "-", "command": "-"}}
        )
    )
    return tmp_path


def test_stages_are_told_over_linear_growth_but_not_those_of_a_moment_or_of_texts_that_were_not_read(results: Path):
    worst, wanted, stages = growth.measure(argparse.Namespace())["growth_1000_to_10000_over_linear"]
    assert stages == {"Learning from clicks": 1.5}
    assert (worst, wanted) == (1.5, "<= 1.2")


def test_all_sizes_on_record_are_drawn(results: Path):
    growth.measure(argparse.Namespace())
    drawn = (results / growth.PICTURE).read_text("utf-8")
    assert "Learning from clicks" in drawn
    assert drawn.count("Reading words") >= 2  # of both sizes
