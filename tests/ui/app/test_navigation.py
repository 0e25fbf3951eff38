from __future__ import annotations

import importlib
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from engine.core.workspace import Workspace
from tests.conftest import REPOSITORY
from tests.support.dashboard import open_shell
from tests.support.tiny_release import build_tiny_release
from ui.app.navigation import NAVIGATION

PAGES = sorted(file for file in (REPOSITORY / "pages").glob("*.py") if file.stem != "__init__")


def test_every_page_is_in_the_navigation_once():
    modules = [entry.module for group in NAVIGATION.values() for entry in group]
    assert sorted(modules) == [file.stem for file in PAGES]
    assert list(NAVIGATION) == ["Shop", "Quality", "Engine"]


@pytest.mark.parametrize("file", PAGES, ids=lambda file: file.stem)
def test_a_page_is_a_function(file: Path):
    assert callable(importlib.import_module(f"pages.{file.stem}").page)


def test_the_script_does_not_lie_beside_a_folder_of_pages():
    # Streamlit would serve such a folder by itself until the first session has run the navigation.
    assert not (REPOSITORY / "ui" / "pages").exists()


def test_a_page_that_breaks_leaves_the_frame_standing(workspace: Workspace, monkeypatch, caplog):
    monkeypatch.setenv("LONGTAIL_WORKSPACE", str(workspace.root))
    build_tiny_release(workspace)
    monkeypatch.setattr("pages.similar_items.query", lambda *_, **__: 1 / 0)
    app: AppTest = open_shell()
    assert not app.exception
    assert "Something went wrong on our side" in app.error[0].value
    assert "division" not in app.error[0].value
    assert [link for link in app.get("html") if "Tiny Dresses" in link.proto.body]
