from __future__ import annotations

import multiprocessing
import os
from pathlib import Path

import psutil
import pytest

from engine.core.errors import JobError, JobRunningError
from engine.jobs.lease import Holder, Lease, lease_holder


def test_a_lease_that_nobody_took_has_no_holder(tmp_path: Path) -> None:
    assert lease_holder(tmp_path / "lease") is None


def test_the_holder_is_known_while_the_lease_is_held_and_not_after(tmp_path: Path) -> None:
    lease = Lease.take(tmp_path / "lease", "r1")
    assert lease_holder(tmp_path / "lease") == Holder("r1")
    lease.name_process("r1", os.getpid(), own_group=False)
    holder = lease_holder(tmp_path / "lease")
    assert holder is not None
    assert holder.process() is not None
    lease.close()
    assert lease_holder(tmp_path / "lease") is None


def test_a_held_lease_is_refused_by_name(tmp_path: Path) -> None:
    lease = Lease.take(tmp_path / "lease", "r1")
    with pytest.raises(JobRunningError, match="r1"):
        Lease.take(tmp_path / "lease", "r2")
    lease.close()
    Lease.take(tmp_path / "lease", "r2").close()


def test_a_lease_handed_to_a_child_stays_held_until_the_child_is_gone(tmp_path: Path) -> None:
    lease = Lease.take(tmp_path / "lease", "r1")
    go = multiprocessing.get_context("fork").Event()
    child = multiprocessing.get_context("fork").Process(target=go.wait)
    child.start()
    lease.close()
    assert lease_holder(tmp_path / "lease") == Holder("r1")
    go.set()
    child.join()
    assert lease_holder(tmp_path / "lease") is None


def test_a_process_that_took_over_the_number_of_the_holder_is_not_taken_for_it() -> None:
    assert Holder("r1", os.getpid(), started=1.0).process() is None


@pytest.mark.parametrize("days", [-1, 1])
def test_the_holder_is_known_after_the_clock_was_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, days: int
) -> None:
    lease = Lease.take(tmp_path / "lease", "r1")
    lease.name_process("r1", os.getpid(), own_group=False)
    booted = psutil.boot_time() + days * 24 * 3600  # what the system says of its start moves with the clock
    monkeypatch.setattr(psutil._psplatform, "boot_time", lambda: booted)
    holder = lease_holder(tmp_path / "lease")
    assert holder is not None
    assert holder.process() is not None
    lease.close()


def test_a_workspace_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(JobError, match="file"):
        Lease.take(tmp_path / "file" / "lease", "r1")


def test_a_holder_that_cannot_be_read_still_counts_as_one(tmp_path: Path) -> None:
    lease = Lease.take(tmp_path / "lease", "r1")
    os.ftruncate(lease.descriptor, 3)
    assert lease_holder(tmp_path / "lease") == Holder("unknown")
    lease.close()
