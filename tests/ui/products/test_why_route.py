"""What is behind a sentence, as the browser asks for it."""

from __future__ import annotations

import time
from typing import Any

import pytest
import streamlit as st
from starlette.testclient import TestClient

from engine.core.workspace import Workspace
from tests.support.sign_in import gated, use_oidc
from tests.support.tiny_release import build_tiny_release

ASKED = {"item": "f1-03", "arm": "hybrid", "neighbour": "f1-00", "rank": "2"}


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return build_tiny_release(Workspace(tmp_path_factory.mktemp("why") / "shop")).workspace


@pytest.fixture
def client(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> TestClient:
    monkeypatch.setenv("LONGTAIL_WORKSPACE", str(workspace.root))
    st.cache_resource.clear()
    return gated()


def settled(client: TestClient, asked: dict[str, str]) -> dict[str, Any]:
    """The answer once nothing is worked out any more."""
    for _ in range(200):
        answer: dict[str, Any] = client.get("/why", params=asked).json()
        if not answer["pending"]:
            return answer
        time.sleep(0.05)
    raise AssertionError("it is worked out for ever")


def test_the_panel_comes_at_once_and_the_ranks_follow(client):
    first = client.get("/why", params=ASKED)
    assert first.status_code == 200
    assert first.headers["cache-control"] == "no-store"
    assert "colour" in first.json()["sentence"]
    answer = settled(client, ASKED)
    assert answer["title"] == "Why it is 2nd in Longtail’s list"
    assert sum(bar["share"] for bar in answer["bars"]) == pytest.approx(1.0, abs=0.05)
    names = [line["name"] for line in answer["ranks"]]
    assert names == ["Without behaviour", "By behaviour alone", "Without the text", "Without the details"]
    assert "Striped maxi dress in navy, no. 3" in answer["note"]


def test_behaviour_waits_for_nothing(client):
    answer = settled(client, {**ASKED, "arm": "als"})
    assert [line["name"] for line in answer["ranks"]] == ["Without behaviour"]
    assert [bar["name"] for bar in answer["bars"]] == ["Their own shoppers"]


@pytest.mark.parametrize(
    ("wrong", "status"),
    [
        ({"item": "nothing"}, 404),
        ({"neighbour": "\ud800".encode("utf-8", "replace").decode()}, 404),
        ({"neighbour": ""}, 404),
        ({"arm": "nonsense"}, 404),
        ({"rank": "-1"}, 400),
        ({"rank": "²"}, 400),
        ({"rank": "9" * 5000}, 400),
    ],
)
def test_nonsense_is_refused_in_a_sentence(client, wrong, status):
    answer = client.get("/why", params={**ASKED, **wrong})
    assert answer.status_code == status
    assert answer.json()["error"]


def test_nobody_is_answered_before_they_sign_in(client, monkeypatch):
    use_oidc(monkeypatch)
    assert client.get("/why", params=ASKED).status_code in (401, 403)
