"""A settings.toml that cannot be read is said in a sentence; it never means that the defaults hold."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from engine.core.errors import SettingsError
from engine.core.settings import load_settings
from tests.support.forked import run_forked


def test_a_mark_of_the_encoding_at_its_beginning_is_no_part_of_it(tmp_path: Path) -> None:
    (tmp_path / "settings.toml").write_bytes(b"\xef\xbb\xbfseed = 7\n")
    assert load_settings(tmp_path, environment={}).seed == 7


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"seed = 7\xff\n", "save it as UTF-8"), ("seed = 7\n".encode("utf-16"), "save it as UTF-8"), (b"seed = [[", "not valid TOML"),
     (b"\0\0\0", "not valid TOML")],
)  # fmt: skip
def test_other_bytes_are_refused(tmp_path: Path, content: bytes, words: str) -> None:
    (tmp_path / "settings.toml").write_bytes(content)
    with pytest.raises(SettingsError, match=words):
        load_settings(tmp_path, environment={})


def test_a_folder_or_pipe_in_its_place_is_refused(tmp_path: Path) -> None:
    (tmp_path / "one" / "settings.toml").mkdir(parents=True)
    with pytest.raises(SettingsError, match="it is a folder"):
        load_settings(tmp_path / "one", environment={})


def test_a_file_that_may_not_be_read_is_refused(tmp_path: Path) -> None:
    """In a child that is nobody in particular: root may read everything."""
    os.chmod(tmp_path, 0o755)
    (tmp_path / "settings.toml").write_text("seed = 7\n")
    os.chmod(tmp_path / "settings.toml", 0)

    def read() -> None:
        with pytest.raises(SettingsError, match="it cannot be read"):
            load_settings(tmp_path, environment={})

    assert run_forked(read, nobody) == 0


def nobody() -> None:
    """Give up root's rights where this process has them."""
    if os.getuid() == 0:
        os.setgid(65534)
        os.setuid(65534)
