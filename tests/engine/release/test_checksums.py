from __future__ import annotations

import hashlib
import os
import tempfile
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


def test_another_process_believes_what_this_one_read_and_no_older_start_of_the_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    file, gone = tmp_path / "file", tmp_path / "gone"
    for one in (gone, file):
        one.write_bytes(b"1" * (1 << 20))
    checked_sha256(gone)
    gone.unlink()
    digest = checked_sha256(file)
    assert len(list(tmp_path.glob("longtail-*/checked/*"))) == 1
    monkeypatch.setattr(checksums, "_known", {})  # another process
    reads: list[Path] = []
    monkeypatch.setattr(checksums, "file_sha256", lambda path: reads.append(path) or digest)
    assert checked_sha256(file) == digest
    assert reads == []
    monkeypatch.setattr(checksums, "_known", {})
    monkeypatch.setattr(checksums, "_boot", lambda: "another")
    assert checked_sha256(file) == digest
    assert reads == [file]


@pytest.mark.parametrize(
    "note", [b"", b"{}", b"[" * 9000, b'{"stamp": [1], "sha256": 7, "path": 1, "boot": 2}', b"\xff"]
)
def test_a_note_that_makes_no_sense_is_not_believed(
    note: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    file = tmp_path / "file"
    file.write_bytes(b"1" * (1 << 20))
    checked_sha256(file)
    (written,) = tmp_path.glob("longtail-*/checked/*.json")
    written.write_bytes(note)
    monkeypatch.setattr(checksums, "_known", {})
    assert checked_sha256(file) == hashlib.sha256(b"1" * (1 << 20)).hexdigest()
