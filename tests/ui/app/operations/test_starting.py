from __future__ import annotations

from typing import Any

import pytest

from engine.core.workspace import Workspace
from tests.support.own_loop import run_alone
from ui.app.operations import starting
from ui.app.operations.starting import StartMiddleware


def started(monkeypatch: pytest.MonkeyPatch, workspace: Workspace) -> tuple[list[dict[str, Any]], bool]:
    """What the server is told when it starts on this workspace, and whether the dashboard itself was begun."""
    monkeypatch.setenv("LONGTAIL_WORKSPACE", str(workspace.root))
    told: list[dict[str, Any]] = []
    begun = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        begun.append(scope["type"])
        await send({"type": "lifespan.startup.complete"})

    async def receive() -> dict[str, Any]:
        return {"type": "lifespan.startup"}

    async def send(message: Any) -> None:
        told.append(dict(message))

    async def run() -> None:
        await StartMiddleware(app)({"type": "lifespan"}, receive, send)

    run_alone(run())
    return told, bool(begun)


def test_a_fit_workspace_starts(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    assert started(monkeypatch, workspace) == ([{"type": "lifespan.startup.complete"}], True)


def test_what_only_warns_is_logged_and_starts(workspace: Workspace, monkeypatch: pytest.MonkeyPatch, caplog) -> None:
    (workspace.releases).mkdir(parents=True)
    (workspace.releases / "current").write_text("r0009\n")
    assert started(monkeypatch, workspace)[1]
    assert any(message.startswith("Release: ") for message in caplog.messages)


def test_a_database_that_is_damaged_stops_the_start(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    workspace.root.mkdir(parents=True)
    workspace.judgements_file.write_bytes(b"nonsense" * 1000)
    (message,), begun = started(monkeypatch, workspace)
    assert message["type"] == "lifespan.startup.failed"
    assert message["message"].startswith("Longtail does not start. Database: ")
    assert not begun


def test_a_check_that_breaks_stops_the_start_too(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks(_workspace: Workspace) -> Any:
        raise RuntimeError("odd")

    monkeypatch.setattr(starting, "check_all", breaks)
    (message,), begun = started(monkeypatch, workspace)
    assert message["type"] == "lifespan.startup.failed"
    assert "odd" not in message["message"]
    assert not begun
