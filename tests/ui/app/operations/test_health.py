from __future__ import annotations

import threading
import time

import pytest
import streamlit as st
from starlette.applications import Starlette
from starlette.routing import Route
from starlette.testclient import TestClient

from engine.core.workspace import Workspace
from tests.support.tiny_release import build_tiny_release
from ui.app.operations.health import Readiness, live


@pytest.fixture
def client(workspace: Workspace, monkeypatch) -> TestClient:
    monkeypatch.setenv("LONGTAIL_WORKSPACE", str(workspace.root))
    st.cache_resource.clear()
    with TestClient(Starlette(routes=[Route("/live", live), Route("/ready", Readiness().ready)])) as client:
        yield client
    st.cache_resource.clear()


def test_a_server_without_a_shop_lives_and_is_ready(client: TestClient) -> None:
    assert client.get("/live").json() == {"status": "live"}
    answer = client.get("/ready")
    assert (answer.status_code, answer.json()) == (
        200,
        {"status": "ready", "settings": "ok", "database": "none yet", "disk": "ok", "release": "none yet"},
    )
    assert answer.headers["cache-control"] == "no-store"


def test_a_release_that_can_be_served_is_ready(client: TestClient, workspace: Workspace) -> None:
    build_tiny_release(workspace, 72)
    deadline = time.monotonic() + 30
    while (answer := client.get("/ready").json())["release"] != "ok":
        assert answer["release"] == "no answer within a second"
        assert time.monotonic() < deadline
    assert client.get("/ready").status_code == 200


@pytest.mark.parametrize(
    ("part", "harm"),
    [
        ("settings", lambda workspace: workspace.settings_file.write_text("nonsense")),
        ("database", lambda workspace: workspace.judgements_file.write_bytes(b"nonsense" * 1000)),
        ("release", lambda workspace: (workspace.releases / "current").write_text("r0009\n")),
    ],
    ids=["settings", "database", "release"],
)
def test_what_is_not_well_is_named_and_no_more_is_said(client, workspace: Workspace, caplog, part, harm) -> None:
    workspace.releases.mkdir(parents=True)
    harm(workspace)
    answer = client.get("/ready")
    assert answer.status_code == 503
    assert answer.json()["status"] == "not ready"
    assert answer.json()[part] == "failed"
    assert str(workspace.root) not in answer.text
    assert f"not ready: {part}" in caplog.text
    assert client.get("/live").status_code == 200


def test_a_part_that_hangs_is_asked_once_and_delays_nobody_for_long() -> None:
    asked, gate = [], threading.Event()

    def hang() -> str:
        asked.append(1)
        gate.wait(20)
        return "ok"

    ready = Readiness({"database": hang, "disk": lambda: "ok"}).ready
    with TestClient(Starlette(routes=[Route("/ready", ready)])) as client:
        began = time.monotonic()
        answers = [client.get("/ready").json() for _ in range(2)]
        assert time.monotonic() - began < 5
        assert len(asked) == 1
        gate.set()
        time.sleep(0.1)
        assert client.get("/ready").json()["database"] == "ok"
    assert answers == [{"status": "not ready", "database": "no answer within a second", "disk": "ok"}] * 2
