from __future__ import annotations

from pathlib import Path

import pytest

from engine.training.finished_parts import FinishedParts


def made(parts: FinishedParts, value: str, digest: str = "d" * 64) -> str:
    def save(text: str, folder: Path) -> None:
        (folder / "text").write_text(text)

    return parts.made("part", digest, lambda: value, save, lambda folder: (folder / "text").read_text())


def test_a_part_is_made_once_for_the_same_inputs(tmp_path: Path) -> None:
    first, second = FinishedParts(tmp_path), FinishedParts(tmp_path)
    assert made(first, "one") == "one"
    assert made(second, "two") == "one"
    assert made(second, "three", "e" * 64) == "three"
    assert (first.reused, second.reused) == ([], ["part"])


@pytest.mark.parametrize("damage", ["text", "sums.json"])
def test_a_damaged_part_is_made_again(tmp_path: Path, damage: str) -> None:
    made(FinishedParts(tmp_path), "one")
    next(tmp_path.glob(f"part-*/{damage}")).write_text("nonsense")
    assert made(FinishedParts(tmp_path), "two") == "two"
    assert made(FinishedParts(tmp_path), "three") == "two"


def test_what_was_not_asked_for_and_what_a_kill_left_is_removed(tmp_path: Path) -> None:
    made(FinishedParts(tmp_path), "old", "a" * 64)
    (tmp_path / ".part-1234.part").mkdir()
    parts = FinishedParts(tmp_path)
    made(parts, "new", "b" * 64)
    parts.forget_others()
    assert [path.name for path in tmp_path.iterdir()] == ["part-" + 32 * "b"]


def test_a_part_that_cannot_be_kept_is_made_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "full").write_text("a file where the folder should be")
    assert made(FinishedParts(tmp_path / "full"), "one") == "one"
