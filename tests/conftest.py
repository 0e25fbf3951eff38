"""Fixtures that every test folder shares."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.core.workspace import Workspace

REPOSITORY = Path(__file__).resolve().parent.parent


def skip_or_fail(reason: str) -> None:
    """Skip, but where LONGTAIL_NO_SKIPS is set (CI) fail: there everything a test needs has been installed."""
    if os.environ.get("LONGTAIL_NO_SKIPS") == "1":
        pytest.fail(f"{reason} (LONGTAIL_NO_SKIPS=1 allows no skip)")
    pytest.skip(reason)


@pytest.fixture(autouse=True)
def main_module() -> Iterator[None]:
    """Streamlit's AppTest leaves its script as `__main__`; processes that a later test spawns would run it."""
    before = sys.modules["__main__"]
    yield
    sys.modules["__main__"] = before


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real data sets; tests that need one skip where it is absent."""
    folder = Path(os.environ.get("LONGTAIL_SHARED_DATA", REPOSITORY.parent / "shared" / "data"))
    if not folder.is_dir():
        skip_or_fail(f"real data is not at {folder}; set LONGTAIL_SHARED_DATA")
    return folder


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """An empty workspace."""
    return Workspace(tmp_path / "workspace")
