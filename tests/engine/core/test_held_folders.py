from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from engine.core.held_folders import held_folder, hold, sweep

CHILD = """
import os, sys, time
from pathlib import Path
from engine.core.held_folders import held_folder, hold
if sys.argv[2] == "made":
    with held_folder(Path(sys.argv[1]), ".work-") as folder:
        (folder / "half").write_text("x")
        print(folder, flush=True)
        time.sleep(60)
else:
    hold(Path(sys.argv[2]))
    print("held", flush=True)
    time.sleep(60)
"""


@contextmanager
def child(parent: Path, what: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A process that makes a folder of its own, or holds the one that is named; with the line that it prints then."""
    command = [sys.executable, "-c", CHILD, str(parent), what]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        try:
            yield process, process.stdout.readline().strip()
        finally:
            process.kill()


def test_a_folder_goes_with_its_block_even_after_an_error(tmp_path: Path) -> None:
    def work() -> None:
        with held_folder(tmp_path, ".work-") as folder:
            (folder / "file").touch()
            sweep(tmp_path, ".work-")
            assert (folder / "file").exists()
            raise RuntimeError

    with pytest.raises(RuntimeError):
        work()
    assert not list(tmp_path.iterdir())


def test_what_a_killed_process_left_is_swept_and_a_living_ones_is_not(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    with child(tmp_path, "made") as (process, line):
        folder = Path(line)
        sweep(tmp_path, ".work-")
        assert (folder / "half").exists()
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert (folder / "half").exists()
        sweep(tmp_path, ".work-")
    assert [path.name for path in tmp_path.iterdir()] == ["other"]


def test_a_folder_that_was_handed_on_lasts_as_long_as_either_holds_it(tmp_path: Path) -> None:
    folder = tmp_path / ".work-1"
    folder.mkdir()
    mine = hold(folder)
    assert mine is not None
    with child(tmp_path, str(folder)) as (process, line):
        assert line == "held"
        os.close(mine)
        sweep(tmp_path, ".work-")
        assert folder.exists()
        process.kill()
        process.wait()
    sweep(tmp_path, ".work-")
    assert not folder.exists()
    assert hold(folder) is None


def test_a_folder_that_is_swept_before_it_is_held_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = tmp_path / ".work-first"
    first.mkdir()
    second = tmp_path / ".work-second"
    second.mkdir()
    made = iter([str(first), str(second)])
    monkeypatch.setattr("engine.core.held_folders.tempfile.mkdtemp", lambda **options: next(made))
    first.rmdir()
    with held_folder(tmp_path, ".work-") as folder:
        assert folder == second
    assert not list(tmp_path.iterdir())
