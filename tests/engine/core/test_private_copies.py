from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from engine.core.errors import DamagedFileError
from engine.core.private_copies import private_copy, private_folder


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A million numbers; its copies are offered in a folder of this test's own."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    path = tmp_path / "numbers.bin"
    np.arange(250_000, dtype=np.float32).tofile(path)
    return path


def sha256(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def test_a_copy_stays_as_it_was_whatever_becomes_of_the_file(file: Path) -> None:
    before = file.read_bytes()
    copy = private_copy(file, len(before), sha256(file))
    numbers = copy.array(np.float32, (250_000,))
    os.truncate(file, 0)
    assert numbers[-1] == 249_999
    file.write_bytes(b"\xff" * len(before))
    assert copy.read() == before
    with copy.open() as stream:
        assert stream.read() == before


def test_nobody_can_shorten_or_write_to_a_copy(file: Path) -> None:
    copy = private_copy(file)
    with pytest.raises(PermissionError):
        os.truncate(copy.path, 1)
    with copy.path.open("r+b", buffering=0) as stream, pytest.raises(PermissionError):
        stream.write(b"other")


def test_a_file_that_is_not_what_was_written_is_refused_by_what_differs(file: Path) -> None:
    size, digest = file.stat().st_size, sha256(file)
    with pytest.raises(DamagedFileError, match=f"has {size} bytes, not {size + 1}"):
        private_copy(file, size + 1, digest)
    with pytest.raises(DamagedFileError, match="does not match its checksum"):
        private_copy(file, size, "0" * 64)


def test_what_is_no_file_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "endless").symlink_to("/dev/zero")
    for name in ("pipe", "endless", ".", "gone"):
        with pytest.raises(OSError):
            private_copy(tmp_path / name)


def test_rows_are_changed_for_one_array_alone(file: Path) -> None:
    copy = private_copy(file)
    numbers = copy.array(np.float32, (1000, 250))
    fresh = numbers.changed(np.array([3]), np.full((1, 250), -1.0, dtype=np.float32))
    assert (fresh[3] == -1).all()
    assert numbers[3, 0] == 750
    assert np.array_equal(fresh[4:], numbers[4:])


def test_processes_share_what_one_of_them_copied(file: Path) -> None:
    copy = private_copy(file, file.stat().st_size, sha256(file))
    copy.offer()
    size, digest = copy.size, copy.sha256
    file.unlink()  # whoever opens now has nothing but the copy
    code = (
        "import sys, tempfile\nfrom pathlib import Path\nfrom engine.core.private_copies import private_copy\n"
        f"tempfile.tempdir = {str(file.parent)!r}\n"
        f"copy = private_copy(Path({str(file)!r}), {size}, {digest!r})\nprint(copy.shared, hash(copy.read()) != 0, copy.size)"
    )
    child = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert child.stdout.split() == ["True", "True", str(size)]


def test_a_link_to_anything_but_the_sealed_copy_is_not_followed(file: Path, tmp_path: Path) -> None:
    size, digest = file.stat().st_size, sha256(file)
    folder = tmp_path / f"longtail-{os.getuid()}"
    folder.mkdir(mode=0o700)
    forged = tmp_path / "forged"
    forged.write_bytes(b"\0" * size)
    (folder / digest).symlink_to(forged)
    assert private_copy(file, size, digest).read() == file.read_bytes()
    # Memory of the right name and size that its maker can still write to.
    handle = os.memfd_create(f"longtail-{digest}", os.MFD_ALLOW_SEALING)
    os.truncate(handle, size)
    (folder / digest).unlink()
    (folder / digest).symlink_to(f"/proc/{os.getpid()}/fd/{handle}")
    assert private_copy(file, size, digest).read() == file.read_bytes()
    os.close(handle)


def test_links_of_processes_that_are_gone_are_removed(file: Path, tmp_path: Path) -> None:
    folder = tmp_path / f"longtail-{os.getuid()}"
    folder.mkdir(mode=0o700)
    (folder / ("a" * 64)).symlink_to("/proc/0/fd/3")
    copy = private_copy(file)
    copy.offer()
    assert [link.name for link in folder.iterdir()] == [copy.sha256]


def test_a_folder_of_copies_is_gone_after_its_block(file: Path) -> None:
    with private_folder({"deep/numbers.bin": private_copy(file)}) as folder:
        assert (folder / "deep" / "numbers.bin").read_bytes() == file.read_bytes()
    assert not folder.exists()
