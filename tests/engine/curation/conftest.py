"""One demo shop and its release for the tests that judge its lists."""

from __future__ import annotations

import pytest

from engine.core.workspace import Workspace
from engine.recommend.recommender import Recommender
from tests.support.tiny_release import TinyRelease, build_tiny_release


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> TinyRelease:
    """A demo shop of 72 products in 6 families, and its release."""
    return build_tiny_release(Workspace(tmp_path_factory.mktemp("tiny")), 72, demo=True)


@pytest.fixture(scope="session")
def recommender(tiny: TinyRelease) -> Recommender:
    return Recommender.open(tiny.workspace)


@pytest.fixture(scope="session")
def families(tiny: TinyRelease) -> dict[str, int]:
    return tiny.families
