"""Whatever lies in the place of a small file of the workspace: a sentence, and nobody waits or runs out of memory."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.core.errors import LongtailError
from engine.core.keys import kept_key
from engine.core.settings import load_settings
from engine.core.workspace import Workspace

HARMS: dict[str, Callable[[Path], object]] = {
    "a pipe": os.mkfifo,
    "a directory": Path.mkdir,
    "endless zeros": lambda file: file.symlink_to("/dev/zero"),
    "itself": lambda file: file.symlink_to(file),
    "sixty-four gigabytes": lambda file: (file.touch(), os.truncate(file, 1 << 36)),
    "no text": lambda file: file.write_bytes(b"\xff\0\xfe"),
    "deep": lambda file: file.write_text("a = " + "[" * 20_000),
}
READ: dict[str, Callable[[Path], object]] = {
    "settings.toml": lambda root: load_settings(root, environment={}),
    "shop/current": lambda root: Workspace(root).current_snapshot(),
}


@pytest.mark.parametrize("harm", HARMS)
@pytest.mark.parametrize("name", READ)
def test_it_is_refused_in_a_sentence(name: str, harm: str, tmp_path: Path) -> None:
    file = tmp_path / name
    file.parent.mkdir(exist_ok=True)
    HARMS[harm](file)
    with pytest.raises(LongtailError):
        READ[name](tmp_path)


@pytest.mark.parametrize("harm", ["a pipe", "a directory", "endless zeros", "itself", "sixty-four gigabytes"])
def test_what_is_no_key_signs_nothing(harm: str, tmp_path: Path) -> None:
    HARMS[harm](tmp_path / "review.key")
    with pytest.raises(LongtailError, match=r"review\.key cannot be read"):
        kept_key(tmp_path / "review.key")
