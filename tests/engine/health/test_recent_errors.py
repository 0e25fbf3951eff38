"""The errors of the last day, read from the log."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

from engine.core.workspace import Workspace
from engine.health.recent_errors import recent_errors

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)


def line(hours_ago: float, **more: object) -> str:
    return json.dumps(
        {"time": (NOW - timedelta(hours=hours_ago)).isoformat(), "message": "unexpected in Review", **more}
    )


def test_those_of_the_last_day_come_newest_first_and_what_cannot_be_read_is_passed_over(workspace: Workspace) -> None:
    workspace.log_file.parent.mkdir(parents=True)
    lines = [
        line(30, error="old"), line(5, error="b1", actor="Ada"), line(4), "{half", "[1]", line(3, error=7),
        '{"time": "never", "error": "x", "message": "m"}', line(1, error="a1"),
    ]  # fmt: skip
    workspace.log_file.write_text("\n".join(lines), "utf-8")
    found = recent_errors(workspace, NOW)
    assert [(one.number, one.actor) for one in found] == [("a1", ""), ("b1", "Ada")]


def test_a_workspace_without_a_log_has_none(workspace: Workspace) -> None:
    assert recent_errors(workspace, NOW) == []
