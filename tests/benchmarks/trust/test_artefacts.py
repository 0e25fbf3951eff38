"""The short form of the 10,000 damaged artefacts: every kind of file, in a process of its own."""

from __future__ import annotations

from pathlib import Path

from benchmarks.trust.artefact_worker import KINDS
from benchmarks.trust.artefact_workspace import build_workspace
from benchmarks.trust.artefacts import BAD, run


def test_damaged_artefacts_end_no_process_change_no_list_and_are_refused_in_sentences(tmp_path: Path) -> None:
    build_workspace(tmp_path / "0")
    tried = 4 * len(KINDS)
    outcomes, kinds, not_borne, _ = run(tmp_path, tried, 1)
    assert not_borne == []
    assert sum(outcomes.values()) == tried
    assert not set(outcomes) - {"answered", "refused"} - set(BAD), outcomes  # mended files are served again
    assert outcomes["refused"]
    assert len(kinds) > len(KINDS) // 2
