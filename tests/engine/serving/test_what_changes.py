from __future__ import annotations

import pytest

from engine.comparison.kept_changes import kept_change
from engine.core.errors import NotFoundError
from engine.release.publish import publish, rollback
from engine.serving.what_changes import replaced_by, what_changes
from tests.support.two_releases import releases, tiny

__all__ = ["releases", "tiny"]


def test_it_is_worked_out_once_and_then_looked_up(releases):
    found = what_changes(releases, "r0001", "r0002", 10, None)
    assert kept_change(releases, "r0001", "r0002", 10) == found
    for file in (releases.releases / "r0001").glob("*.npy"):
        file.unlink()  # nobody could open it any more
    assert what_changes(releases, "r0001", "r0002", 10, None) == found


def test_a_release_that_is_gone_is_an_error(releases):
    with pytest.raises(NotFoundError, match="r0009"):
        what_changes(releases, "r0009", "r0002", 10, None)


def test_a_release_is_compared_with_what_it_took_the_place_of_or_would(releases):
    assert replaced_by(releases, "r0002") == "r0001"
    assert replaced_by(releases, "r0001") is None
    assert replaced_by(releases, "r0003") == "r0002"  # trained, and not published yet
    publish(releases, "r0001")
    assert replaced_by(releases, "r0001") == "r0002"
    rollback(releases)
    assert replaced_by(releases, "r0002") == "r0001"
