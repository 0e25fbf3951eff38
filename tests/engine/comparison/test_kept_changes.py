from __future__ import annotations

import shutil
from dataclasses import replace

import pytest

from engine.comparison.changed_lists import ChangedLists
from engine.comparison.kept_changes import is_behind, keep_change, kept_change
from engine.comparison.list_gains import Tally
from engine.comparison.release_change import ReleaseChange
from engine.core.workspace import Workspace
from engine.release.manifest import read_manifest

K = 10


@pytest.fixture
def change(releases: Workspace) -> ReleaseChange:
    before, after = (read_manifest(releases.releases / one).edition for one in ("r0001", "r0002"))
    tallies = {"head": Tally(20, 5, 4, 1), "tail": Tally(40, 9, 3, 2)}
    return ReleaseChange(before, after, K, 12, ChangedLists(60, 14, 2.5, 0, 0), "likeness", tallies)


def test_what_was_kept_is_found_as_it_was(releases, change):
    assert kept_change(releases, "r0001", "r0002", K) is None
    keep_change(releases, change)
    assert kept_change(releases, "r0001", "r0002", K) == change
    assert kept_change(releases, "r0002", "r0001", K) is None
    assert kept_change(releases, "r0001", "r0002", 5) is None


def test_it_speaks_of_no_other_release_with_the_same_id(releases, change):
    keep_change(releases, replace(change, after="r0002-another00000"))
    assert kept_change(releases, "r0001", "r0002", K) is None


@pytest.mark.parametrize("bytes_", [b"", b"{", b"[]", b'{"k": 10}', b"[" * 30_000])
def test_a_file_that_says_nothing_is_no_change(releases, change, bytes_):
    keep_change(releases, change)
    (file,) = releases.release_changes.glob("*.json")
    file.write_bytes(bytes_)
    assert kept_change(releases, "r0001", "r0002", K) is None


def test_what_is_kept_of_a_release_that_is_gone_goes_too(releases, change):
    keep_change(releases, change)
    shutil.rmtree(releases.releases / "r0001")
    keep_change(releases, replace(change, before=change.after, after=change.after))
    assert [file.stem for file in releases.release_changes.glob("*.json")] == [f"{change.after}+{change.after}"]


def test_a_disk_that_refuses_costs_nothing_but_the_file(releases, change):
    releases.release_changes.write_text("a file where a folder should be")
    keep_change(releases, change)
    assert kept_change(releases, "r0001", "r0002", K) is None


@pytest.mark.parametrize(
    ("judged", "last_id", "behind"), [(0, 24, False), (0, 25, True), (1000, 1249, False), (1000, 1250, True)]
)
def test_it_is_worked_out_again_once_much_was_judged(change, judged, last_id, behind):
    assert is_behind(replace(change, judged=judged), last_id) is behind
