from __future__ import annotations

import os
from pathlib import Path

import pytest

from engine.core.reading import read_bounded, read_json


def test_a_file_with_more_than_it_may_have_is_not_read(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"12345")
    assert read_bounded(file, 5) == b"12345"
    with pytest.raises(OSError, match="more than 4 bytes"):
        read_bounded(file, 4)


def test_a_pipe_a_device_and_a_folder_are_no_files(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "endless").symlink_to("/dev/zero")
    for name in ("pipe", "endless"):
        with pytest.raises(OSError, match="not a file"):
            read_bounded(tmp_path / name, 10)
    with pytest.raises(OSError):
        read_bounded(tmp_path, 10)


@pytest.mark.parametrize(
    "text", ["[" * 100_000, "{", "9" * 5000, "\ud800".encode("utf-8", "surrogatepass").decode("latin-1")]
)
def test_what_is_no_json_is_a_value_error_however_deep_or_long(text: str, tmp_path: Path) -> None:
    file = tmp_path / "file.json"
    file.write_bytes(text.encode("latin-1"))
    with pytest.raises(ValueError):
        read_json(file)
