"""What ten million products would cost: stages times their rates on record."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import pytest

from benchmarks.scale import costs
from benchmarks.support import RESULTS


def core_hours(folder: Path, recorded: dict) -> tuple[float, float]:
    (folder / "scale.json").write_text(json.dumps(recorded))
    found = costs.measure(argparse.Namespace())
    return found["costs_first_core_hours"][0], found["costs_daily_core_hours"][0]


def test_a_slower_stage_costs_its_own_hours_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(costs, "RESULTS", tmp_path)
    recorded = json.loads((RESULTS / "scale.json").read_text("utf-8"))
    first, daily = core_hours(tmp_path, recorded)
    texts = recorded["encoding_openvino_over_float32"]
    seconds = sorted(texts["cpu_seconds"])[len(texts["cpu_seconds"]) // 2] / texts["texts"]
    texts["cpu_seconds"] = [2 * one for one in texts["cpu_seconds"]]
    later, as_daily = core_hours(tmp_path, recorded)
    assert later - first == pytest.approx(10_000_000 * seconds / 3600, abs=0.1)  # a text is read once
    assert as_daily == daily
    assert "| **all** |" in (tmp_path / "costs.md").read_text("utf-8")
