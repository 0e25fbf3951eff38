"""The short form of the hundred swaps: a real dashboard, its pages, its route for cards, and Python callers."""

from __future__ import annotations

from pathlib import Path

from benchmarks.trust.swaps import run


def test_no_answer_mixes_two_releases_while_they_are_swapped(tmp_path: Path) -> None:
    readers, swaps = run(tmp_path, 9)
    assert readers.errors == []
    assert swaps == 9
    assert set(readers.releases) == {"r0001", "r0002"}
    assert {"page 0", "cards", "python"} <= set(readers.answers)
