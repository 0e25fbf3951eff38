from __future__ import annotations

import os
import shutil
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from engine.core.errors import NoReleaseError, NoRoomError, ReleaseError
from engine.core.workspace import Workspace
from engine.recommend.current_release import CurrentRelease
from engine.recommend.recommender import Recommender
from engine.release.checksums import checked_sha256
from engine.release.publish import publish, rollback
from tests.support.tiny_release import TinyRelease


def noise_in_place(file: Path) -> None:
    """Other bytes of the same number in the same inode."""
    with file.open("r+b") as stream:
        stream.write(np.random.default_rng(1).bytes(file.stat().st_size))


def lists(release: Recommender) -> list[list[str]]:
    return [
        [one.item_id for one in release.neighbours(item, arm, 5)] for item in ("f0-01", "f3-08") for arm in release.arms
    ]


def eventually(what: Callable[[], bool]) -> None:
    until = time.monotonic() + 10
    while not what():
        assert time.monotonic() < until, "nothing happened within ten seconds"
        time.sleep(0.02)


def test_publishing_and_rolling_back_are_followed_at_once(releases: Workspace) -> None:
    current = CurrentRelease(releases)
    assert current.get().release_id == "r0002"
    assert current.get() is current.get()
    rollback(releases)
    assert current.get().release_id == "r0001"
    publish(releases, "r0002")
    assert current.get().release_id == "r0002"
    assert current.get().notice is None


@pytest.mark.parametrize("harm", [noise_in_place, lambda file: os.truncate(file, 10), Path.unlink])
@pytest.mark.parametrize("name", ["hybrid.npy", "encoders/encoders.json", "manifest.json"])
def test_damage_goes_to_the_last_good_release_with_the_reason_and_back(
    releases: Workspace, harm: Callable[[Path], None], name: str, caplog: pytest.LogCaptureFixture
) -> None:
    current = CurrentRelease(releases, check_seconds=0.02)
    expected = lists(current.get())
    file = releases.releases / "r0002" / name
    before = file.read_bytes()
    harm(file)
    assert lists(current.get()) == expected  # the same lists, from either release
    eventually(lambda: current.get().release_id == "r0001")
    notice = current.get().notice or ""
    assert notice.startswith("Release 2 is damaged (")
    assert name in notice
    assert any(record.levelname == "ERROR" and name in record.message for record in caplog.records)
    file.write_bytes(before)
    eventually(lambda: current.get().release_id == "r0002")
    assert current.get().notice is None


@pytest.mark.parametrize(
    "harm", [Path.unlink, lambda file: file.write_bytes(b"\xff\0"), lambda file: file.write_text("r9")]
)
def test_a_pointer_that_is_gone_or_nonsense_costs_a_notice_alone(
    releases: Workspace, harm: Callable[[Path], object]
) -> None:
    publish(releases, "r0001")
    publish(releases, "r0002")
    current = CurrentRelease(releases)
    assert current.get().notice is None
    harm(releases.releases / "current")
    assert current.get().release_id == "r0002"
    assert "releases/current" in (current.get().notice or "")
    publish(releases, "r0002")
    assert current.get().notice is None


def test_where_no_release_is_whole_the_one_that_is_open_stays_and_says_so(releases: Workspace) -> None:
    current = CurrentRelease(releases)
    expected = lists(current.get())
    for release_id in ("r0001", "r0002"):
        noise_in_place(releases.releases / release_id / "hybrid.npy")
    current.check()
    assert lists(current.get()) == expected
    assert "no other release is whole" in (current.get().notice or "")
    with pytest.raises(ReleaseError):
        CurrentRelease(releases).get()


def test_a_workspace_that_was_emptied_has_no_release(releases: Workspace) -> None:
    current = CurrentRelease(releases)
    current.get()
    shutil.rmtree(releases.releases)
    current.check()
    with pytest.raises(NoReleaseError):
        current.get()


def test_bits_that_changed_without_a_time_stamp_are_found_when_all_is_read_again(
    releases: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.recommend.current_release.READ_ALL_SPEED", 1e12)
    current = CurrentRelease(releases, read_all_seconds=0)
    assert current.get().release_id == "r0002"
    file = releases.releases / "r0002" / "hybrid.npy"
    stamp = (1, 2, 3, 4)
    monkeypatch.setattr("engine.release.checksums._stamp", lambda path: stamp)  # a disk that lies changes no stamp
    checked_sha256(file)
    noise_in_place(file)
    current.check()
    assert current.get().release_id == "r0001"


def test_watching_ends_with_the_object(releases: Workspace) -> None:
    current = CurrentRelease(releases, check_seconds=0.02)
    current.get()
    watch = current._watch
    assert watch is not None
    del current
    watch.join(timeout=10)
    assert not watch.is_alive()


def test_files_truncated_in_place_while_they_serve_end_no_process(tiny: TinyRelease, tmp_path: Path) -> None:
    """In a child process: a file that is mapped from disk would end it here with SIGBUS."""
    workspace = Workspace(tmp_path / "workspace")
    shutil.copytree(tiny.workspace.releases, workspace.releases)
    code = """
        import os, sys
        from pathlib import Path
        from engine.core.workspace import Workspace
        from engine.recommend.current_release import CurrentRelease

        workspace = Workspace(Path(sys.argv[1]))
        release = CurrentRelease(workspace).get()
        items = release.items["item_id"].tolist()

        def answers():
            found = [release.neighbours(item, arm, 5) for item in items for arm in release.arms]
            return found, release.ranked_by_shopper("s0-01", "hybrid", 5), release.ranked_by_shopper("s0-01", "als", 5)

        before = answers()
        for file in workspace.releases.rglob("*"):
            if file.is_file():
                os.truncate(file, 0)
        assert answers() == before
        print("served", len(before[0]))
    """
    child = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), str(workspace.root)], capture_output=True, text=True, check=False
    )
    assert (child.returncode, child.stdout.split()) == (0, ["served", "240"]), child.stderr


def test_a_release_that_memory_does_not_hold_beside_the_served_one_waits_until_there_is_room(
    releases: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    rollback(releases)
    current = CurrentRelease(releases, check_seconds=60)
    current.get()
    monkeypatch.setattr("engine.release.room.free_memory", lambda: -time.monotonic_ns())  # other numbers at every look
    publish(releases, "r0002")
    served = current.get()
    assert served.release_id == "r0001"
    assert served.notice == (
        "There is not enough memory to open the latest release beside release 1, which is still shown. "
        "Close other programs, or restart Longtail."
    )
    current.check()
    assert current.get() is served  # and nothing is logged again
    with pytest.raises(NoRoomError, match="Opening release 2 takes"):
        Recommender.open(releases)
    monkeypatch.undo()
    current.check()
    assert current.get().release_id == "r0002"
    assert current.get().notice is None


def test_what_takes_long_to_open_is_opened_while_the_release_before_it_is_shown(
    releases: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    may_open, opened, ready = threading.Event(), Recommender.open, list[str]()
    monkeypatch.setattr(Recommender, "get_ready", lambda self: ready.append(self.release_id))
    rollback(releases)
    current = CurrentRelease(releases, check_seconds=60, wait_seconds=1.0)
    first = current.get()
    eventually(lambda: ready == ["r0001"])

    def slowly(workspace: Workspace) -> Recommender:
        assert may_open.wait(20)
        return opened(workspace)

    monkeypatch.setattr(Recommender, "open", slowly)
    publish(releases, "r0002")
    shown = current.get()
    assert (shown.release_id, shown.version) == ("r0001", first.version)
    assert shown.notice == "Release 2 is opening. You see release 1 until it is ready."
    began = time.monotonic()
    assert current.get() is shown
    assert time.monotonic() - began < 0.8, "whoever comes later does not wait at all"
    assert lists(shown) == lists(first)
    assert (current.opening, current.next_id()) == ("r0002", "r0001")
    may_open.set()
    eventually(lambda: current.get().release_id == "r0002")
    assert (current.get().notice, current.opening, current.next_id()) == (None, None, "r0002")
    assert ready == ["r0001", "r0002"], "nobody waits for its first list either"


def test_what_fails_while_another_release_is_opened_is_told_and_tried_again_by_the_watch_alone(
    releases: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    rollback(releases)
    current = CurrentRelease(releases, check_seconds=60)
    current.get()
    tried: list[str] = []

    def without_memory(workspace: Workspace) -> Recommender:
        tried.append("r0002")
        raise MemoryError

    monkeypatch.setattr(Recommender, "open", without_memory)
    publish(releases, "r0002")
    served = current.get()
    assert served.release_id == "r0001"
    assert served.notice == "The latest release could not be opened; the log says why. What is shown is release 1."
    assert current.get() is served
    assert (tried, current.opening) == (["r0002"], None)
    assert current.next_id() == "r0001", "what is shown, so that the bell offers the other once it is open"
    monkeypatch.undo()
    current.check()
    assert (current.get().release_id, current.get().notice) == ("r0002", None)


def test_a_first_release_gets_ready_after_it_is_shown_and_what_fails_then_harms_nobody(
    releases: Workspace, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    may_fail = threading.Event()

    def get_ready(self: Recommender) -> None:
        assert may_fail.wait(20)
        raise OSError("no memory")

    monkeypatch.setattr(Recommender, "get_ready", get_ready)
    assert CurrentRelease(releases, check_seconds=60).get().release_id == "r0002"
    may_fail.set()
    eventually(lambda: "could not get Release 2 ready" in caplog.text)
