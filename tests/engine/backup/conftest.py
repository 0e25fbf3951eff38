"""A workspace with everything that a backup holds."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.core.workspace import Workspace
from tests.support.small_workspace import build_small_workspace


@pytest.fixture
def filled(tmp_path: Path) -> Workspace:
    """Of its own for every test."""
    return build_small_workspace(tmp_path / "filled")
