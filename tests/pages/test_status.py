"""The Status page: checks with what to do, what goes on, and what went wrong; for leads and admins."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from engine.access.acting import Actor, acting, resolve_with
from engine.access.roles import Role
from engine.core.errors import NotAllowedError
from engine.core.workspace import Workspace
from engine.jobs.recording import recorded_run
from pages.status import page
from tests.support.tiny_release import build_tiny_release
from ui.app.person import person


@pytest.fixture(autouse=True)
def shop(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workspace]:
    monkeypatch.setenv("LONGTAIL_WORKSPACE", str(workspace.root))
    build_tiny_release(workspace)
    st.cache_resource.clear()
    st.cache_data.clear()
    yield workspace
    resolve_with(None)
    st.cache_data.clear()


def draw() -> None:
    from pages.status import page
    from ui.app.guard import guarded

    with guarded("Status"):
        page()


def open_page() -> AppTest:
    resolve_with(person)
    app = AppTest.from_function(draw, default_timeout=30).run()
    assert not app.exception
    return app


def test_a_shop_that_is_well_says_so() -> None:
    app = open_page()
    assert [one.value for one in app.success] == ["All is well."]
    assert not app.error
    assert {"Open tabs", "Judgements", "Products left to judge", "On somebody's screen"} == {
        m.label for m in app.metric
    }


def test_what_is_not_well_comes_first_with_what_to_do(shop: Workspace) -> None:
    (shop.root / "releases" / "r0001" / "metrics.json").write_bytes(b"damaged")
    app = open_page()
    assert not app.success
    assert any("Release" in one.value and "Train" in one.value for one in (*app.error, *app.warning))


def test_runs_and_errors_of_the_last_day_are_listed(shop: Workspace) -> None:
    with pytest.raises(RuntimeError), recorded_run(shop, "train"):
        raise RuntimeError
    shop.log_file.parent.mkdir(exist_ok=True)
    entry = {"time": datetime.now(UTC).isoformat(), "message": "unexpected in <b>Review</b>", "error": "5d0e7a91"}
    shop.log_file.write_text(json.dumps(entry) + "\n", "utf-8")
    runs, errors = (one.value for one in open_page().dataframe)
    assert runs.iloc[0]["What"] == "Training"
    assert runs.iloc[0]["State"] == "failed"
    assert errors.iloc[0]["Number"] == "5d0e7a91"


def test_a_merchandiser_is_refused() -> None:
    resolve_with(None)
    with (
        acting(Actor("Mo", Role.MERCHANDISER, "sign-in")),
        pytest.raises(NotAllowedError, match="Only a lead or an admin may see how the server is doing"),
    ):
        page()
