"""A release is trained with the new encoder, and reads a product nobody has seen with it."""

import tempfile
from pathlib import Path

from engine.core.settings import Settings
from engine.core.workspace import Workspace
from engine.recommend.recommender import Recommender
from engine.recommend.unseen import neighbours_of_unseen
from tests.support.tiny_release import build_tiny_release

with tempfile.TemporaryDirectory() as folder:
    workspace = Workspace(Path(folder))
    settings = Settings.model_validate({"text": {"model": "none"}, "image": {"kind": "none"}})
    build_tiny_release(workspace, settings=settings)
    release = Recommender.open(workspace)
    assert release.training["encoders"]["title_length"]["dim"] == 2
    assert len(neighbours_of_unseen(release, workspace, release.product("f1-02"), 5)) == 5
