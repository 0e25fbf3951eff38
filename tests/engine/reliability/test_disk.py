"""The promises of docs/reliability.md: power failures, full disks and kills at a sample of points; `benchmarks.trust.faults` tries all."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.disk_shim import ShimServer
from tests.support.shimmed_work import make_files
from tests.support.small_workspace import build_small_workspace
from tests.support.trials import Trial

WORK = ("judge", "draft", "change", "publish", "rollback", "ingest")


@pytest.fixture(scope="module")
def server() -> Iterator[ShimServer]:
    with ShimServer() as opened:
        yield opened


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_small_workspace(tmp_path_factory.mktemp("before") / "workspace", rows=False).root


@pytest.mark.parametrize("work", WORK)
def test_power_kill_or_a_full_disk_leave_the_old_or_the_new(
    server: ShimServer, before: Path, tmp_path: Path, work: str
) -> None:
    arguments = [make_files(tmp_path / "files")] if work == "ingest" else []
    trial = Trial(server, work, before, tmp_path, *arguments)
    some = range(trial.changes // 10 + 1, trial.changes, trial.changes // 4)
    assert trial.power_failures(every=41 if work == "ingest" else 7).wrong == []
    assert trial.full_disk(some).wrong == []
    assert trial.killed(some).wrong == []


def test_a_power_failure_between_a_file_and_its_name_is_noticed_by_these_tests(
    server: ShimServer, tmp_path: Path
) -> None:
    """Careless work: a file that is renamed without being synced is empty after an eager power failure."""
    before = tmp_path / "workspace"
    before.mkdir()
    (before / "settings.toml").write_text("seed = 1\n")
    found = Trial(server, "careless", before, tmp_path).power_failures()
    assert any("eager" in wrong and "settings" in wrong for wrong in found.wrong)
