"""The new page opens in the dashboard."""

import os
import tempfile
from pathlib import Path

from engine.core.workspace import Workspace
from tests.support.tiny_release import build_tiny_release

with tempfile.TemporaryDirectory() as folder:
    os.environ["LONGTAIL_WORKSPACE"] = folder
    build_tiny_release(Workspace(Path(folder)))
    from streamlit.testing.v1 import AppTest

    from ui.app.navigation import NAVIGATION

    assert "brands" in [entry.module for entry in NAVIGATION["Shop"]]

    def show() -> None:
        from pages.brands import page

        page()

    shown = AppTest.from_function(show, default_timeout=60).run()
    assert not shown.exception
    assert shown.title[0].value == "Brands"
    assert len(shown.dataframe[0].value) > 1
