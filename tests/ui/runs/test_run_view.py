from __future__ import annotations

from datetime import UTC, datetime, timedelta

from engine.jobs import RunStatus, StepStatus
from ui.runs.run_view import progress_line

BEGAN = datetime(2026, 1, 31, 9, 45, tzinfo=UTC)


def status(*steps: StepStatus, left: float | None = None) -> RunStatus:
    return RunStatus("r", "train", "running", list(steps), BEGAN, None, "", None, seconds_left=left)


def test_the_line_changes_every_second_while_a_step_is_silent() -> None:
    silent = status(StepStatus("Choosing settings", 0.0, 3.0, "", "running"))
    lines = {progress_line(silent, BEGAN + timedelta(seconds=second)) for second in range(60, 70)}
    assert len(lines) == 10
    assert "Choosing settings · 1:05 so far" in lines


def test_the_line_says_the_step_how_far_it_is_and_the_time_left() -> None:
    at_work = status(StepStatus("Reading texts", 0.5, 3.0, "500 of 1,000", "running"), left=42.0)
    assert progress_line(at_work, BEGAN) == "Reading texts · 500 of 1,000 · 0:00 so far · about 40 s left"


def test_before_the_first_step_the_run_is_starting() -> None:
    assert progress_line(status(), BEGAN).startswith("Starting · ")
