from __future__ import annotations

import json

import numpy as np
import pytest

from engine.core.errors import NoRoomError, NotFoundError, ReleaseError
from engine.core.workspace import Workspace
from engine.recommend.listed_release import ListedRelease
from engine.recommend.recommender import Recommender
from engine.release.manifest import read_manifest, write_manifest
from tests.support.tiny_release import TinyRelease

READ = ("items.parquet", "top_lists.npz")


def test_lists_and_products_are_those_of_the_whole_release(tiny: TinyRelease, recommender: Recommender) -> None:
    listed = ListedRelease.open(tiny.workspace, tiny.release_id)
    for item_id in tiny.families:
        assert listed.row(item_id) == recommender.row(item_id)
        for arm in ("als", "hybrid"):
            assert listed.neighbours(item_id, arm, 7) == recommender.neighbours(item_id, arm, 7)
    assert (listed.edition, listed.release_id) == (recommender.edition, recommender.release_id)
    assert listed.metrics == recommender.metrics
    np.testing.assert_array_equal(listed.content.candidates, recommender.content.candidates)
    with pytest.raises(NotFoundError, match="no product 'x'"):
        listed.neighbours("x")
    with pytest.raises(ValueError, match="20 neighbours of a product are kept, not 21"):
        listed.neighbours(next(iter(tiny.families)), k=21)
    with pytest.raises(NotFoundError, match="not of 'content'"):
        listed.neighbours(next(iter(tiny.families)), "content")


def test_only_what_lists_need_is_read(releases: Workspace) -> None:
    directory = releases.releases / "r0001"
    content = {read_manifest(directory).arms["content"]["query"], "arm_masks.npz", "metrics.json"}
    for file in directory.rglob("*"):
        if file.is_file() and file.name not in {*READ, *content, "manifest.json"}:
            file.unlink()
    listed = ListedRelease.open(releases, "r0001")
    assert len(listed.neighbours(str(listed.items["item_id"].iloc[0]))) == 10
    assert listed.content.query.any()
    for name in reversed(READ):
        (directory / name).write_bytes(b"others" + (directory / name).read_bytes()[6:])
        with pytest.raises(ReleaseError, match=f"Release 1 is damaged .{name}"):
            ListedRelease.open(releases, "r0001")


def test_a_release_that_is_gone_or_memory_does_not_hold_is_told(
    releases: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(NotFoundError, match="no release r0009"):
        ListedRelease.open(releases, "r0009")
    files = read_manifest(releases.releases / "r0001").files
    lists, free = sum(files[name]["bytes"] for name in READ), 0
    monkeypatch.setattr("engine.release.room.is_offered", lambda *_: False)
    monkeypatch.setattr("engine.release.room.free_memory", lambda: free)
    with pytest.raises(NoRoomError, match="Opening release 1"):
        ListedRelease.open(releases, "r0001")
    free = lists
    listed = ListedRelease.open(releases, "r0001")
    with pytest.raises(NoRoomError, match="Opening release 1"):
        Recommender.open(releases, "r0001")
    free = 0
    with pytest.raises(NoRoomError, match="Opening release 1"):
        listed.content.query.any()


def test_a_release_without_contents_is_told(releases: Workspace) -> None:
    directory = releases.releases / "r0001"
    content = json.loads((directory / "manifest.json").read_text("utf-8"))
    for name in ("manifest_sha256", "release_id", "format_version", "created_at", "files"):
        del content[name]
    del content["arms"]["content"]
    (directory / "manifest.json").unlink()
    write_manifest(directory, "r0001", content)
    with pytest.raises(ReleaseError, match="no arm 'content'"):
        ListedRelease.open(releases, "r0001").content.query.any()
