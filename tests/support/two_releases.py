"""One tiny release per test run for tests that only read, and a fresh copy for tests that damage."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from engine.core.workspace import Workspace
from engine.recommend.recommender import Recommender
from tests.support.tiny_release import TinyRelease, build_tiny_release


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> TinyRelease:
    """A shop of 60 products with releases r0001 and r0002, the second one published last. Read only."""
    workspace = Workspace(tmp_path_factory.mktemp("tiny") / "workspace")
    build_tiny_release(workspace)
    return build_tiny_release(workspace)


@pytest.fixture(scope="session")
def recommender(tiny: TinyRelease) -> Recommender:
    return Recommender.open(tiny.workspace)


@pytest.fixture
def releases(tiny: TinyRelease, tmp_path: Path) -> Workspace:
    """A workspace of one's own with the two releases of `tiny`, to damage."""
    workspace = Workspace(tmp_path / "workspace")
    shutil.copytree(tiny.workspace.releases, workspace.releases)
    return workspace
