"""A release has the new arm, for its products and for those nobody has seen, and may add it to the hybrid."""

import tempfile
from pathlib import Path

from engine.arms.registry import channels
from engine.core.workspace import Workspace
from engine.recommend.recommender import Recommender
from engine.recommend.unseen import neighbours_of_unseen
from tests.support.tiny_release import build_tiny_release

with tempfile.TemporaryDirectory() as folder:
    workspace = Workspace(Path(folder))
    build_tiny_release(workspace)
    release = Recommender.open(workspace)
    assert "first_numbers" in release.arms
    assert "first_numbers" in channels()
    assert len(release.neighbours("f1-02", "first_numbers", 5)) == 5
    assert len(neighbours_of_unseen(release, workspace, release.product("f1-02"), 5, "first_numbers")) == 5
