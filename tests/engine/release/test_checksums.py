from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from engine.release import checksums
from engine.release.checksums import checked_sha256


def test_an_unchanged_file_is_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "a"
    file.write_bytes(b"one")
    read: list[Path] = []
    whole = checksums.file_sha256
    monkeypatch.setattr(checksums, "file_sha256", lambda path: (read.append(path), whole(path))[1])
    assert checked_sha256(file) == checked_sha256(file) == hashlib.sha256(b"one").hexdigest()
    assert read == [file]


def test_a_change_is_noticed_even_when_size_and_time_are_put_back(tmp_path: Path) -> None:
    file = tmp_path / "a"
    file.write_bytes(b"one")
    before = file.stat()
    checked_sha256(file)
    file.write_bytes(b"two")
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert checked_sha256(file) == hashlib.sha256(b"two").hexdigest()
