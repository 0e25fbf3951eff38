from __future__ import annotations

import errno
import json
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.core.errors import NoReleaseError, NotFoundError, ReleaseError
from engine.core.workspace import Workspace
from engine.release import manifest as manifests
from engine.release.publish import (
    Manifest,
    current_release_id,
    last_good_release,
    list_releases,
    new_release_id,
    publish,
    published_releases,
    rollback,
    verify_release,
    write_release,
)
from tests.support.tiny_release import TinyRelease

FIELDS: dict[str, Any] = {"snapshot_id": "s", "seed": 3, "settings": {}, "counts": {"n_items": 2}, "arms": {}}


def small(workspace: Workspace, text: str = "hello", **more: Any) -> str:
    """A release of one file."""

    def fill(directory: Path) -> dict[str, Any]:
        (directory / "deep").mkdir()
        (directory / "deep" / "file.txt").write_text(text)
        return FIELDS | more

    release_id = new_release_id(workspace)
    write_release(workspace, release_id, fill)
    return release_id


def visible(workspace: Workspace) -> list[str]:
    return sorted(path.name for path in workspace.releases.iterdir() if not path.name.startswith("."))


def test_a_release_says_what_it_is(workspace: Workspace) -> None:
    release_id = small(workspace, note="extra")
    manifest = verify_release(workspace, release_id)
    assert (manifest.release_id, manifest.number, manifest.label) == ("r0001", "1", "Release 1")
    assert (manifest.snapshot_id, manifest.seed, manifest.n_items) == ("s", 3, 2)
    assert manifest.extra == {"note": "extra"}
    assert list(manifest.files) == ["deep/file.txt"]
    assert manifest.files["deep/file.txt"]["bytes"] == 5
    assert manifest.damage is None


def test_ids_count_up_and_are_never_given_twice(workspace: Workspace) -> None:
    with ThreadPoolExecutor(8) as pool:
        ids = list(pool.map(lambda _: new_release_id(workspace), range(40)))
    assert sorted(ids) == [f"r{number:04d}" for number in range(1, 41)]


def test_the_id_of_a_release_that_was_removed_is_not_used_again(workspace: Workspace) -> None:
    shutil.rmtree(workspace.releases / small(workspace))
    assert new_release_id(workspace) == "r0002"


def test_a_release_that_fails_while_it_is_written_leaves_nothing(workspace: Workspace) -> None:
    def fill(directory: Path) -> dict[str, Any]:
        (directory / "half.txt").write_text("half")
        raise RuntimeError("the disk is full")

    with pytest.raises(RuntimeError, match="full"):
        write_release(workspace, new_release_id(workspace), fill)
    assert visible(workspace) == []
    assert not list(workspace.releases.glob("*.part"))


def test_a_release_is_never_written_over(workspace: Workspace) -> None:
    release_id = small(workspace, "first")
    with pytest.raises(ReleaseError, match="never changed"):
        write_release(workspace, release_id, lambda directory: FIELDS)
    assert (workspace.releases / release_id / "deep" / "file.txt").read_text() == "first"


def test_of_two_writers_of_one_id_the_later_is_told(workspace: Workspace) -> None:
    release_id = new_release_id(workspace)

    def fill(directory: Path) -> dict[str, Any]:
        (directory / "mine.txt").write_text("mine")
        write_release(workspace, release_id, lambda inner: FIELDS)
        return FIELDS

    with pytest.raises(ReleaseError, match="another process"):
        write_release(workspace, release_id, fill)
    assert verify_release(workspace, release_id).files == {}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"seed": None}, "seed"),
        ({"counts": {}}, "n_items"),
        ({"arms": []}, "arms"),
        ({"metrics": 5}, "metrics"),
        ({"release_id": "r9"}, "release_id"),
        ({"note": float("nan")}, "JSON"),
        ({"note": np.float32(1)}, "JSON"),
    ],
)
def test_a_manifest_that_would_be_wrong_is_not_written(workspace: Workspace, change: dict, message: str) -> None:
    with pytest.raises(ReleaseError, match=message):
        write_release(workspace, "r0001", lambda directory: FIELDS | change)
    assert visible(workspace) == []


@pytest.mark.parametrize("release_id", ["../r0001", "r1", "", "current", "r0001/..", "R0001"])
def test_what_is_no_id_is_refused(workspace: Workspace, release_id: str) -> None:
    small(workspace)
    for action in (verify_release, publish, lambda w, i: write_release(w, i, lambda directory: FIELDS)):
        with pytest.raises(NotFoundError):
            action(workspace, release_id)


def test_a_release_that_is_not_there_is_named_with_those_that_are(workspace: Workspace) -> None:
    small(workspace)
    with pytest.raises(NotFoundError, match=r"r0009.*r0001"):
        verify_release(workspace, "r0009")


def every_file(tiny: TinyRelease) -> list[str]:
    directory = tiny.workspace.releases / tiny.release_id
    return sorted(path.relative_to(directory).as_posix() for path in directory.rglob("*") if path.is_file())


def test_a_flipped_bit_in_any_file_is_found_and_the_file_named(tiny: TinyRelease, releases: Workspace) -> None:
    rng = np.random.default_rng(5)
    directory = releases.releases / tiny.release_id
    for name in every_file(tiny):
        good = (directory / name).read_bytes()
        for _ in range(5):
            bad = bytearray(good)
            bad[rng.integers(len(bad))] ^= 1 << int(rng.integers(8))
            (directory / name).write_bytes(bad)
            with pytest.raises(ReleaseError, match=f"Release 2 is damaged .*{name}"):
                verify_release(releases, tiny.release_id)
        (directory / name).write_bytes(good)
    assert verify_release(releases, tiny.release_id).release_id == tiny.release_id


def test_a_file_that_is_missing_or_cut_short_is_named(tiny: TinyRelease, releases: Workspace) -> None:
    for name in every_file(tiny):
        path = releases.releases / tiny.release_id / name
        good = path.read_bytes()
        path.write_bytes(good[: len(good) // 2])
        with pytest.raises(ReleaseError, match=name):
            verify_release(releases, tiny.release_id)
        path.unlink()
        with pytest.raises(ReleaseError, match=f"{name} is missing"):
            verify_release(releases, tiny.release_id)
        path.write_bytes(good)


@pytest.mark.parametrize(
    "content", ["", "{}", "[]", "null", "\udcff", '{"format_version": 1}', '{"format_version": 99}', "[" * 100_000]
)
def test_a_manifest_that_is_none_is_damage_and_no_crash(tiny: TinyRelease, releases: Workspace, content: str) -> None:
    path = releases.releases / tiny.release_id / "manifest.json"
    path.write_bytes(content.encode("utf-8", "surrogateescape"))
    with pytest.raises(ReleaseError, match="Release 2 is damaged"):
        verify_release(releases, tiny.release_id)
    assert [bool(manifest.damage) for manifest in list_releases(releases)] == [True, False]


def test_a_release_under_another_releases_name_is_damaged(releases: Workspace) -> None:
    shutil.copytree(releases.releases / "r0001", releases.releases / "r0007")
    with pytest.raises(ReleaseError, match="belongs to release r0001"):
        verify_release(releases, "r0007")


def test_a_manifest_cannot_point_out_of_its_release(workspace: Workspace) -> None:
    release_id = small(workspace)
    path = workspace.releases / release_id / "manifest.json"
    content = json.loads(path.read_text())
    del content["manifest_sha256"]
    content["files"]["../../outside"] = content["files"]["deep/file.txt"]
    path.write_text(json.dumps(content | {"manifest_sha256": manifests._digest(content)}))
    with pytest.raises(ReleaseError, match="outside the release"):
        verify_release(workspace, release_id)


def test_nothing_is_published_until_something_is(workspace: Workspace) -> None:
    assert current_release_id(workspace) is None
    small(workspace)
    assert current_release_id(workspace) is None
    with pytest.raises(NoReleaseError, match="Train first"):
        last_good_release(workspace)


def test_publishing_and_rolling_back_walk_the_history(workspace: Workspace) -> None:
    first, second, third = small(workspace), small(workspace), small(workspace)
    for release_id in (first, third, second):
        publish(workspace, release_id)
    publish(workspace, second)  # once more changes nothing
    assert current_release_id(workspace) == second
    assert published_releases(workspace) == [first, third, second]
    assert rollback(workspace) == third
    assert current_release_id(workspace) == third
    assert rollback(workspace) == first
    with pytest.raises(ReleaseError, match="no earlier release"):
        rollback(workspace)
    assert current_release_id(workspace) == first


def test_rolling_back_passes_over_a_damaged_release(workspace: Workspace) -> None:
    ids = [small(workspace) for _ in range(3)]
    for release_id in ids:
        publish(workspace, release_id)
    (workspace.releases / ids[1] / "deep" / "file.txt").write_text("hellO")
    assert rollback(workspace) == ids[0]


def test_a_damaged_release_is_not_published_and_the_served_one_stays(workspace: Workspace) -> None:
    good, bad = small(workspace), small(workspace)
    publish(workspace, good)
    (workspace.releases / bad / "deep" / "file.txt").unlink()
    with pytest.raises(ReleaseError, match=r"Release 2 is damaged \(deep/file\.txt is missing\)"):
        publish(workspace, bad)
    assert current_release_id(workspace) == good


def test_a_lost_history_costs_the_way_back_but_not_what_is_served(workspace: Workspace) -> None:
    publish(workspace, small(workspace))
    publish(workspace, small(workspace))
    for content in ("", "{}", '{"published": 5}', '{"published": ["../x", 7]}'):
        (workspace.releases / "history.json").write_text(content)
        assert last_good_release(workspace) == ("r0002", None)
        with pytest.raises(ReleaseError, match="no earlier release"):
            rollback(workspace)
    publish(workspace, "r0001")
    assert rollback(workspace) == "r0002"


def test_a_history_that_runs_ahead_of_the_pointer_is_trimmed(workspace: Workspace) -> None:
    """What a publish that was killed between its two writes leaves."""
    first, second = small(workspace), small(workspace)
    publish(workspace, first)
    (workspace.releases / "history.json").write_text(json.dumps({"published": [first, second]}))
    assert published_releases(workspace) == [first]
    assert last_good_release(workspace) == (first, None)
    publish(workspace, second)
    assert published_releases(workspace) == [first, second]
    # And a rollback that was killed there.
    (workspace.releases / "history.json").write_text(json.dumps({"published": [first]}))
    assert published_releases(workspace) == [first, second]


def test_where_the_published_release_is_damaged_the_one_before_is_served_and_a_sentence_says_so(
    tiny: TinyRelease, releases: Workspace
) -> None:
    index = releases.releases / "r0002" / "hybrid.ann"
    data = bytearray(index.read_bytes())
    data[100] ^= 1
    index.write_bytes(data)
    release_id, notice = last_good_release(releases)
    assert release_id == "r0001"
    assert notice is not None
    assert notice.startswith(
        "Release 2 is damaged (hybrid.ann does not match its checksum); showing release 1, trained "
    )
    assert [manifest.damage for manifest in list_releases(releases)] == ["hybrid.ann does not match its checksum", None]
    assert [manifest.damage for manifest in list_releases(releases, verify=False)] == [None, None]


@pytest.mark.parametrize(
    ("pointer", "begin"),
    [
        ("r0099", "Release 99 is gone;"),
        ("", "The published release cannot"),
        ("../../etc", "The published release cannot"),
    ],
)
def test_a_pointer_to_nothing_falls_back_to_what_was_published(releases: Workspace, pointer: str, begin: str) -> None:
    (releases.releases / "current").write_text(pointer)
    release_id, notice = last_good_release(releases)
    assert release_id == "r0002"
    assert notice is not None
    assert notice.startswith(begin)


def test_a_pointer_of_rubbish_bytes_is_no_crash(releases: Workspace) -> None:
    (releases.releases / "current").write_bytes(b"\xff\xfe\x00")
    assert last_good_release(releases)[0] == "r0002"


def test_a_release_that_was_never_published_is_served_only_when_no_other_is_whole(workspace: Workspace) -> None:
    published, worse, unpublished = small(workspace), small(workspace), small(workspace)
    publish(workspace, published)
    publish(workspace, worse)
    (workspace.releases / worse / "manifest.json").unlink()
    assert last_good_release(workspace)[0] == published
    (workspace.releases / published / "manifest.json").unlink()
    assert last_good_release(workspace)[0] == unpublished
    (workspace.releases / unpublished / "manifest.json").unlink()
    with pytest.raises(ReleaseError, match="no other release is whole"):
        last_good_release(workspace)


def test_releases_are_listed_newest_first_by_number(workspace: Workspace) -> None:
    workspace.releases.mkdir(parents=True)
    for name in ("r0009", "r0010", "r10000", "notes", "r12"):
        (workspace.releases / name).mkdir()
    assert [manifest.number for manifest in list_releases(workspace)] == ["10000", "10", "9"]
    assert list_releases(Workspace(workspace.root / "empty")) == []


def test_the_same_vectors_and_seed_give_the_same_files(tiny: TinyRelease) -> None:
    first, second = (verify_release(tiny.workspace, release_id) for release_id in ("r0001", "r0002"))
    assert first.files == second.files
    assert len(first.files) > 12
    assert first.created_at != second.created_at


def test_a_second_look_at_a_release_reads_no_file_again(tiny: TinyRelease, monkeypatch: pytest.MonkeyPatch) -> None:
    verify_release(tiny.workspace, tiny.release_id)

    def refuse(path: Path) -> str:
        raise AssertionError(f"{path} was read again")

    monkeypatch.setattr("engine.release.checksums.file_sha256", refuse)
    assert isinstance(verify_release(tiny.workspace, tiny.release_id), Manifest)


WRITER = """
import os, sys
from pathlib import Path
from engine.release.publish import new_release_id, publish, rollback, write_release
from engine.core.workspace import Workspace

workspace = Workspace(Path(sys.argv[1]))
def fill(directory):
    for part in range(4):
        (directory / f"{part}.bin").write_bytes(os.urandom(5_000))
    return {"snapshot_id": "s", "seed": 0, "settings": {}, "counts": {"n_items": 1}, "arms": {}}
print("ready", flush=True)
while True:
    for _ in range(3):
        release_id = new_release_id(workspace)
        write_release(workspace, release_id, fill)
        publish(workspace, release_id)
        print(release_id, flush=True)
    rollback(workspace)
"""


def test_a_writer_killed_at_any_moment_leaves_whole_releases_and_a_whole_pointer(workspace: Workspace) -> None:
    rng = np.random.default_rng(11)
    verified: set[str] = set()
    for _ in range(30):
        child = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(workspace.root)],
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(manifests.__file__).parents[2],
        )
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
        for _ in range(int(rng.integers(4))):
            assert child.stdout.readline()
        time.sleep(float(rng.uniform(0, 0.03)))
        child.kill()
        child.wait()
        child.stdout.close()
        for release_id in visible(workspace):
            if release_id.startswith("r") and release_id not in verified:
                verify_release(workspace, release_id)
                verified.add(release_id)
        current = current_release_id(workspace)
        if current is not None:
            assert last_good_release(workspace) == (current, None)
            assert published_releases(workspace)[-1] == current
    assert len(verified) >= 10, "the writers were killed before they wrote anything"
    # Whatever was killed holds no lock and blocks no number.
    publish(workspace, small(workspace))


def test_a_full_disk_is_said_once_and_leaves_nothing(workspace: Workspace) -> None:
    def fill(directory: Path) -> dict[str, Any]:
        raise OSError(errno.ENOSPC, "No space left on device", str(directory / "content.npy"))

    with pytest.raises(ReleaseError, match="could not be written") as said:
        write_release(workspace, new_release_id(workspace), fill)
    assert str(said.value).lower().count("disk is full") == 1
    assert "Is the disk full?" not in str(said.value)
    assert not any(path.is_dir() for path in workspace.releases.iterdir())
