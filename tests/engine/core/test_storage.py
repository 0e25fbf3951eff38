from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from engine.core.errors import StorageError
from engine.core.storage import atomic_directory, atomic_write, atomic_write_json, file_sha256


def test_a_file_is_replaced_and_nothing_lies_beside_it(tmp_path: Path) -> None:
    file = tmp_path / "new" / "file.txt"
    atomic_write(file, "one")
    atomic_write(file, b"two")
    assert file.read_text() == "two"
    assert list(file.parent.iterdir()) == [file]
    assert file.stat().st_mode & 0o777 == 0o644


def test_a_write_that_fails_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "file.txt"
    atomic_write(file, "old")

    def full(*args: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageError, match="disk is full") as caught:
        atomic_write(file, "new")
    assert caught.value.detail == f"{file}: No space left on device"
    assert file.read_text() == "old"
    assert list(tmp_path.iterdir()) == [file]


def test_json_is_sorted_and_refuses_what_json_does_not_know(tmp_path: Path) -> None:
    file = tmp_path / "value.json"
    atomic_write_json(file, {"b": "é", "a": 1})
    assert file.read_text("utf-8") == '{\n  "a": 1,\n  "b": "é"\n}\n'
    with pytest.raises(ValueError, match="nan"):
        atomic_write_json(file, {"a": float("nan")})
    assert '"a": 1' in file.read_text()


def test_a_directory_appears_whole(tmp_path: Path) -> None:
    with atomic_directory(tmp_path / "release") as part:
        (part / "inner").mkdir()
        (part / "inner" / "file").write_text("x")
        assert not (tmp_path / "release").exists()
    assert (tmp_path / "release" / "inner" / "file").read_text() == "x"
    assert [path.name for path in tmp_path.iterdir()] == ["release"]


def test_a_directory_whose_filling_fails_never_appears(tmp_path: Path) -> None:
    def fill() -> None:
        with atomic_directory(tmp_path / "release") as part:
            (part / "file").write_text("x")
            raise KeyError("y")

    with pytest.raises(KeyError):
        fill()
    assert list(tmp_path.iterdir()) == []


def test_a_process_killed_while_it_writes_leaves_the_old_file(tmp_path: Path) -> None:
    file = tmp_path / "file.txt"
    atomic_write(file, "old" * 1000)
    script = textwrap.dedent("""
        import os, signal, sys
        from pathlib import Path
        import engine.core.storage as storage
        replace = os.replace
        os.replace = lambda *names: os.kill(os.getpid(), signal.SIGKILL)
        storage.atomic_write(Path(sys.argv[1]), "new" * 1000)
    """)
    root = Path(__file__).resolve().parents[3]
    child = subprocess.run([sys.executable, "-c", script, str(file)], cwd=root, check=False)
    assert child.returncode == -9
    assert file.read_text() == "old" * 1000


def test_the_checksum_is_that_of_the_bytes(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"abc" * 100_000)
    assert file_sha256(file) == hashlib.sha256(b"abc" * 100_000).hexdigest()
