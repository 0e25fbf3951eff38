"""The shared cases, files as shops really have them, come out as wanted without a hand's help."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.moving_in.case_files import CASES
from benchmarks.moving_in.cases import faults


@pytest.mark.parametrize("case", CASES)
def test_a_case_comes_out_as_wanted(case: str, shared_data: Path) -> None:
    assert list(faults(shared_data.parent / "cases" / case, list(CASES[case]()))) == []
